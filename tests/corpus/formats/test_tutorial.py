"""The tutorial's line gives exactly the entities that it marks up, or is rejected."""

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from job.corpus.formats.markup import AMBIGUOUS, BROKEN, DIFFERS, read_markup
from job.corpus.formats.text_lines import LineError
from job.corpus.formats.tutorial import read_tagged_line, to_tagged
from job.errors import DataError
from job.sentence import Sentence, Span
from tests.support.parsing import parse
from tests.support.sentences import (
    is_paired,
    mentions,
    only,
    read,
    sentences,
    write_tagged,
)


@given(sentences())
def test_tagged_text_reads_back_equal_or_is_rejected_as_ambiguous(sentence):
    """Markup is never read as other entities than those that it was written from."""
    assume(all(is_paired(sentence.text[s:e]) for s, e, _ in sentence.spans))
    try:
        found = read_tagged_line(write_tagged(sentence), 1)
    except LineError as error:
        found = error.reason
    assert found in (sentence, AMBIGUOUS)


@pytest.mark.parametrize(("count", "lines"), [(1, "1 line had"), (2, "2 lines had")])
def test_the_note_of_angle_brackets_counts_in_its_number(count, lines):
    """One line is a line, several are lines."""
    parsed = parse("<2>␞<<2:NOH>>\n".encode() * count, "f.txt")
    told = f"{lines} ambiguous angle brackets, read so that each mention holds whole pairs"
    assert told in parsed.notes


@given(sentences(st.characters(exclude_categories=("Cs",), exclude_characters="<>␞\0\n\r")))
def test_without_angle_brackets_every_sentence_reads_back_equal(sentence):
    """Nothing is ambiguous where the text has no `<` or `>`."""
    assert read_tagged_line(to_tagged(sentence), 1) == sentence


@given(sentences())
def test_what_to_tagged_writes_reads_back_equal(sentence):
    """It refuses what it cannot write so, which only angle brackets or a byte-order mark make."""
    try:
        line = to_tagged(sentence)
    except DataError:
        assert "<" in sentence.text or sentence.text.startswith("\ufeff")
    else:
        assert only(read(line + "\n")) == sentence


PIECES = st.lists(st.sampled_from(["<", "<", ">", ":", ":a>", "a", "b", "<a:b>"]), max_size=9)


@settings(max_examples=1000)
@given(PIECES.map("".join), st.data())
def test_what_is_read_is_the_only_reading_or_the_only_paired_one(tagged, data):
    """Against all readings, found by brute force: one, else the one with paired brackets, else
    none."""
    readings = every_reading(tagged)
    sentence = data.draw(st.sampled_from([kept for kept, _ in readings]))
    possible = {spans for kept, spans in readings if kept == sentence}
    paired = {s for s in possible if all(is_paired(sentence[a:b]) for a, b, _ in s)}
    expected = next((s for s in (possible, paired) if len(s) == 1), {AMBIGUOUS})
    try:
        found = read_markup(sentence, tagged)
    except LineError as error:
        found = error.reason
    assert {found} == expected


@given(st.text("<:a", max_size=4), PIECES.map("".join))
def test_a_tagged_text_of_another_sentence_has_no_reading(sentence, tagged):
    """It is rejected as broken or as differing, never read."""
    assume(sentence not in [kept for kept, _ in every_reading(tagged)])
    with pytest.raises(LineError) as raised:
        read_markup(sentence, tagged)
    assert raised.value.reason in (BROKEN, DIFFERS)


def every_reading(tagged, i=0, kept="", spans=(), start=None):
    """By brute force: each way to take `<` and `:TAG>` as markup or as text."""
    if i == len(tagged):
        return [(kept, spans)] if start is None else []
    found = every_reading(tagged, i + 1, kept + tagged[i], spans, start)
    if tagged[i] == "<" and start is None:
        found += every_reading(tagged, i + 1, kept, spans, len(kept))
    if tagged[i] == ":" and start is not None and start < len(kept):
        tag = re.compile(r":([^\s:<>]+)>").match(tagged, i)
        if tag:
            span = Span(start, len(kept), tag[1])
            found += every_reading(tagged, tag.end(), kept, (*spans, span), None)
    return found


@pytest.mark.parametrize(
    ("sentence", "tagged", "expected"),
    [
        ("김이 왔다", "<김:PER>이 왔다", [("김", "PER")]),
        ("가나", "<가:PER><나:LOC>", [("가", "PER"), ("나", "LOC")]),
        ("<7>KT", "<7><KT:ORG>", [("KT", "ORG")]),
        ("<2>장", "<<2:NOH>>장", [("2", "NOH")]),
        ("<2>장", "<<2>:NOH>장", [("<2>", "NOH")]),
        ("<김이 왔다", "<<김:PER>이 왔다", [("김", "PER")]),
        ("10:30에", "<10:30:TIM>에", [("10:30", "TIM")]),
        ("a:b>c", "<a:b>c:X>", [("a:b>c", "X")]),
        ("<a:X>", "<a:X>", []),
        ("a<b", "<a<b:X>", [("a<b", "X")]),
        ("1 < 2 김", "1 < 2 <김:PER>", [("김", "PER")]),
        ("가", "<가:인물-이름>", [("가", "인물-이름")]),
        (" 가\u00ad\u200b나\u3000 ", " <가\u00ad\u200b나:PS>\u3000 ", [("가\u00ad\u200b나", "PS")]),
    ],
)
def test_markup_and_text_are_told_apart(sentence, tagged, expected):
    """`<`, `>`, `:` and whole `<a:X>` may be text beside the markup."""
    assert mentions(only(read(f"{sentence}␞{tagged}\n"))) == expected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("가 나", "no ␞ in the line"),
        ("가␞가␞가", "more than one ␞ in the line"),
        ("␞", "empty sentence"),
        (" \u3000␞ \u3000", "empty sentence"),
        ("가 나␞가 다", DIFFERS),
        ("가 나␞<가:PS> 나 ", DIFFERS),
        ("가 나␞<가:PS>나", DIFFERS),
        ("가 나␞", DIFFERS),
        ("가\u00ad␞가", DIFFERS),
        ("가 나␞<가:PS 나", BROKEN),
        ("가 나␞<가 나", BROKEN),
        ("가 나␞<가> 나", BROKEN),
        ("가 나␞<:PS>가 나", BROKEN),
        ("가 나␞<가:> 나", BROKEN),
        ("가 나␞<가:P S> 나", BROKEN),
        ("가나다␞<가<나:LC>다:PS>", BROKEN),
        ("<a:X>␞<<a:X>:X>", AMBIGUOUS),
    ],
)
def test_a_malformed_line_is_rejected_with_its_reason_and_number(line, reason):
    """The good line before it is kept."""
    parsed = read(f"좋다␞<좋다:X>\n{line}\n")
    assert mentions(parsed.sentences[0]) == [("좋다", "X")]
    assert [(r.reason, r.line) for r in parsed.rejected] == [(reason, 2)]
    assert len(parsed.sentences) == 1


@pytest.mark.parametrize("trouble", ["a␞b", "a\nb", "a\0b", "a\r"])
def test_to_tagged_refuses_a_text_that_no_line_can_hold(trouble):
    """The separator, line ends and NUL need JSON Lines, as the error says."""
    with pytest.raises(DataError, match="JSON Lines"):
        to_tagged(Sentence(trouble))


def test_to_tagged_refuses_a_mention_or_type_that_would_be_misread():
    """What could not be read back the same is not written."""
    for sentence in (Sentence("<a", (Span(0, 2, "X"),)), Sentence("a", (Span(0, 1, "X Y"),))):
        with pytest.raises(DataError, match="read back the same"):
            to_tagged(sentence)


def test_100_000_characters_of_any_kind_are_read():
    """A long line, full of brackets or colons, is read exactly."""
    for unit in ("가나다 ", "<7> ", "a:b<", "<", "<가:PS>", ":", ">"):
        text = unit * (100_000 // len(unit))
        sentence = Sentence(f"{text} 김", (Span(len(text) + 1, len(text) + 2, "PER"),), 1)
        assert only(read(write_tagged(sentence) + "\n")) == sentence


def test_readings_without_number_are_ambiguous_not_slow():
    """50,000 brackets in a row end in a rejection."""
    text = "<" * 50_000
    parsed = read(f"{text}a␞<{text}a:X>\n가␞가\n")
    assert [row.reason for row in parsed.rejected] == [AMBIGUOUS]


def test_kmou_has_exactly_the_offsets_of_its_tagged_text(real_data):
    """All 23,709 sentences, against a parser that pairs brackets on a stack."""
    count = 0
    for name in ("train", "val", "test"):
        data = (real_data / "kmou" / f"{name}.txt").read_bytes()
        parsed = parse(data, name)
        assert not parsed.rejected
        lines = data.decode().split("\n")[:-1]
        for line, sentence in zip(lines, parsed.sentences, strict=True):
            text, tagged = line.split("␞")
            assert sentence.text == text
            assert write_tagged(sentence) == line
            assert list(sentence.spans) == spans_by_stack(tagged)
        count += len(parsed.sentences)
    assert count == 23_709


def spans_by_stack(tagged):
    """`>` closes the nearest open `<`: as markup where `:TAG` stands before it, else as text."""
    markup = []
    opened = []
    for i, character in enumerate(tagged):
        if character == "<":
            opened.append(i)
        elif character == ">" and opened:
            start = opened.pop()
            tag = re.search(r":([A-Z]{3})$", tagged[start:i])
            if tag:
                markup.append((start, i - 4, tag[1]))
    spans = []
    for surplus, (start, end, type_) in enumerate(sorted(markup)):
        spans.append(Span(start - 6 * surplus, end - 6 * surplus - 1, type_))
    return spans
