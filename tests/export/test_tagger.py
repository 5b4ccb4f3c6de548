"""Texts of any length are read in windows, and their entities are whole."""

import json

import pytest

from job.errors import ArgumentError
from job.predict import predict
from tests.support.tiny import POSITIONS


def test_a_text_of_100_000_characters_is_tagged_to_its_end(run):
    """An entity in the last window is found at its offsets."""
    text = "만났다 " * 25_000 + "김철수"
    written = json.loads(run(text, out_name="out.jsonl"))
    assert (written["text"], written["spans"]) == (text, [[100_000, 100_003, "PER"]])


def test_an_entity_across_a_window_boundary_is_whole(run):
    """Its wordpieces come from two windows and are one span."""
    text = "가 나 다 " * 4 + "김철수수수수수수수 " + "가 나 다 " * 4
    [span] = json.loads(run(text, out_name="out.jsonl"))["spans"]
    assert text[span[0] : span[1]] == "김철수수수수수수수"


def test_windows_longer_than_the_models_positions_are_refused(output, tmp_path):
    """The error has the value and the model's limit."""
    (tmp_path / "in.txt").write_text("가")
    with pytest.raises(ArgumentError, match=f"MAX_SEQ_LENGTH=999: this model has {POSITIONS}"):
        predict(
            str(output),
            str(tmp_path / "in.txt"),
            str(tmp_path / "out.txt"),
            cache_dir=tmp_path,
            max_seq_length=999,
        )
