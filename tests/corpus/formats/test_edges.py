"""What no reader sees at the edge of a span is no part of the mention, in every format."""

import json
from collections import Counter

import pytest

from job.corpus.formats.edges import BLANKS, NOTHING_SEEN, OVERLAP, TWICE, UNSEEN, settled_spans
from job.sentence import Span
from tests.support.parsing import parse


def written(form: str, text: str, start: int, end: int) -> str:
    """A sentence with one span in one of the formats, and one that is fine."""
    good = "좋다"
    if form == "tutorial":
        tagged = f"{text[:start]}<{text[start:end]}:PS>{text[end:]}"
        return f"{text}␞{tagged}\n{good}␞<{good}:PS>\n"
    if form == "characters":
        tags = ["O"] * len(text)
        tags[start:end] = ["B-PS", *["I-PS"] * (end - start - 1)]
        rows = "".join(f"{c}\t{tag}\n" for c, tag in zip(text, tags, strict=True))
        return f"{rows}\n{good[0]}\tB-PS\n{good[1]}\tI-PS\n"
    rows = ({"text": text, "spans": [[start, end, "PS"]]}, {"text": good, "spans": [[0, 2, "PS"]]})
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


FORMS = ("tutorial", "characters", "spans")


def read(form: str, text: str, start: int, end: int):
    return parse(written(form, text, start, end).encode(), "f.txt")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("edge", "note"),
    [
        (" ", BLANKS),
        ("\u3000", BLANKS),
        ("\u00a0", BLANKS),
        ("\u00ad", UNSEEN),
        ("\u200b", UNSEEN),
        ("\u2060", UNSEEN),
        ("\u200f", UNSEEN),
        ("\x07", UNSEEN),
    ],
)
def test_what_is_not_seen_is_trimmed_at_both_ends_and_counted(form, edge, note):
    """The mention is what is seen; the text stays as it was, and the note counts the entity."""
    text = f"가{edge}홍{edge}길동{edge}은"
    parsed = read(form, text, 1, 7)
    first = parsed.sentences[0]
    assert first.text == text
    assert [text[a:b] for a, b, _ in first.spans] == [f"홍{edge}길동"]
    assert note.counted(1) in parsed.notes
    assert not parsed.rejected


@pytest.mark.parametrize(
    ("mention", "noted"),
    [(" 철수\u200b", {BLANKS: 1, UNSEEN: 1}), ("철수 ", {BLANKS: 1}), ("철수\u200b", {UNSEEN: 1})],
)
def test_each_end_is_counted_by_what_was_left_out_there(mention, noted):
    """An entity counts once for each kind of sign, whichever end it stood at."""
    counts = Counter()
    assert settled_spans(mention, [Span(0, len(mention), "PS")], counts)[0].type == "PS"
    assert counts == noted


@pytest.mark.parametrize("form", FORMS)
def test_a_span_of_nothing_that_is_seen_is_rejected(form):
    """No mention is left of it, so the sentence is left out by reason."""
    parsed = read(form, "가\u200b \u200b나", 1, 4)
    assert [(row.reason, row.line) for row in parsed.rejected] == [(NOTHING_SEEN, 1)]
    assert len(parsed.sentences) == 1


@pytest.mark.parametrize("mention", ["🏴\U000e0067\U000e0062\U000e007f", "👩\u200d👧", "❤\ufe0f"])
def test_a_sign_that_ends_in_marks_of_its_own_is_not_cut(mention):
    """The tags of a flag, an inner joiner and a variation selector belong to what is seen."""
    parsed = read("spans", f"가{mention}나", 1, 1 + len(mention))
    assert parsed.sentences[0].text[1 : 1 + len(mention)] == mention
    assert parsed.sentences[0].spans[0][:2] == (1, 1 + len(mention))
    assert not parsed.notes


def test_overlaps_are_judged_after_the_trimming():
    """Two spans that share a blank alone do not overlap; two that share a letter do."""
    rows = [
        {"text": "가 나", "spans": [[0, 2, "PS"], [1, 3, "LC"]]},
        {"text": "가나 ", "spans": [[0, 2, "PS"], [1, 3, "LC"]]},
    ]
    parsed = parse("".join(json.dumps(row) + "\n" for row in rows).encode(), "f.jsonl")
    assert [span[:2] for span in parsed.sentences[0].spans] == [(0, 1), (2, 3)]
    assert [(row.reason, row.line) for row in parsed.rejected] == [(OVERLAP, 2)]


def test_a_span_that_is_given_twice_counts_once():
    """Also where only the trimming makes the two equal; under two types it is a contradiction."""
    rows = [
        {"text": "홍길동 은", "spans": [[0, 3, "PS"], [0, 4, "PS"]]},
        {"text": "홍길동 은", "spans": [[0, 3, "PS"], [0, 3, "LC"]]},
    ]
    parsed = parse("".join(json.dumps(row) + "\n" for row in rows).encode(), "f.jsonl")
    assert [tuple(span) for span in parsed.sentences[0].spans] == [(0, 3, "PS")]
    assert TWICE.counted(1) in parsed.notes
    assert [row.line for row in parsed.rejected] == [2]


@pytest.mark.parametrize("form", FORMS)
def test_a_byte_order_mark_at_any_line_is_taken_off(form):
    """Files that were put together carry one in the middle; no text and no offset holds it."""
    whole = written(form, "홍길동은", 0, 3)
    parsed = parse(f"\ufeff{whole}\n\ufeff{whole}".encode(), "f.txt")
    assert [s.text for s in parsed.sentences] == ["홍길동은", "좋다"] * 2
    assert [s.spans[0][:2] for s in parsed.sentences] == [(0, 3), (0, 2)] * 2
    assert not parsed.rejected
    assert any("U+FEFF" in note for note in parsed.notes)


def test_a_mark_on_both_sides_of_the_separator_is_taken_off_both():
    """The tagged text was put together as the sentence was."""
    parsed = parse("가␞<가:PS>\n\ufeff나␞\ufeff<나:PS>\n".encode(), "f.txt")
    assert [(s.text, s.spans[0][:2]) for s in parsed.sentences] == [("가", (0, 1)), ("나", (0, 1))]
