"""JSON larger than what is decoded at once gives the same sentences, or counted rejections."""

import json
import subprocess
import sys
from contextlib import suppress

import pytest

from job.corpus.formats.json_rows.decoding.window import TOO_DEEP
from job.corpus.formats.json_rows.read import TOO_LARGE
from job.corpus.formats.json_rows.records import ELSEWHERE
from job.errors import DataError
from tests.corpus.formats.test_json_shapes import SHAPES, TEXTS
from tests.support.parsing import parse

WINDOW = "job.corpus.formats.json_rows.decoding.window.WINDOW"
USUAL = {"text": "서울은", "entities": [{"start": 0, "end": 2, "label": "LC", "text": "서울"}]}


class NoSentenceError(Exception):
    """None of a file could be told to be one, and the file was refused."""


def as_json(value, indent=None):
    return json.dumps(value, ensure_ascii=False, indent=indent).encode()


def read(data):
    """The sentences and the reasons of rejections."""
    try:
        parsed = parse(data, "f.json")
    except DataError as error:
        if "no object has both a text and mentions" in str(error):
            raise NoSentenceError from error
        raise
    sentences = [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences]
    return sentences, [row.reason for row in parsed.rejected]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_no_window_loses_a_sentence_or_its_entities_unsaid(shape, indent, monkeypatch):
    """Each sentence is read as it is or rejected, however little is decoded at once."""
    for window in (1, 3, 4, 8, 32, 64, 100, 150, 200, 300, 500, 1000):
        monkeypatch.setattr(WINDOW, window)
        with suppress(NoSentenceError):
            sentences, rejected = read(as_json(SHAPES[shape], indent))
            assert all(sentence in TEXTS for sentence in sentences), window
            assert len(sentences) + len(rejected) >= len(TEXTS), window
            assert set(rejected) <= {TOO_LARGE, ELSEWHERE}, window


N = 12_000
LONG = "서울 " * N
OBJECTS = [{"start": 3 * i, "end": 3 * i + 2, "label": "LC", "text": "서울"} for i in range(N)]
TRIPLES = [[3 * i, 3 * i + 2, "LC"] for i in range(N)]


@pytest.mark.parametrize(
    ("usual", "long"),
    [
        (USUAL, {"text": LONG, "entities": OBJECTS}),
        (["서울은", {"entities": [[0, 2, "LC"]]}], [LONG * 5, {"entities": TRIPLES}]),
        (["서울은", [[0, 2, "LC"]]], [LONG * 5, TRIPLES]),
        (
            {"tokens": ["서울", "은"], "ner_tags": ["B-LC", "O"]},
            {"tokens": ["서울", "은"] * 5 * N, "ner_tags": ["B-LC", "O"] * 5 * N},
        ),
    ],
    ids=["objects", "pairs with an object", "pairs", "tokens"],
)
@pytest.mark.parametrize("inside", [False, True], ids=["array", "document"])
def test_a_sentence_of_a_megabyte_is_read_whole(usual, long, inside):
    """Its mentions are as many as they were, and its neighbours are what they were."""
    rows = [usual, long, usual]
    parsed = parse(as_json({"data": rows} if inside else rows), "f.json")
    assert not parsed.rejected
    first, second, third = [len(sentence.spans) for sentence in parsed.sentences]
    assert (first, third) == (1, 1)
    assert second >= N


def test_mentions_of_a_megabyte_that_hold_lists_reject_their_sentence():
    """Nothing of it is learned as if it had no entities."""

    def task(text, values):
        result = [{"value": {**value, "labels": ["LC"]}} for value in values]
        return {"data": {"text": text}, "annotations": [{"result": result}]}

    def value(mention):
        return {key: mention[key] for key in ("start", "end", "text")}

    rows = [task("서울은", [value(OBJECTS[0])]), task(LONG, map(value, OBJECTS))]
    sentences, rejected = read(as_json({"data": rows}))
    assert sentences == [("서울은", [(0, 2, "LC")])]
    assert rejected == [TOO_LARGE]


def test_a_large_sentence_that_lies_elsewhere_is_rejected():
    """Its mentions were not decoded with it, and still it counts."""
    mentions = [{**mention, "label": ["LC"]} for mention in OBJECTS]
    more = {"appendix": {"text": LONG, "entities": mentions}}
    sentences, rejected = read(as_json({"data": [USUAL] * 400, "more": more}))
    assert len(sentences) + len(rejected) == 401
    assert set(rejected) == {ELSEWHERE}


def test_a_text_of_ten_megabytes_is_one_sentence():
    """In one field, beside usual ones."""
    long = {"text": "가" * 3_500_000, "entities": []}
    sentences, rejected = read(as_json([USUAL, long, USUAL]))
    assert [len(text) for text, _ in sentences] == [3, 3_500_000, 3]
    assert not rejected


def test_bytes_that_begin_no_character_end_with_their_line():
    """A run of them is longer than what is decoded at once; the reading ends all the same."""
    code = (
        "from tests.support.parsing import parse\n"
        "from job.errors import DataError\n"
        "try:\n"
        "    parse(b'[\\n{\"text\": \"' + b'\\x80' * (1 << 20) + b'\"}]', 'f.json')\n"
        "except DataError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert "f.json" in done.stdout
    assert done.stdout.count("\n") == 1


def test_sentences_are_found_behind_a_list_of_mentions_that_is_too_large():
    """That one sentence is rejected; it does not hide where the others lie."""
    mention = {"start": 0, "end": 1, "label": "LC", "text": "가", "marks": [{"of": "me"}]}
    rows = [{"text": f"이순신은 {i}", "entities": [{**mention, "end": 3}]} for i in range(5)]
    rows = [row | {"entities": [m | {"text": "이순신"} for m in row["entities"]]} for row in rows]
    large = {"entities": [mention] * 10_000, "text": "가"}
    data = json.dumps({"document": [{"sentence": [large, *rows]}]}, ensure_ascii=False)
    parsed = parse(data.encode(), "f.json")
    assert [sentence.text for sentence in parsed.sentences] == [row["text"] for row in rows]
    assert [row.reason for row in parsed.rejected] == [TOO_LARGE]


@pytest.mark.parametrize("before", ["", '{"text": "가", "spans": []}\n'])
def test_json_that_is_too_deep_is_said_to_be_so(before):
    """In a document and in a row, in words that are not Python's."""
    data = before + '{"text": "가", "spans": ' + "[" * 5_000 + "]" * 5_000 + "}\n"
    try:
        [row] = parse(data.encode(), "f.json").rejected
        said = row.detail
    except DataError as error:
        said = str(error)
    assert TOO_DEEP in said
