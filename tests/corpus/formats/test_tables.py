"""Tables: a unit, a sentence or a span a row, by commas, tabs or semicolons."""

import pytest

from job.errors import DataError
from tests.support.parsing import parse


def read(*lines, encoding="utf-8", names=None, **fields):
    data = "\n".join(lines).encode(encoding)
    parsed = parse(data, "f.csv", lambda: names, fields)
    return parsed, [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences]


def reasons(parsed):
    return [(row.reason, row.line) for row in parsed.rejected]


HONG = ("홍길동은 간다", [(0, 4, "PS")])
RAIN = ("비가, 온다", [])


# A sentence a row


@pytest.mark.parametrize(
    "lines",
    [
        ("question,label", "홍길동은 간다,B-PS O", '"비가, 온다",O O'),
        ("홍길동은 간다;B-PS O", "비가, 온다;O O"),
        ("id\ttext\ttags", "1\t홍길동은 간다\tPS-B O", "2\t비가, 온다\tO O"),
        ("text,tags", "홍길동은 간다,\"['B-PS', 'O']\"", '"비가, 온다","[""O"", ""O""]"'),
        ("text,tags", '홍길동은 간다,"B-PS,O"', '"비가, 온다","O,O"'),
        ("text,tags", "홍길동은 간다,PS O", '"비가, 온다",O O'),
        ("text,tags", "홍길동은 간다,[1 0]", '"비가, 온다",[0 0]'),
    ],
)
def test_a_sentence_with_a_tag_for_each_word_is_read(lines):
    """With and without a header, and in every way to write a list into a cell."""
    assert read(*lines, names=("O", "B-PS"))[1] == [HONG, RAIN]


@pytest.mark.parametrize(
    ("tags", "how"),
    [("B-PS I-PS I-PS O O O O", "a character"), ("B-PS I-PS I-PS O O O", "character but blanks")],
)
def test_tags_of_characters_are_told_by_their_number(tags, how):
    """Over the split one count fits, with the blanks or without."""
    parsed, sentences = read("text,tags", f"홍길동은 간다,{tags}")
    assert sentences == [("홍길동은 간다", [(0, 3, "PS")])]
    assert f"a tag for each {how.removeprefix('a ')}" in parsed.format


def test_units_in_a_list_are_taken_as_they_are():
    """A data frame of tokens and tags writes lists into cells."""
    lines = ("tokens,ner_tags", "\"['홍길동', '은']\",\"['B-PS', 'O']\"", "['비'],['O']")
    assert read(*lines)[1] == [("홍길동 은", [(0, 3, "PS")]), ("비", [])]


def test_rows_that_differ_are_rejected():
    """Too few tags, a row of another width, and a quote that is not written twice."""
    good = ["홍길동은 간다,B-PS O"] * 9
    parsed, sentences = read("q,l", *good, "비가 온다,O", "비가, 온다,O O", '"비"가 온다,O O')
    assert sentences == [HONG] * 9
    assert reasons(parsed) == [
        ("not a tag for each word", 11),
        ("a row with more or fewer cells than the others", 12),
        ("a quote within a cell that is not written twice", 13),
    ]


def test_a_quote_that_is_never_closed_is_named_by_its_line():
    """All that follows would be one cell."""
    with pytest.raises(DataError, match=r"f\.csv:3: a quote is opened in this row"):
        read("text,tags", "홍길동은 간다,B-PS O", '"비가 온다,O O', "비가 온다,O O")


TWO_TEXTS = ("sentence,body,tags", "가 나,다 라,B-PS O", "다 마,바 사,O O")


def test_tags_that_fit_nothing_or_lack_a_type_are_refused():
    """Neither which unit a tag is for nor what type it has can be guessed."""
    with pytest.raises(DataError, match="tags without types"):
        read("text,tags", "홍길동은 간다,B O")
    with pytest.raises(DataError, match=r"can each be the text; say which by CORPUS_FIELDS=text="):
        read(*TWO_TEXTS)
    assert read(*TWO_TEXTS, text="body", tags="tags")[1][0][0] == "다 라"


def test_a_split_whose_tags_fit_words_as_often_as_characters_is_refused():
    """Either way half of the rows would be learned with tags of something else."""
    with pytest.raises(DataError, match=r"f\.csv: it cannot be told what each tag is for"):
        read("text,tags", "가 나,B-PS O", "가나 다,B-PS O", "다라 마,B-PS I-PS O")


def test_a_number_beyond_the_names_of_tags_is_refused():
    """The names are those of another corpus, or one is missing."""
    with pytest.raises(DataError, match=r"f\.csv has integers for tags and nothing that names"):
        read("text,tags", "홍길동은 간다,1 2", "비가 온다,0 0", names=("O", "B-PS"))


def test_columns_are_named_by_their_header_or_refused():
    """CORPUS_FIELDS takes names as well as numbers."""
    lines = ("text,ner,tags", "홍길동은 간다,B-PS O,O O", "홍길동은 간다,B-PS O,O B-LC")
    with pytest.raises(DataError, match="columns `ner` and `tags` hold different tags"):
        read(*lines)
    assert read(*lines, text="text", tags="ner")[1] == [HONG] * 2
    with pytest.raises(DataError, match="names `x`, but the table has `text`, `ner`, `tags`"):
        read(*lines, text="text", tags="x")


def test_cp949_is_read_and_said():
    """Excel saves Korean CSV so; a line in UTF-8 within it is rejected, not read as noise."""
    lines = ("question,label", "홍길동은 간다,B-PS O", '"비가, 온다",O O')
    parsed, sentences = read(*lines, encoding="cp949")
    assert sentences == [HONG, RAIN]
    assert parsed.notes == ("the file is in CP949, not UTF-8, and was read as that",)
    mixed = "\n".join(lines).encode("cp949") + "\n눈이 온다,O O\n".encode()
    assert reasons(parse(mixed, "f.csv")) == [("UTF-8 in a file of CP949", 4)]


# A unit a row

UNITS = [("홍길동 은", [(0, 3, "PS")]), ("서울", [(0, 2, "LC")])]


@pytest.mark.parametrize(
    "lines",
    [
        ("Sentence #,Word,POS,Tag", "S: 1,홍길동,NNP,B-PS", ",은,JX,O", "S: 2,서울,NNP,B-LC"),
        ("sent_id\tword\ttag", "0\t홍길동\tB-PS", "0\t은\tO", "1\t서울\tB-LC"),
        ("doc_id,sent_id,word,tag", "a,0,홍길동,B-PS", "a,0,은,O", "b,0,서울,B-LC"),
        ("word;tag", "홍길동;B-PS", "은;O", ";", "서울;B-LC"),
        ("홍길동,B-PS", "은,O", "", "서울,B-LC"),
        ("word\ttag", "홍길동\tB-PS", "은\tO", "", "서울\tB-LC"),
        ("word pos tag", "홍길동 NNP B-PS", "은 JX O", "", "서울 NNP B-LC"),
    ],
)
def test_units_are_cut_into_sentences_by_what_names_them(lines):
    """By a blank row, or a column that names the sentence in each row or in its first."""
    assert read(*lines)[1] == UNITS


def test_a_sentence_that_its_rows_repeat_is_the_text():
    """The units spell it, so it has the spaces."""
    lines = ("sentence,word,tag", "홍길동은 감,홍길동,B-PS", "홍길동은 감,은,O", "홍길동은 감,감,O")
    assert read(*lines)[1] == [("홍길동은 감", [(0, 3, "PS")])]


def test_units_without_an_end_of_sentences_are_refused():
    """They would be one sentence; a column can be named."""
    lines = ("1,홍길동,B-PS", "1,은,O", "2,서울,B-LC")
    with pytest.raises(DataError, match="it is unknown where sentences end"):
        read(*lines)
    assert read(*lines, sentence=1, text=2, tags=3)[1] == UNITS


# A span a row


@pytest.mark.parametrize(
    "lines",
    [
        ("text,start,end,label", "김은 서울로,0,1,PS", "비,,,", "김은 서울로,3,5,LC"),
        ("문장,개체명,시작,끝,유형", "김은 서울로,김,0,0,PS", "비,,,,", "김은 서울로,서울,3,4,LC"),
        ("text,mention,type", "김은 서울로,김,PS", "김은 서울로,서울,LC", "비,,"),
        (
            "sentence;text;start;end;tag",
            "김은 서울로;김;0;1;PS",
            "김은 서울로;서울;3;5;LC",
            "비;;;;",
        ),
    ],
)
def test_rows_of_one_text_are_one_sentence(lines):
    """Wherever they stand; mentions prove the offsets, or their only place is taken."""
    assert read(*lines)[1] == [("김은 서울로", [(0, 1, "PS"), (3, 5, "LC")]), ("비", [])]


def test_a_mention_with_several_places_is_rejected():
    """Two mentions of two places have one order, one mention of two places has none."""
    head, twice = "text,mention,type", "서울과 서울"
    assert read(head, *[f"{twice},서울,LC"] * 2)[1] == [(twice, [(0, 2, "LC"), (4, 6, "LC")])]
    parsed, _ = read(head, f"{twice},서울,LC", "김은,김,PS", "김은,박,PS", *["나는,나,PS"] * 30)
    assert reasons(parsed) == [
        ("a mention that may lie in several places", 2),
        ("a mention that the text lacks, or not in this order", 3),
    ]


def test_the_user_can_say_how_offsets_count():
    """Without mentions nothing proves that ends are inclusive."""
    lines = ("text,start,end,label", "김은 서울로,3,4,LC")
    assert read(*lines, end="inclusive")[1] == [("김은 서울로", [(3, 5, "LC")])]
    with pytest.raises(DataError, match="offsets=words"):
        read(*lines, offsets="words")


def test_a_table_of_classes_is_no_corpus():
    """Texts with one class each have nothing to mark."""
    with pytest.raises(DataError, match="is in no format that is known"):
        read("document,label", "재미있다,1", "재미없다,0")


def test_commas_that_are_units_separate_nothing():
    """Where tabs separate most lines, a comma is a character of the text."""
    parsed = parse(b"## 1\t,\n,\tB-PS\n\n", "f.tsv")
    assert [(s.text, s.spans) for s in parsed.sentences] == [(",", ((0, 1, "PS"),))]


def test_signs_are_text_where_a_comment_says_so():
    """`:` and `X` can be parts of speech; the sentence above them has both."""
    texts = ["::", "::", ":X"]
    written = "".join(f"## 1\t{text}\n{text[0]}\tO\n{text[1]}\tO\n\n" for text in texts)
    assert [s.text for s in parse(written.encode(), "f.tsv").sentences] == texts


# Rows that cannot be read, and cells that are left empty


SPANS = "id,text,start,end,label"


@pytest.mark.parametrize(
    "bad", ["1,서울과 부산,4", "1,서울과 부산,4,6,LC,", b"1,\xbc\xad\xbf\xef,4,6,LC"]
)
def test_no_sentence_is_learned_without_the_span_of_an_unreadable_row(bad):
    """The row may be of the sentence above or below it, so both are rejected, and no others."""
    lines = [SPANS, "0,제주,0,2,LC", "1,서울과 부산,0,2,LC", bad, "2,대구,0,2,LC", "3,광주,0,2,LC"]
    data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    parsed = parse(data, "f.csv")
    assert [s.text for s in parsed.sentences] == ["제주", "광주"]
    assert [row.line for row in parsed.rejected] == [3, 4, 5]


def test_an_unreadable_row_among_scattered_spans_is_refused():
    """Where rows of a sentence are not together, any sentence may lack the span."""
    lines = (SPANS, "1,서울과 부산,0,2,LC", "2,대구,0,2,LC", "1,서울과 부산,4,6,LC", "2,대구,0")
    with pytest.raises(DataError, match=r"f\.csv:5: a row with .* any sentence may lack an entity"):
        read(*lines)


def test_spans_below_a_merged_text_are_of_that_text():
    """A spreadsheet with merged cells leaves the text of the rows below empty."""
    lines = ("text,entity,label", "서울과 부산,서울,LC", ",부산,LC", "대구,대구,LC")
    expected = [("서울과 부산", [(0, 2, "LC"), (4, 6, "LC")]), ("대구", [(0, 2, "LC")])]
    assert read(*lines)[1] == expected


@pytest.mark.parametrize("name", ["id", "sid"])
def test_another_id_without_a_text_is_no_merged_cell(name):
    """The text of the span is unknown, and the sentences beside it may lack it."""
    lines = (
        SPANS.replace("id", name),
        "1,서울과 부산,0,2,LC",
        "2,,4,6,OG",
        "3,대구,0,2,LC",
        "4,제주,0,2,LC",
    )
    parsed, sentences = read(*lines)
    assert sentences == [("제주", [(0, 2, "LC")])]
    assert ("a span without its text", 3) in reasons(parsed)


def test_offsets_with_a_zero_fraction_are_numbers():
    """A data frame writes 0.0 in a column of numbers where another cell is empty."""
    lines = ("text,start,end,label", "서울은 좋다,0.0,2.0,LC", "비가 온다,,,")
    assert read(*lines)[1] == [("서울은 좋다", [(0, 2, "LC")]), ("비가 온다", [])]


def test_a_row_that_cannot_be_read_takes_the_sentences_at_both_sides():
    """It may be the last word of the one or the first of the other."""
    lines = ("sid,word,tag", "1,비,O", "2,서울,B-LC", "3,한국", "3,은행,I-OG", "4,눈,O")
    parsed, sentences = read(*lines)
    assert sentences == [("비", []), ("눈", [])]
    assert len(parsed.rejected) == 2


def test_a_row_behind_a_blank_one_is_named_by_its_line():
    """The rows of a named sentence need not follow one another."""
    good = [f"{i},{word}" for i in range(20) for word in ("서울,B-LC", "간다,O")]
    parsed, _ = read("sid,word,tag", *good, "20,눈,O", "", "20,비,")
    assert reasons(parsed) == [("a unit without a tag", 44)]


def test_a_sentence_named_once_within_a_named_document_goes_on():
    """The document stands in each row and the sentence's number in the first only."""
    lines = ("doc,Sentence #,word,tag", "a,1,서울,B-LC", "a,,간다,O", "a,2,비,O", "b,,눈,O")
    assert read(*lines)[1] == [("서울 간다", [(0, 2, "LC")]), ("비", []), ("눈", [])]


# A text a row with all of its spans


@pytest.mark.parametrize(
    "cells",
    [
        ('[{"start": 0, "end": 4, "text": "홍길동은", "labels": ["PS"]}]', ""),
        ('[{"start": 0, "end": 4, "label": "PS"}]', "[]"),
        ("[(0, 4, 'PS')]", "[]"),
        ("[[0, 4, 'PS']]", "[]"),
    ],
)
def test_a_list_of_spans_in_a_cell_is_read_as_that_of_json_is(cells):
    """As Label Studio writes CSV, or a data frame whose cells are lists."""
    first, second = ('"' + cell.replace('"', '""') + '"' for cell in cells)
    lines = ("id,label,text", f"1,{first},홍길동은 간다", f'2,{second},"비가, 온다"')
    assert read(*lines)[1] == [HONG, RAIN]


def test_a_cell_that_is_no_list_of_spans_rejects_its_row():
    """Cut short by a limit of a spreadsheet, say: the others are read."""
    rows = [f"\"[(0, 1, 'LC')]\",가{i}" for i in range(12)]
    parsed, sentences = read("label,text", *rows, '"[(0, 1, \'LC","나다"')
    assert len(sentences) == 12
    assert reasons(parsed) == [("a cell that is no list of spans", 14)]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("within", ["\n", "\r\n"])
def test_a_line_end_within_a_cell_is_text_as_it_is(end, within):
    """Offsets count its CR, which a form of the web writes, whatever the rows end in."""
    start = len(f"서울이{within}")
    text = f"서울이{within}부산이 크다"
    rows = ("text,start,end,label", f'"{text}",{start},{start + 2},LC', "대구,0,2,LC", "")
    assert read(end.join(rows))[1] == [
        (text, [(start, start + 2, "LC")]),
        ("대구", [(0, 2, "LC")]),
    ]
