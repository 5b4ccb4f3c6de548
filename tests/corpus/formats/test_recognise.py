"""A corpus file gives exactly the sentences and offsets that it states, or says why it does not."""

import itertools
import json
import re
import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from job.corpus.formats.markup import AMBIGUOUS, BROKEN, DIFFERS, read_markup
from job.corpus.formats.recognise import parse
from job.corpus.formats.text_lines import LineError
from job.corpus.formats.tutorial import read_tagged_line, to_tagged
from job.errors import DataError
from job.sentence import Sentence, Span

TYPES = st.sampled_from(["PER", "PS", "사람", "person-actor", "S", "B", "B-PS", "I_x", "긴" * 50])
# Much of what markup is made of, and any other character but those that end a line.
LETTERS = st.one_of(
    st.sampled_from("<>:가나 ab<>:"),
    st.characters(exclude_categories=("Cs",), exclude_characters="\0\n\r\t␞\ufeff"),
)


@st.composite
def sentences(draw, letters=LETTERS, max_size=30):
    text = draw(st.text(letters, min_size=1, max_size=max_size).filter(str.strip))
    cuts = draw(st.lists(st.integers(0, len(text)), unique=True, max_size=8))
    cuts = sorted(cuts)
    spans = [Span(a, b, draw(TYPES)) for a, b in itertools.pairwise(cuts) if is_seen(text[a:b])]
    kept = draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    return Sentence(text, tuple(s for s, k in zip(spans, kept, strict=True) if k), 1)


def is_seen(mention):
    """Its first and last character are such as belong to a mention."""
    edges = {mention[0], mention[-1]}
    return not any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf") for c in edges)


def write_tagged(sentence):
    text = sentence.text
    for start, end, type_ in reversed(sentence.spans):
        text = f"{text[:start]}<{text[start:end]}:{type_}>{text[end:]}"
    return f"{sentence.text}␞{text}"


def is_paired(mention):
    depth = 0
    for character in mention:
        depth += (character == "<") - (character == ">")
        if depth < 0:
            return False
    return depth == 0


def read(text, **options):
    return parse(text.encode() if isinstance(text, str) else text, "f.txt", **options)


def only(parsed):
    assert not parsed.rejected
    [sentence] = parsed.sentences
    return sentence


def mentions(sentence):
    return [(sentence.text[start:end], type_) for start, end, type_ in sentence.spans]


# The tutorial's format


@settings(deadline=None)
@given(sentences())
def test_tagged_text_reads_back_equal_or_is_rejected_as_ambiguous(sentence):
    assume(all(is_paired(sentence.text[s:e]) for s, e, _ in sentence.spans))
    try:
        found = read_tagged_line(write_tagged(sentence), 1)
    except LineError as error:
        found = error.reason
    assert found in (sentence, AMBIGUOUS)


@settings(deadline=None)
@given(sentences(st.characters(exclude_categories=("Cs",), exclude_characters="<>␞\0\n\r")))
def test_without_angle_brackets_every_sentence_reads_back_equal(sentence):
    assert read_tagged_line(to_tagged(sentence), 1) == sentence


@settings(deadline=None)
@given(sentences())
def test_what_to_tagged_writes_reads_back_equal(sentence):
    try:
        line = to_tagged(sentence)
    except DataError:
        assert "<" in sentence.text or sentence.text.startswith("\ufeff")
    else:
        assert only(read(line + "\n")) == sentence


PIECES = st.lists(st.sampled_from(["<", "<", ">", ":", ":a>", "a", "b", "<a:b>"]), max_size=9)


@settings(deadline=None, max_examples=1000)
@given(PIECES.map("".join), st.data())
def test_what_is_read_is_the_only_reading_or_the_only_paired_one(tagged, data):
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
    parsed = read(f"좋다␞<좋다:X>\n{line}\n")
    assert mentions(parsed.sentences[0]) == [("좋다", "X")]
    assert [(r.reason, r.line) for r in parsed.rejected] == [(reason, 2)]
    assert len(parsed.sentences) == 1


@pytest.mark.parametrize("trouble", ["a␞b", "a\nb", "a\0b", "a\r"])
def test_to_tagged_refuses_a_text_that_no_line_can_hold(trouble):
    with pytest.raises(DataError, match="JSON Lines"):
        to_tagged(Sentence(trouble))


def test_to_tagged_refuses_a_mention_or_type_that_would_be_misread():
    for sentence in (Sentence("<a", (Span(0, 2, "X"),)), Sentence("a", (Span(0, 1, "X Y"),))):
        with pytest.raises(DataError, match="read back the same"):
            to_tagged(sentence)


def test_100_000_characters_of_any_kind_are_read():
    for unit in ("가나다 ", "<7> ", "a:b<", "<", "<가:PS>", ":", ">"):
        text = unit * (100_000 // len(unit))
        sentence = Sentence(f"{text} 김", (Span(len(text) + 1, len(text) + 2, "PER"),), 1)
        assert only(read(write_tagged(sentence) + "\n")) == sentence


def test_readings_without_number_are_ambiguous_not_slow():
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


# Bytes and lines


def test_a_byte_order_mark_and_crlf_are_dropped_and_noted():
    parsed = read(b"\xef\xbb\xbf" + "가␞<가:PS>\r\n나␞나\r\n".encode())
    assert [sentence.text for sentence in parsed.sentences] == ["가", "나"]
    assert len(parsed.notes) == 2


def test_only_a_line_feed_ends_a_line():
    text = "가\u2028나\u0085다\x0b라\x1c마\r바"
    assert only(read(f"{text}␞{text}\n")).text == text


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n \n"])
def test_blank_lines_and_the_end_are_no_sentences(end):
    parsed = read(f"\n가␞가\n\n나␞나{end}")
    assert [(s.text, s.line) for s in parsed.sentences] == [("가", 2), ("나", 4)]
    assert not parsed.rejected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"\xed\xa0\x80", "not UTF-8"),  # a lone surrogate
        (b"\xea\xb0", "not UTF-8"),  # a cut syllable
        (b"\xc0\x80", "not UTF-8"),  # an overlong NUL
        (b"a\0", "NUL character"),
    ],
)
@pytest.mark.parametrize("form", ["{0}␞{0}", "{0}\tO\n", '{{"text": "{0}", "spans": []}}'])
def test_a_line_that_is_no_text_is_rejected_and_the_rest_is_read(bad, reason, form):
    good = form.format("가").encode()
    damaged = form.format("XX").encode().replace(b"XX", bad)
    parsed = read(b"\n".join([good, good, damaged, good]))
    assert [row.reason for row in parsed.rejected] == [reason]
    assert [sentence.text for sentence in parsed.sentences] == ["가", "가", "가"]
    line = damaged.split(b"\n")[0]
    lines = b"\n".join([good, good, damaged, good]).split(b"\n")
    assert lines[parsed.rejected[0].line - 1] == line


def test_decomposed_text_is_kept_and_noted():
    text = unicodedata.normalize("NFD", "김이 왔다")
    parsed = read(f"{text}␞<{text[:3]}:PS>{text[3:]}\n")
    assert only(parsed).spans == (Span(0, 3, "PS"),)
    assert any("NFD" in note for note in parsed.notes)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp949"])
def test_another_encoding_is_recognised_and_converted_by_the_command_given(encoding):
    text = "1\t한국은행\tORG_B\n2\t총재가\t-\n3\t말했다\t-\n\n" * 20
    with pytest.raises(DataError) as raised:
        read(text.encode(encoding))
    named = re.search(r"iconv -f (\S+) -t UTF-8 f.txt > f.txt.utf8", str(raised.value))[1]
    assert text.encode(encoding).decode(named).lstrip("\ufeff") == text


def test_a_few_damaged_lines_are_not_another_encoding():
    good = "한국은행 총재가 말했다.␞<한국은행:ORG> 총재가 말했다.\n".encode()
    parsed = read(good[:10] + b"\xff" + good[10:] + good[:7] + good[9:] + good)
    assert len(parsed.rejected) == 2


def test_a_damaged_line_that_would_also_decode_as_korean_is_rejected_alone():
    damaged = "경기 기자 만났다".encode().replace("났".encode(), b"\xeb\xac")
    assert "쎄" in damaged.decode("cp949")
    parsed = read(b"a\tO\n\n" + damaged + b"\tO\n\n")
    assert [row.reason for row in parsed.rejected] == ["not UTF-8"]


def test_a_few_lines_in_the_older_encoding_are_rejected_alone():
    good, old = "한국은행␞<한국은행:ORG>\n".encode(), "한국은행 총재\n".encode("cp949")
    assert len(read(good * 3 + old).rejected) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        (b"\x1f\x8b\x08\0", "gzip"),
        (b"PK\x03\x04", "zip"),
        ("가␞가\r나␞나\r".encode(), "CR alone"),
        (b"<!DOCTYPE html>\n<html></html>", "HTML page"),
        (b'[["a", {"entities": [[0, 1, "PS"]]}]]', "jq -c"),
        ("그냥 글이다.\n또 글이다.\n".encode(), "no format that is known"),
        (b"\xff\n\xff\n", "no line of UTF-8"),
        (b"\0\0\0\0", "no line of UTF-8"),
    ],
)
def test_a_file_that_is_no_corpus_is_refused_with_its_name(data, words):
    with pytest.raises(DataError, match=re.escape(words)) as raised:
        read(data)
    assert "f.txt" in str(raised.value)


def test_the_format_is_told_by_content_and_not_by_first_characters():
    assert "tagged" in read("[속보] 김이 왔다␞[속보] <김:PER>이 왔다\n").format
    assert "tagged" in read("<html>이 뭐냐␞<html>이 뭐냐\n").format
    assert "tagged" in read("{가}␞{가}\n").format
    assert "columns" in read("{\tO\n}\tO\n").format
    assert read("가␞가\n").why == "1 of its first 1 lines hold ␞"


# Columns


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


@settings(deadline=None)
@given(
    st.lists(sentences(), min_size=1, max_size=4),
    st.sampled_from(["BIO", "BIOES"]),
    st.sampled_from(["B-PS", "B_PS"]),
    st.booleans(),
)
def test_columns_read_back_equal(many, scheme, join, commented):
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
    spans = (Span(0, 3, "PS"), Span(3, 4, "person-actor"), Span(5, 6, "S"))
    sentence = Sentence("김환희가 왔다", spans, 1)
    assert only(read(write_columns(sentence, scheme, JOINS[join]))) == sentence


KLUE = (
    "## klue-ner-v1_dev_00000-wikitree\t<경찰:OG>은 또 <성매매:CV> 알선\n"
    "경\tB-OG\n찰\tI-OG\n은\tO\n \tO\n또\tO\n \tO\n"
    "성\tB-CV\n매\tI-CV\n매\tI-CV\n \tO\n알\tO\n선\tO\n\n"
)


def test_klue_gives_the_sentence_of_its_comment_line():
    parsed = read(KLUE * 2)
    assert [sentence.line for sentence in parsed.sentences] == [1, 15]
    assert parsed.sentences[0].text == "경찰은 또 성매매 알선"
    assert mentions(parsed.sentences[1]) == [("경찰", "OG"), ("성매매", "CV")]
    assert "tabs" in parsed.format
    assert "comment lines" in parsed.format


def test_a_comment_line_without_a_blank_line_before_it_starts_a_sentence():
    assert len(read(KLUE.rstrip("\n") + "\n" + KLUE).sentences) == 2


def test_units_without_spaces_are_placed_in_the_sentence_that_the_comment_carries():
    lines = "## 1\t<김 환희:PS> 가 <10:30:TI>에 왔다\n김\tB-PS\n환희\tI-PS\n가\tO\n"
    lines += "10:30\tB-TI\n에\tO\n왔\tO\n다\tO\n"
    sentence = only(read(lines))
    assert sentence.text == "김 환희 가 10:30에 왔다"
    assert mentions(sentence) == [("김 환희", "PS"), ("10:30", "TI")]


def test_conllu_text_comments_carry_the_sentence():
    lines = "# sent_id = 1\n# text = I was O.\nI B-PER\nwas O\nO B-ORG\n. O\n"
    sentence = only(read(lines))
    assert sentence.text == "I was O."
    assert mentions(sentence) == [("I", "PER"), ("O", "ORG")]


def test_a_space_within_the_markup_of_a_comment_is_no_markup():
    rows = "김\tB-PS\n환희\tI-PS\n가\tO\n\n"
    parsed = read(f"## 1\t<김 환희:PS>가\n{rows}## 1\t<김 환희:P S>가\n{rows}")
    assert [row.reason for row in parsed.rejected] == ["units differ from the sentence"]


def test_words_that_come_with_their_spaces_are_joined_as_they_are():
    assert only(read("김환희\tB-PS\n \tO\n감독\tO\n이\tO\n")).text == "김환희 감독이"


def test_units_that_differ_from_the_comments_sentence_are_rejected():
    changed = KLUE.replace("알\tO", "얼\tO")
    parsed = read(KLUE + changed)
    assert [(row.reason, row.line) for row in parsed.rejected] == [
        ("units differ from the sentence", 15)
    ]


def test_a_sentence_is_rejected_where_the_comment_is_marked_up_otherwise_than_its_units():
    parsed = read(KLUE + KLUE.replace("<경찰:OG>", "<경찰:PS>"))
    assert [sentence.line for sentence in parsed.sentences] == [1]
    [rejected] = parsed.rejected
    assert (rejected.reason, rejected.line) == ("units and markup give other entities", 15)
    assert rejected.detail == "OG 0–2, CV 6–9 and PS 0–2, CV 6–9"


def test_naver_numbers_are_skipped_and_words_joined():
    lines = (
        "1\t김환희\tPER_B\n2\t전\tCVL_B\n3\t감독이\tCVL_I\n4\t왔다\t-\n\n1\t1\tNUM_B\n2\t명\t-\n"
    )
    parsed = read(lines)
    assert [s.text for s in parsed.sentences] == ["김환희 전 감독이 왔다", "1 명"]
    assert mentions(parsed.sentences[0]) == [("김환희", "PER"), ("전 감독이", "CVL")]
    assert "running number" in parsed.format
    assert "words joined by one space" in parsed.format


def test_conll_columns_between_unit_and_tag_are_skipped():
    lines = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\nrejects VBZ B-VP O\n1 CD B-NP O\n"
    sentence = only(read(lines))
    assert sentence.text == "EU rejects 1"
    assert mentions(sentence) == [("EU", "ORG")]
    assert sentence.line == 3


def test_syllables_are_joined_as_they_are_with_their_spaces():
    assert only(read("김 B-PS\n이 O\n  O\n옴 O\n# O\n")).text == "김이 옴#"
    decomposed = [unicodedata.normalize("NFD", c) for c in "김이옴"]
    lines = "".join(f"{unit}\tO\n" for unit in decomposed)
    assert only(read(lines)).text == "".join(decomposed)


def test_an_entity_that_starts_with_inside_is_opened_there_and_noted():
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
        ("나\tB-P S", "entity type cannot be written in the tutorial's format", 3),
        ("\tO", "empty unit", 3),
    ],
)
def test_a_bad_row_rejects_its_sentence_alone(row, reason, line):
    parsed = read(f"가\tO\n\n가\tO\n{row}\n다\tO\n\n라\tB-PS\n")
    assert [sentence.text for sentence in parsed.sentences] == ["가", "라"]
    assert [(r.reason, r.line) for r in parsed.rejected] == [(reason, line)]


def test_100_000_units_are_read():
    assert len(only(read("가\tB-PS\n" * 100_000)).spans) == 100_000
    carried = "## 1\t" + "가 " * 100_000 + "\n"
    assert len(only(read(carried + "가\tB-PS\n" * 100_000)).spans) == 100_000


# JSON Lines


def test_json_lines_hold_any_text():
    @settings(deadline=None)
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
        ('{"text": "가", "spans": [[0, 1, ""]]}', "entity type"),
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
    good = '{"text": "가", "spans": [[0, 1, "X"]]}\n'
    parsed = read(good + row + "\n" + good)
    assert len(parsed.sentences) == 2
    [rejected] = parsed.rejected
    assert rejected.reason.startswith(reason)
    assert rejected.line == 2


def test_spans_may_be_objects_and_out_of_order():
    row = {"text": "가나다", "spans": [{"start": 2, "end": 3, "type": "Y"}, [0, 2, "X"]]}
    assert mentions(only(read(json.dumps(row)))) == [("가나", "X"), ("다", "Y")]


def test_tokens_and_tags_are_units():
    row = {"tokens": ["김환희", "감독이", "왔다"], "ner_tags": ["B-PS", "I-PS", "O"]}
    assert mentions(only(read(json.dumps(row)))) == [("김환희 감독이", "PS")]
    row = {"tokens": list("김 옴"), "ner_tags": ["B-PS", "O", "O"], "sentence": "<김:PS> 옴"}
    assert only(read(json.dumps(row))) == Sentence("김 옴", (Span(0, 1, "PS"),), 1)


def test_integer_tags_need_names():
    row = json.dumps({"tokens": ["김", "이"], "ner_tags": [1, 0]})
    with pytest.raises(DataError, match=r"label_names\.txt"):
        read(row)
    parsed = read(row, find_tag_names=lambda: ["O", "B-PS"])
    assert mentions(only(parsed)) == [("김", "PS")]
    parsed = read(row + "\n" + row.replace("[1", "[2"), find_tag_names=lambda: ["O", "B-PS"])
    assert [rejected.reason for rejected in parsed.rejected] == ["a tag without a name"]
