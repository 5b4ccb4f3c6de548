"""Columns as CoNLL, KLUE, NAVER and CoNLL-U have them give their sentences and entities."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.errors import DataError
from job.sentence import Sentence, Span
from tests.support.sentences import (
    mentions,
    only,
    read,
    sentences,
)


def write_columns(sentence, scheme, join):
    """One character a line."""
    tags = ["O"] * len(sentence.text)
    for start, end, type_ in sentence.spans:
        letters = ["B", *"I" * (end - start - 1)]
        if scheme == "BIOES":
            letters[-1] = "E" if len(letters) > 1 else "S"
        tags[start:end] = [join(letter, type_) for letter in letters]
    return "".join(f"{c}\t{tag}\n" for c, tag in zip(sentence.text, tags, strict=True)) + "\n"


JOINS = {
    "B-PS": lambda letter, type_: f"{letter}-{type_}",
    "B_PS": lambda letter, type_: f"{letter}_{type_}",
    "PS-B": lambda letter, type_: f"{type_}-{letter}",
    "PS_B": lambda letter, type_: f"{type_}_{letter}",
}


@given(
    st.lists(sentences(), min_size=1, max_size=4),
    st.sampled_from(["BIO", "BIOES"]),
    st.sampled_from(["B-PS", "B_PS"]),
    st.booleans(),
)
def test_columns_read_back_equal(many, scheme, join, commented):
    """Any sentences, written a character a line in either scheme, are read back as they were."""
    written = ""
    for sentence in many:
        if commented:
            written += f"## id\t{sentence.text}\n"
        written += write_columns(sentence, scheme, JOINS[join])
    parsed = read(written)
    assert not parsed.rejected
    found = [(sentence.text, sentence.spans) for sentence in parsed.sentences]
    assert found == [(sentence.text, sentence.spans) for sentence in many]


@pytest.mark.parametrize("join", JOINS)
@pytest.mark.parametrize("scheme", ["BIO", "BIOES"])
def test_the_tag_may_stand_before_or_behind_the_type(scheme, join):
    """`B-PS`, `B_PS`, `PS-B` and `PS_B` mean the same, also where the type is a letter of tags."""
    spans = (Span(0, 3, "PS"), Span(3, 4, "person-actor"), Span(5, 6, "S"))
    sentence = Sentence("김환희가 왔다", spans, 1)
    assert only(read(write_columns(sentence, scheme, JOINS[join]))) == sentence


KLUE = (
    "## klue-ner-v1_dev_00000-wikitree\t<경찰:OG>은 또 <성매매:CV> 알선\n"
    "경\tB-OG\n찰\tI-OG\n은\tO\n \tO\n또\tO\n \tO\n"
    "성\tB-CV\n매\tI-CV\n매\tI-CV\n \tO\n알\tO\n선\tO\n\n"
)


def test_klue_gives_the_sentence_of_its_comment_line():
    """Text and spaces are the comment's, and its line is the sentence's."""
    parsed = read(KLUE * 2)
    assert [sentence.line for sentence in parsed.sentences] == [1, 15]
    assert parsed.sentences[0].text == "경찰은 또 성매매 알선"
    assert mentions(parsed.sentences[1]) == [("경찰", "OG"), ("성매매", "CV")]
    assert "tabs" in parsed.format
    assert "comment lines" in parsed.format


def test_a_comment_line_without_a_blank_line_before_it_starts_a_sentence():
    """The comment that carries a text ends the sentence before it."""
    assert len(read(KLUE.rstrip("\n") + "\n" + KLUE).sentences) == 2


def test_units_without_spaces_are_placed_in_the_sentence_that_the_comment_carries():
    """Spans get the comment's offsets, over its spaces and colons."""
    lines = "## 1\t<김 환희:PS> 가 <10:30:TI>에 왔다\n김\tB-PS\n환희\tI-PS\n가\tO\n"
    lines += "10:30\tB-TI\n에\tO\n왔\tO\n다\tO\n"
    sentence = only(read(lines))
    assert sentence.text == "김 환희 가 10:30에 왔다"
    assert mentions(sentence) == [("김 환희", "PS"), ("10:30", "TI")]


def test_conllu_text_comments_carry_the_sentence():
    """`# text =` is the text, and `O` as a word is no tag."""
    lines = "# sent_id = 1\n# text = I was O.\nI B-PER\nwas O\nO B-ORG\n. O\n"
    sentence = only(read(lines))
    assert sentence.text == "I was O."
    assert mentions(sentence) == [("I", "PER"), ("O", "ORG")]


def test_a_space_within_the_markup_of_a_comment_is_no_markup():
    """`<…:P S>` is text, so the units no longer spell the sentence."""
    rows = "김\tB-PS\n환희\tI-PS\n가\tO\n\n"
    parsed = read(f"## 1\t<김 환희:PS>가\n{rows}## 1\t<김 환희:P S>가\n{rows}")
    assert [row.reason for row in parsed.rejected] == ["units differ from the sentence"]


def test_words_that_come_with_their_spaces_are_joined_as_they_are():
    """A unit that is a space is the space; none is added."""
    assert only(read("김환희\tB-PS\n \tO\n감독\tO\n이\tO\n")).text == "김환희 감독이"


def test_units_that_differ_from_the_comments_sentence_are_rejected():
    """Neither is guessed at, and the line is that of the comment."""
    changed = KLUE.replace("알\tO", "얼\tO")
    parsed = read(KLUE + changed)
    assert [(row.reason, row.line) for row in parsed.rejected] == [
        ("units differ from the sentence", 15)
    ]


def test_a_sentence_is_rejected_where_the_comment_is_marked_up_otherwise_than_its_units():
    """The detail shows the entities of both."""
    parsed = read(KLUE + KLUE.replace("<경찰:OG>", "<경찰:PS>"))
    assert [sentence.line for sentence in parsed.sentences] == [1]
    [rejected] = parsed.rejected
    assert (rejected.reason, rejected.line) == ("units and markup give other entities", 15)
    assert rejected.detail == "OG 0–2, CV 6–9 and PS 0–2, CV 6–9"


def test_naver_numbers_are_skipped_and_words_joined():
    """A running number is no text, `-` is no entity, and words get one space between them."""
    lines = (
        "1\t김환희\tPER_B\n2\t전\tCVL_B\n3\t감독이\tCVL_I\n4\t왔다\t-\n\n1\t1\tNUM_B\n2\t명\t-\n"
    )
    parsed = read(lines)
    assert [s.text for s in parsed.sentences] == ["김환희 전 감독이 왔다", "1 명"]
    assert mentions(parsed.sentences[0]) == [("김환희", "PER"), ("전 감독이", "CVL")]
    assert "running number" in parsed.format
    assert "words joined by one space" in parsed.format


def test_conll_columns_between_unit_and_tag_are_skipped():
    """The first column is the text, the last the tag; -DOCSTART- is no sentence."""
    lines = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n1 CD B-NP O\n"
    sentence = only(read(lines))
    assert sentence.text == "EU rejects 1"
    assert mentions(sentence) == [("EU", "ORG")]
    assert sentence.line == 3


def test_syllables_are_joined_as_they_are_with_their_spaces():
    """Single characters, composed or not, get no space between them."""
    assert only(read("김 B-PS\n이 O\n  O\n옴 O\n# O\n")).text == "김이 옴#"
    decomposed = [unicodedata.normalize("NFD", c) for c in "김이옴"]
    lines = "".join(f"{unit}\tO\n" for unit in decomposed)
    assert only(read(lines)).text == "".join(decomposed)


def test_an_entity_that_starts_with_inside_is_opened_there_and_noted():
    """An entity that begins with I- or E-, as in IOB1, is kept and counted."""
    parsed = read("가\tI-PS\n나\tI-PS\n다\tI-LC\n라\tO\n마\tI-LC\n바\tB-LC\n사\tE-LC\n아\tI-LC\n")
    assert mentions(only(parsed)) == [
        ("가나", "PS"),
        ("다", "LC"),
        ("마", "LC"),
        ("바사", "LC"),
        ("아", "LC"),
    ]
    assert any(note.startswith("4 ") and "IOB1" in note for note in parsed.notes)


@pytest.mark.parametrize(
    ("row", "reason", "line"),
    [
        ("나", "a unit without a tag", 4),
        ("#나", "a unit without a tag", 4),
        ("나\tX-PS", "a unit without a tag", 4),
        ("나\tB- PS", "unusable entity type", 3),
        ("\tO", "empty unit", 3),
    ],
)
def test_a_bad_row_rejects_its_sentence_alone(row, reason, line):
    """The sentences around it are kept, and the reason and line are those of the bad row."""
    parsed = read(f"가\tO\n\n가\tO\n{row}\n다\tO\n\n라\tB-PS\n")
    assert [sentence.text for sentence in parsed.sentences] == ["가", "라"]
    assert [(r.reason, r.line) for r in parsed.rejected] == [(reason, line)]


def test_100_000_units_are_read():
    """A sentence of that many rows, with or without its text, is read whole."""
    longest, _ = read("가\tB-PS\n" * 100_000 + "\n나\tO\n").sentences
    assert len(longest.spans) == 100_000
    carried = "## 1\t" + "가 " * 100_000 + "\n"
    assert len(only(read(carried + "가\tB-PS\n" * 100_000)).spans) == 100_000


def test_rows_of_one_column_have_no_tag():
    """Also where all of them are such, and the comments alone look like rows with a tag."""
    parsed = read("# text = O\nO\n\n" * 5)
    assert [row.reason for row in parsed.rejected] == ["a unit without a tag"] * 5


def test_a_document_starts_a_sentence_of_its_own():
    """The line that starts a document ends the sentence before it, with or without blank lines."""
    rows = "나 O\n간다 O\n"
    parsed = read(f"-DOCSTART- O\n{rows}-DOCSTART- O\n\n{rows}\n{rows}")
    assert [(s.text, s.line) for s in parsed.sentences] == [("나 간다", n) for n in (2, 6, 9)]


UNBROKEN = [
    "나는\tO\n갔다.\tO\n" * 3,
    "갔\tO\n다\tO\n.\tO\n \tO\n" * 3 + "나\tO\n",
    "He\tO\nleft\tO\n.\tO\n" * 3,
    "가\tO\n" * 513,
]


@pytest.mark.parametrize("lines", UNBROKEN)
def test_columns_without_a_blank_line_are_no_sentence_where_they_are_several(lines):
    """They would be learned as one, in silence. A text in a comment says that they are one."""
    with pytest.raises(DataError, match=r"f.txt:1: no blank line stands between"):
        read(lines)
    rows = [line.split("\t")[0] for line in lines.splitlines()]
    joiner = " " if len(rows[0]) > 1 else ""
    assert only(read(f"# text = {joiner.join(rows)}\n{lines}"))
    assert len(read(f"{lines}\n{lines}").sentences) == 2


@pytest.mark.parametrize(
    "lines",
    [
        "나는\tO\n갔다.\tO\n",
        '"갔다."\tO\n라고\tO\n했다\tO\n.\tO\n',
        "Mr.\tO\nKim\tB-PS\nleft\tO\n.\tO\n",
        "가\tO\n" * 512,
    ],
)
def test_columns_of_one_sentence_need_no_blank_line(lines):
    """A quotation ends within a sentence, and so does an abbreviation."""
    assert only(read(lines))
