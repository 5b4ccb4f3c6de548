"""Labelled files to score a model on: the splits that they are of."""

import pytest

from job.corpus.normalize import OFF
from job.corpus.splits import read_labelled
from job.settings import ConvertSettings

GOOD = '{"text": "서울은 넓다", "spans": [[0, 2, "LC"]]}\n' * 9
BAD = '{"text": "부산은 크다", "spans": [[0, 99, "LC"]]}\n'


@pytest.mark.parametrize(("name", "split"), [("train", "train"), ("dev", "val"), ("mine", "test")])
def test_a_file_is_of_the_split_that_it_names_and_else_test(tmp_path, name, split):
    """Scores on what a model has seen are not called those of a test."""
    place = tmp_path / f"{name}.jsonl"
    place.write_text(GOOD)
    assert list(read_labelled([str(place)], ConvertSettings(cache_dir=tmp_path), OFF)) == [split]


def test_places_of_one_split_are_one_with_all_that_was_rejected(tmp_path):
    """Of the second, too: too much of it ends the scoring, and the report counts it."""
    places = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    places[0].write_text(GOOD)
    places[1].write_text(GOOD + BAD)
    how = ConvertSettings(cache_dir=tmp_path, max_rejected_ratio=0.5)
    split = read_labelled([*map(str, places)], how, OFF)["test"]
    assert len(split.sentences) == 18
    assert [(row.file, row.line) for row in split.rejected] == [(str(places[1]), 10)]
