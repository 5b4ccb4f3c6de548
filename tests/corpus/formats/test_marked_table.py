"""A sentence beside its marked text, in a table or in JSON: read where the two prove it."""

import csv
import io
import json
import re

import pytest

from job.corpus.formats.json_rows.decoding.values import NO_JSON
from job.errors import DataError
from tests.support.parquet import parquet
from tests.support.parsing import parse

ROWS = [
    ("홍길동은, 서울에 왔다.", "<홍길동:PS>은, <서울:LC>에 왔다."),
    ("그는 “네”라고 했다.", "그는 “네”라고 했다."),
    ("이순신이 왔다.", "<이순신:PS>이 왔다."),
]
READ = [
    ("홍길동은, 서울에 왔다.", [(0, 3, "PS"), (6, 8, "LC")]),
    ("그는 “네”라고 했다.", []),
    ("이순신이 왔다.", [(0, 3, "PS")]),
]


def table(rows, separator="\t"):
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def read(text):
    parsed = parse(text.encode(), "train.txt")
    return parsed, [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences]


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
@pytest.mark.parametrize("header", [[], [("sentence", "tagged")], [("문장", "정답 문장")]])
def test_tabs_and_csv_with_and_without_header(separator, header):
    """Sentences know their lines, and no header is one."""
    parsed, sentences = read(table([*header, *ROWS], separator))
    assert sentences == READ
    assert [s.line for s in parsed.sentences] == [len(header) + i for i in (1, 2, 3)]
    assert not parsed.rejected
    assert parsed.format.endswith("as `<홍길동:PS>`")


@pytest.mark.parametrize("first", [("네.", "네."), ("홍길동", "<홍길동:PS>")])
def test_a_first_row_of_one_word_is_a_sentence(first):
    """It is no header: its two sides are one sentence, or one of them is marked."""
    assert read(table([first, *ROWS]))[0].sentences[0].text == first[0]


@pytest.mark.parametrize(
    "order", [lambda i, a, b: (b, a), lambda i, a, b: (i, a, "x", b), lambda i, a, b: (b, i, a)]
)
def test_the_columns_are_found_wherever_they_are(order):
    """Others beside them are left alone."""
    assert read(table([order(i, a, b) for i, (a, b) in enumerate(ROWS)]))[1] == READ


@pytest.mark.parametrize(
    ("mark", "shown"), [(r"[\1:\2]", "[홍길동:PS]"), (r"<\2>\1</\2>", "<PS>홍길동</PS>")]
)
def test_each_way_of_marking_is_read(mark, shown):
    """The marks are those that stand in a cell, in one way for a file."""
    rows = [(a, re.sub("<([^:]+):(..)>", mark, b)) for a, b in ROWS]
    parsed, sentences = read(table(rows, ","))
    assert sentences == READ
    assert parsed.format.endswith(f"as `{shown}`")


def test_whatever_the_marks_are_they_must_leave_the_sentence():
    """Also where only marks have brackets."""
    rows = [(a, b.replace("<", "[").replace(">", "]")) for a, b in ROWS]
    parsed, sentences = read(table([*rows, ("이순신이 왔다.", "[이순신:PS]이 갔다.")]))
    assert sentences == READ
    assert [each.reason for each in parsed.rejected] == ["tagged text differs from the sentence"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("이순신이 왔다.", "<이순신:PS>이 갔다."), "tagged text differs from the sentence"),
        (("", "<이순신:PS>"), "empty sentence"),
        (("한 칸",), "a row with more or fewer cells than the others"),
    ],
)
def test_a_row_that_does_not_prove_itself_is_rejected(row, reason):
    """With its line, and it is not the marked text alone that is taken."""
    parsed, sentences = read(table([*ROWS, row, *ROWS]))
    assert sentences == READ * 2
    assert [(each.reason, each.line) for each in parsed.rejected] == [(reason, 4)]


def test_a_first_row_that_differs_is_no_header():
    """A sentence is rejected and not passed over as names of columns."""
    parsed, _ = read(table([("그가 왔다.", "그가 갔다."), *ROWS]))
    assert [each.line for each in parsed.rejected] == [1]


def test_two_columns_of_marked_text_are_refused():
    """Which of them is right cannot be told."""
    rows = [(a, b, b.replace("PS", "PER")) for a, b in ROWS]
    with pytest.raises(DataError, match="marked in `first` and `second`, and one of them"):
        read(table([("text", "first", "second"), *rows]))


def test_marked_text_alone_stays_what_it_is():
    """A comma in it is no separator as long as nothing stands beside the marks that proves them."""
    text = "".join(f"{marked}\n" for _, marked in ROWS)
    parsed, sentences = read(text)
    assert sentences == READ
    assert parsed.format == "marked text alone, as `<홍길동:PS>`"


# JSON and Parquet

OBJECTS = [{"id": i, "form": a, "out": b, "from": "x"} for i, (a, b) in enumerate(ROWS)]
SHAPES = {
    "JSON Lines": lambda rows: "".join(f"{json.dumps(row)}\n" for row in rows).encode(),
    "a JSON array": lambda rows: json.dumps(rows, indent=1).encode(),
    "Parquet": parquet,
}


def in_json(data, **options):
    parsed = parse(data, "train.x", **options)
    return parsed, [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences]


@pytest.mark.parametrize("kind", SHAPES)
def test_objects_with_both_are_read_whatever_their_keys_are_called(kind):
    """The keys are named in the log, and a row that does not prove itself is rejected."""
    parsed, sentences = in_json(SHAPES[kind]([*OBJECTS, OBJECTS[2] | {"form": "이순신이 갔다."}]))
    assert sentences == READ
    assert parsed.format == f"{kind}, the text in `form` and marked in `out`, as `<홍길동:PS>`"
    assert [each.reason for each in parsed.rejected] == ["tagged text differs from the sentence"]


def test_a_line_that_is_no_object_of_two_texts_is_rejected():
    """One that was cut off, and one beyond the first lines that lacks a text."""
    lines = SHAPES["JSON Lines"](OBJECTS * 70) + b'{"form": "\n{"form": "x", "out": 3}\n'
    parsed, sentences = in_json(lines)
    assert len(sentences) == 210
    assert [(each.line, each.reason) for each in parsed.rejected] == [
        (211, NO_JSON),
        (212, "a row without its two texts"),
    ]


def test_two_keys_with_marked_text_are_refused():
    """By their names."""
    rows = [row | {"second": row["out"].replace("PS", "PER")} for row in OBJECTS]
    with pytest.raises(DataError, match="marked in `out` and `second`"):
        in_json(SHAPES["JSON Lines"](rows))


def test_keys_that_are_named_are_those_that_are_read():
    """Where CORPUS_FIELDS names a list of mentions, marks do not take its place."""
    with pytest.raises(DataError, match="no object has both"):
        in_json(SHAPES["JSON Lines"](OBJECTS), fields={"text": "form", "spans": "NE"})


def test_a_quote_that_is_never_closed_is_text_in_marked_text():
    """Looking whether a short file is a table refuses nothing."""
    _, sentences = read('<홍길동:PS>이 말했다.\n"안녕하세요.\n')
    assert sentences == [("홍길동이 말했다.", [(0, 3, "PS")]), ('"안녕하세요.', [])]
