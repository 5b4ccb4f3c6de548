"""Offsets are read in the unit that the mentions of the file prove, and in no other."""

import json

import pytest

from job.corpus.formats.json_rows.offsets.convert import DIFFERS, UNDECIDED
from job.corpus.formats.json_rows.offsets.marked import OUTSIDE
from job.errors import DataError
from tests.support.parsing import parse

TEXTS = [
    ("😀 홍길동은 갔다", "홍길동", "PS"),
    ("그는 🇰🇷 2020년 대전에서", "2020년", "DT"),
    ("Café에서 서울까지", "서울", "LC"),
    ("부산은 넓다", "부산", "LC"),
]
WIDTHS = {
    "code points": len,
    "UTF-16 code units": lambda text: len(text.encode("utf-16-le")) // 2,
    "UTF-8 bytes": lambda text: len(text.encode()),
}


def rows_in(unit: str, inclusive: bool, *, with_mention: bool = True) -> list[dict]:
    """TEXTS as a tool that counts in this unit writes them."""
    rows = []
    for text, mention, type_ in TEXTS:
        at = text.index(mention)
        start, end = WIDTHS[unit](text[:at]), WIDTHS[unit](text[: at + len(mention)])
        span = {"start": start, "end": end - inclusive, "label": type_}
        rows.append({"text": text, "spans": [span | ({"text": mention} if with_mention else {})]})
    return rows


def read(rows: list[dict]):
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return parse(data.encode(), "f.jsonl")


def mentions(parsed) -> list[tuple[str, str]]:
    return [(s.text[a:b], type_) for s in parsed.sentences for a, b, type_ in s.spans]


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("unit", WIDTHS)
def test_the_unit_that_spells_the_mentions_is_found_and_said(unit, inclusive):
    """Every unit, half-open or inclusive, gives the same mentions, and the format names it."""
    parsed = read(rows_in(unit, inclusive))
    assert mentions(parsed) == [(mention, type_) for _, mention, type_ in TEXTS]
    assert not parsed.rejected
    usual = unit == "code points" and not inclusive
    said = unit + (" with inclusive ends" if inclusive else "")
    assert (f"whose offsets count {said}" in parsed.format) is not usual


def test_what_the_unit_does_not_spell_is_rejected_and_not_moved():
    """One span of another mention among many good ones rejects its own sentence alone."""
    rows = rows_in("UTF-16 code units", False) * 10
    rows[7] = {
        "text": "부산은 넓다",
        "spans": [{"start": 1, "end": 3, "label": "LC", "text": "부산"}],
    }
    parsed = read(rows)
    assert [(row.reason, row.line) for row in parsed.rejected] == [(DIFFERS, 8)]
    assert "`산은`" in parsed.rejected[0].detail
    assert "`부산`" in parsed.rejected[0].detail
    assert len(parsed.sentences) == 39


def test_an_offset_within_a_character_is_rejected():
    """Half of a surrogate pair is no place in a text."""
    rows = rows_in("UTF-16 code units", False)
    rows.append({"text": "😀가", "spans": [{"start": 1, "end": 3, "label": "PS", "text": "가"}]})
    assert [row.reason for row in read(rows).rejected] == [OUTSIDE]


def test_spans_without_a_mention_count_half_open_code_points():
    """As documented; and what that makes impossible is rejected."""
    parsed = read(rows_in("code points", False, with_mention=False))
    assert mentions(parsed) == [(mention, type_) for _, mention, type_ in TEXTS]
    far = [{"text": "가나", "spans": [[0, 3, "PS"]]}, {"text": "가나", "spans": [[0, 2, "PS"]]}]
    assert [row.reason for row in read(far).rejected] == [OUTSIDE]


def test_spans_without_a_mention_follow_those_that_have_one():
    """One unit holds for the whole file."""
    rows = rows_in("UTF-16 code units", False)
    del rows[0]["spans"][0]["text"]
    parsed = read(rows)
    assert mentions(parsed)[0] == ("홍길동", "PS")


def test_two_units_that_explain_as_much_are_not_chosen_between():
    """One sentence speaks for code points and one for UTF-16: neither is learned."""
    span = {"start": 2, "end": 3, "label": "PS", "text": "가"}
    rows = [{"text": "😀b가", "spans": [span]}, {"text": "😀가b", "spans": [span]}]
    parsed = read(rows)
    assert not parsed.sentences
    assert {row.reason for row in parsed.rejected} == {UNDECIDED, DIFFERS}
    assert mentions(read([*rows, rows[0]])) == [("가", "PS")] * 2


def test_a_span_that_is_written_twice_speaks_against_no_unit():
    """Only inclusive ends explain the span of one syllable, so no row can be told."""
    twice = {"text": "나는 간다", "spans": [[0, 1, "PS"], [0, 1, "PS"]]}
    parsed = read([twice, {"text": "서울은", "spans": [[2, 2, "LC"]]}])
    assert not parsed.sentences
    assert UNDECIDED in {row.reason for row in parsed.rejected}


def test_a_few_strange_spans_do_not_make_one_doubt_the_unit():
    """Where no span names its mention, one of 200 rejects its sentence, one of 50 all that differ.

    [1, 1] is nothing where ends are half open, and a syllable where they are not.
    """
    strange = {"text": "부산은", "spans": [[1, 1, "LC"]]}
    usual = {"text": "부산은", "spans": [[0, 2, "LC"]]}
    few = read([*[usual] * 199, strange])
    assert (len(few.sentences), [row.reason for row in few.rejected]) == (199, [OUTSIDE])
    many = read([*[usual] * 49, strange])
    assert not many.sentences
    assert {row.reason for row in many.rejected} == {OUTSIDE, UNDECIDED}


@pytest.mark.parametrize(("end", "word"), [(2, "부산"), (1, "부산"), (2, "부산 ")])
def test_of_two_units_the_one_that_spells_the_blanks_too_is_chosen(end, word):
    """`부산 ` is `부산` but for a blank, so either end would do; the exact one decides."""
    span = {"start": 0, "end": end, "label": "LC", "text": word}
    parsed = read([{"text": "부산 은", "spans": [span]}] * 3)
    assert [s.spans for s in parsed.sentences] == [((0, 2, "LC"),)] * 3
    assert ("inclusive" in parsed.format) is (end == len(word) - 1)


def test_blanks_around_a_mention_do_not_speak_against_it():
    """A tool that trims the mention, or the span, names the same one."""
    rows = [
        {"text": "홍길동 은", "spans": [{"start": 0, "end": 4, "label": "PS", "text": "홍길동"}]}
    ]
    assert mentions(read(rows)) == [("홍길동", "PS")]


def test_doccano_counts_as_javascript_does():
    """Its exports have a list of comments, and no mention to tell by."""
    row = {"text": "내일 😀 서울역에서", "label": [[6, 9, "LC"]], "Comments": []}
    assert mentions(read([row])) == [("서울역", "LC")]


# As annotation tools write them, in small letters or not.
STATUSES = (
    *("Skipped", "skip", "REJECTED", "reject", "ignored", "ignore", "cancelled", "canceled"),
    *("unannotated", "unlabeled", "Not annotated", "pending", "todo", "discarded"),
)


@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"answer": "reject"}, '"answer": "reject"'),
        ({"answer": "ignore"}, '"answer": "ignore"'),
        ({"was_cancelled": True}, '"was_cancelled": true'),
        ({"is_labeled": False}, '"is_labeled": false'),
        *(({"status": said}, f'"status": "{said}"') for said in STATUSES),
        ({"total_annotations": 0}, '"total_annotations": 0'),
        ({"spans": None}, '"spans": null'),
    ],
)
def test_rows_that_are_not_to_be_used_are_left_out_and_counted(said, note):
    """They are neither sentences nor rejected ones, whatever their spans are."""
    good = {"text": "부산은 넓다", "spans": [[0, 2, "LC"]], "answer": "accept", "is_labeled": True}
    parsed = read([good, {"text": "시청", "spans": [[0, 2, "PS"]], **said}])
    assert mentions(parsed) == [("부산", "LC")]
    assert not parsed.rejected
    assert f"1 row was left out, marked {note}" in parsed.notes


def test_a_file_of_nothing_but_left_out_rows_is_refused():
    """It would be an empty split."""
    with pytest.raises(DataError, match="has no usable row: 1 row was"):
        read([{"text": "시청", "spans": [], "answer": "reject"}])


def test_an_approver_of_null_is_no_rejection():
    """Doccano writes it where nobody reviews."""
    parsed = read([{"text": "부산", "label": [[0, 2, "LC"]], "annotation_approver": None}])
    assert mentions(parsed) == [("부산", "LC")]


@pytest.mark.parametrize(
    "said",
    [
        {"total_annotations": False},
        {"total_annotations": 1},
        {"entities": None},
        {"status": "done"},
    ],
)
def test_what_says_nothing_against_a_row_leaves_it_in(said):
    """Among them null beside the answer: another task's, which nobody was asked."""
    assert mentions(read([{"text": "부산", "spans": [[0, 2, "LC"]], **said}])) == [("부산", "LC")]


def test_an_empty_list_beside_a_filled_one_is_no_answer():
    """The filled one is taken; two filled ones must be the same."""
    filled = [[0, 2, "LC"]]
    assert mentions(read([{"text": "부산", "spans": [], "entities": filled}])) == [("부산", "LC")]
    assert mentions(read([{"text": "부산", "spans": filled, "label": filled}])) == [("부산", "LC")]
    parsed = read([{"text": "부산", "spans": filled, "label": [[0, 1, "LC"]]}])
    assert [row.reason for row in parsed.rejected] == ["two lists of spans that differ"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('{"text": "가", "text": "나", "spans": []}', "a key twice"),
        ('{"text": "가", "spans": [], "score": NaN}', "not a JSON object"),
        ('{"text": "가", "spans": [["0", "1", "X"]]}', "a span is not"),
        ('{"text": "가", "spans": [[0, 1, "X", "가"]]}', "a span is not"),
        (
            '{"text": "가", "spans": [{"start": 0, "end": 1, "label": "X", "text": 3}]}',
            "a span is not",
        ),
        ('{"tokens": ["가"], "ner_tags": ["B-X"], "spans": [[0, 1, "Y"]]}', "tags and spans"),
        ('{"tokens": ["가"], "ner_tags": ["O"], "text": "가", "sentence": "나"}', "two texts"),
    ],
)
def test_a_row_that_says_two_things_is_rejected(row, reason):
    """Nothing of it is taken for the better half."""
    good = '{"text": "가", "spans": [[0, 1, "X"]]}\n'
    parsed = parse((good + row + "\n").encode(), "f.jsonl")
    assert len(parsed.sentences) == 1
    assert reason in parsed.rejected[0].reason


@pytest.mark.parametrize(("start", "end"), [(-2, 4), (2, 9), (2, -1), (-4, -1)])
def test_an_offset_outside_its_text_is_rejected_where_a_slice_gives_the_mention(start, end):
    """Counted from the text's end, or beyond it: Python would not mind."""
    text = "이순신은"
    bad = {
        "text": text,
        "spans": [{"start": start, "end": end, "label": "PS", "text": text[start:end]}],
    }
    parsed = read([*rows_in("UTF-16 code units", inclusive=False), bad])
    assert [row.reason for row in parsed.rejected] == [OUTSIDE]


@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_rows_is_read_with_the_line_of_each(indent):
    """On one line or on many, as `json.dump` writes it."""
    rows = rows_in("code points", True)
    data = json.dumps(rows, ensure_ascii=False, indent=indent)
    parsed = parse(data.encode(), "f.json")
    assert mentions(parsed) == [(mention, type_) for _, mention, type_ in TEXTS]
    opened = [n for n, line in enumerate(data.split("\n"), start=1) if line == "  {"]
    assert [s.line for s in parsed.sentences] == (opened if indent else [1] * 4)
    assert parsed.format.startswith("a JSON array")


def test_a_line_in_brackets_is_no_array():
    """News begin with `[속보]`, in the tutorial's format as elsewhere."""
    parsed = parse("[속보] 서울␞[속보] <서울:LC>\n".encode(), "f.txt")
    assert mentions(parsed) == [("서울", "LC")]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (json.dumps(["가", "나"]), "no object has both a text and mentions"),
        (json.dumps({"data": [{"text": "가"}]}, indent=1), "JSON \\(with `data`\\)"),
        ('[{"text": "가", "spans": []},\n {"text": \n', "my file.json:3 is no JSON"),
        ('[{"text": "가", "spans": []}, {"text": 3 4}]', "my file.json:1 is no JSON"),
    ],
)
def test_json_without_sentences_is_refused(data, words):
    """Also one that is cut off, with the line of the place."""
    with pytest.raises(DataError, match=words):
        parse(data.encode(), "my file.json")
