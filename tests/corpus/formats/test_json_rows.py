"""Rows of JSON with spans or tokens give their sentences and entities, or are rejected."""

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from job.errors import DataError
from job.sentence import Sentence, Span
from tests.support.sentences import (
    mentions,
    only,
    read,
    sentences,
)


def test_json_lines_hold_any_text():
    """Any text and spans are read back equal, as triples and as objects."""

    @given(st.lists(sentences(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))))
    def check(many):
        assume(many)
        rows = [{"text": s.text, "spans": s.spans} for s in many]
        parsed = read("".join(json.dumps(row) + "\n" for row in rows))
        assert [(s.text, s.spans) for s in parsed.sentences] == [(s.text, s.spans) for s in many]
        rows = [
            {"text": s.text, "spans": [{"start": a, "end": b, "label": t} for a, b, t in s.spans]}
            for s in many
        ]
        parsed = read("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        assert [(s.text, s.spans) for s in parsed.sentences] == [(s.text, s.spans) for s in many]

    check()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"text": "가나", "spans": [[0, 3, "X"]]}', "a span outside its text"),
        ('{"text": "가나", "spans": [[-1, 1, "X"]]}', "a span outside its text"),
        ('{"text": "가나", "spans": [[1, 1, "X"]]}', "a span outside its text"),
        ('{"text": "가나", "spans": [[0, 2, "X"], [1, 2, "Y"]]}', "overlapping spans"),
        ('{"text": "가나", "spans": [[0, 1, "X"], [0, 1, "Y"]]}', "overlapping spans"),
        ('{"text": "가나", "spans": [[0, 1]]}', "a span is not [start, end, type]"),
        ('{"text": "가나", "spans": [[0, true, "X"]]}', "a span is not [start, end, type]"),
        ('{"text": "가나", "spans": [[0, 1.0, "X"]]}', "a span is not [start, end, type]"),
        ('{"text": "가나", "spans": ["0"]}', "a span is not [start, end, type]"),
        ('{"text": "가나", "spans": [{"start": 0}]}', "a span is not [start, end, type]"),
        ('{"text": "가나", "spans": [[0, 1, "X\\ud800"]]}', "lone surrogate"),
        ('{"text": "가\\ud800", "spans": []}', "lone surrogate"),
        ('{"text": "가\\u0000", "spans": []}', "NUL character"),
        ('{"text": " ", "spans": []}', "empty sentence"),
        ('{"text": 1, "spans": []}', "no text and spans, nor tokens and ner_tags"),
        ('{"words": []}', "no text and spans, nor tokens and ner_tags"),
        ('{"text": "가", "spans": [[0, 1, ""]]}', "unusable entity type"),
        ('{"text": "가"', "not a JSON object"),
        ("[" * 100_000, "not a JSON object"),
        ("null", "not a JSON object"),
        ('{"tokens": ["가"], "ner_tags": []}', "tokens and tags differ in number"),
        ('{"tokens": ["가"]}', "tokens without tags"),
        ('{"tokens": [], "ner_tags": []}', "empty sentence"),
        ('{"tokens": [1], "ner_tags": ["O"]}', "a token or tag is not a string"),
        ('{"tokens": ["가"], "ner_tags": [["O"]]}', "a token or tag is not a string"),
        ('{"tokens": ["가"], "ner_tags": ["Q"]}', "unknown tag"),
        ('{"tokens": [""], "ner_tags": ["O"]}', "empty unit"),
    ],
)
def test_a_bad_row_of_json_is_rejected(row, reason):
    """Alone, by its reason and line; the rows around it are kept."""
    good = '{"text": "가", "spans": [[0, 1, "X"]]}\n'
    parsed = read(good + row + "\n" + good)
    assert len(parsed.sentences) == 2
    [rejected] = parsed.rejected
    assert rejected.reason.startswith(reason)
    assert rejected.line == 2


def test_spans_may_be_objects_and_out_of_order():
    """Both ways to write a span may stand in one row, and spans are sorted."""
    row = {"text": "가나다", "spans": [{"start": 2, "end": 3, "type": "Y"}, [0, 2, "X"]]}
    assert mentions(only(read(json.dumps(row)))) == [("가나", "X"), ("다", "Y")]


def test_tokens_and_tags_are_units():
    """Words are joined by a space, characters as they are, and a marked-up sentence agrees."""
    row = {"tokens": ["김환희", "감독이", "왔다"], "ner_tags": ["B-PS", "I-PS", "O"]}
    assert mentions(only(read(json.dumps(row)))) == [("김환희 감독이", "PS")]
    row = {"tokens": list("김 옴"), "ner_tags": ["B-PS", "O", "O"], "sentence": "<김:PS> 옴"}
    assert only(read(json.dumps(row))) == Sentence("김 옴", (Span(0, 1, "PS"),), 1)


def test_integer_tags_need_names():
    """Without names the corpus is refused; a number beyond them rejects its row."""
    row = json.dumps({"tokens": ["김", "이"], "ner_tags": [1, 0]})
    with pytest.raises(DataError, match=r"label_names\.txt"):
        read(row)
    parsed = read(row, find_tag_names=lambda: ["O", "B-PS"])
    assert mentions(only(parsed)) == [("김", "PS")]
    parsed = read(row + "\n" + row.replace("[1", "[2"), find_tag_names=lambda: ["O", "B-PS"])
    assert [rejected.reason for rejected in parsed.rejected] == ["a tag without a name"]
