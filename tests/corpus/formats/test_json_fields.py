"""CORPUS_FIELDS for JSON: what was inferred can be said, and decides where two readings fit."""

import json
import re

import pytest

from job.corpus.formats.json_rows.records import ELSEWHERE
from job.errors import DataError
from job.settings.field_types import parse_fields
from tests.corpus.formats.test_json_shapes import SHAPES, TEXTS
from tests.support.parsing import parse


def read(value, fields="", name="f.json"):
    """A JSON value read with the fields that the text says."""
    return parse(json.dumps(value, ensure_ascii=False).encode(), name, fields=parse_fields(fields))


def spans(parsed):
    return [[tuple(span) for span in sentence.spans] for sentence in parsed.sentences]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_fields_that_the_log_prints_say_the_same(shape):
    """Given back as CORPUS_FIELDS they give the same sentences."""
    said = re.search("CORPUS_FIELDS=(\\S+)", read(SHAPES[shape]).format)
    assert said, shape
    parsed = read(SHAPES[shape], said[1])
    assert [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences] == TEXTS
    assert not parsed.rejected


def test_the_fields_name_no_key_that_the_file_lacks():
    """Where mentions lie under their types, nothing is called start, type or mention."""
    printed = read(SHAPES["by type"]).format
    assert "CORPUS_FIELDS=text=text,spans=label,ends=inclusive,offsets=codepoints" in printed


def test_keys_of_any_name_are_read_where_the_fields_name_them():
    """The type may be put together; offsets count UTF-16, and the end is the last character's."""
    rows = [
        {
            "explain": "😀 홍길동은 갔다",
            "note": "홍길동",
            "taglist": [
                {"Keyword": "홍길동", "Tagclass": "PS", "TagCode": "NAME", "von": 3, "bis": 5}
            ],
        },
        {"explain": "비가 왔다", "note": "", "taglist": []},
    ]
    fields = "text=explain,spans=taglist,mention=Keyword,type=Tagclass-TagCode,"
    parsed = read(rows, f"{fields}start=von,end=bis,ends=inclusive,offsets=utf16")
    assert spans(parsed) == [[(2, 5, "PS-NAME")], []]
    parsed = read(rows, f"{fields}end=inclusive,offsets=utf16")
    assert spans(parsed) == [[(2, 5, "PS-NAME")], []]
    with pytest.raises(ValueError, match="offsets=codepoints"):
        parse_fields("text=a,offsets=utf15")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("offsets=codepoints", [(2, 4, "A")]),
        ("offsets=codepoints,end=inclusive", [(2, 5, "A")]),
        ("offsets=utf16", [(1, 3, "A")]),
        ("offsets=graphemes", [(2, 4, "A")]),
    ],
)
def test_the_fields_decide_what_nothing_in_the_file_does(fields, expected):
    """Of spans that name no mention, the unit and the ends are as the user says."""
    parsed = read([{"text": "😀가나다라", "spans": [[2, 4, "A"]]}], fields)
    assert spans(parsed) == [expected]


def test_columns_are_no_keys():
    """CORPUS_FIELDS=text=2 is meant for a table."""
    with pytest.raises(DataError, match="has no columns"):
        read([{"text": "가", "spans": [[0, 1, "A"]]}], "text=2,tags=1")


def test_a_sentence_where_the_first_ones_have_none_is_rejected():
    """It is behind all that the shape is told from, and would be lost unsaid."""
    row = {"text": "부산은 넓다", "spans": [[0, 2, "LC"]]}
    usual = [{"sentence": [row]} for _ in range(400)]
    parsed = read({"document": [*usual, {"appendix": {"more": [row]}}]})
    assert len(parsed.sentences) == 400
    [rejected] = parsed.rejected
    assert rejected.reason == ELSEWHERE
    assert "document[400].appendix.more[0]" in rejected.detail


def test_a_file_of_another_shape_among_many_is_surveyed_too():
    """A folder of documents whose last one has a level more."""
    from job.corpus.formats import recognise
    from job.corpus.formats.format import CorpusFile, Options

    row = {"text": "부산은 넓다", "spans": [[0, 2, "LC"]]}
    values = [{"sentence": [row]}] * 250 + [{"group": {"sentence": [row]}}]
    files = [CorpusFile(f"{i}.json", json.dumps(v).encode()) for i, v in enumerate(values)]
    parsed = recognise.parse(files, Options())
    assert len(parsed.sentences) == 251
    assert not parsed.rejected


@pytest.mark.parametrize("depth", [60, 500, 100_000])
def test_json_that_is_too_deep_is_refused(depth):
    """In one sentence, however deep it is."""
    for data in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        with pytest.raises(DataError, match=r"f\.json"):
            parse(data, "f.json")
