"""Lines that `predict` refuses to take for sentences, and those that it must not refuse."""

import pytest

from job.errors import DataError
from job.export.not_sentences import refuse_other_lines, refuse_table


@pytest.mark.parametrize(
    "line",
    [
        "서울\tB-LOC",
        "3\t서울\tNNP\tB-LOC",
        "은\tO",
        "서울,B-LOC",
        "1,서울,I-LOC",
        "<!DOCTYPE html>",
    ],
)
def test_a_row_of_a_corpus_or_a_page_is_refused(line):
    """By its place, with what to give in its stead; tags would be learnt as text otherwise."""
    with pytest.raises(DataError, match=r"^in\.txt:1 .*give a text file, a sentence a line"):
        refuse_other_lines(line, "in.txt:1")


@pytest.mark.parametrize(
    "line",
    [
        "서울, 부산, 그리고 대구",
        "그는 A, B, O",
        "A,B,O",
        "비타민 B-12",
        "서울\t부산",
        "\tO",
        "B-LOC",
        "<서울>에서",
        "[속보] 서울",
    ],
)
def test_a_sentence_is_a_sentence(line):
    """Commas, tabs, brackets and letters that look like tags are in sentences, too."""
    refuse_other_lines(line, "in.txt:1")


TABLES = [
    "id,text,label",
    '"text","ner_tags"',
    "Word;Tag",
    ",sentence,entities",
    "text\tlabels",
    '"1","홍길동은 서울에 왔다.","PS"',
    '"12";"그는 ""네""라고 했다."',
]


@pytest.mark.parametrize("line", TABLES)
def test_the_first_line_of_a_table_is_refused(run, line):
    """What is below it would be tagged as sentences, with its quotation marks and numbers."""
    with pytest.raises(DataError, match=r"in\.txt:2 begins a table .*column of sentences alone"):
        run(f"\n{line}\n")


def test_it_is_a_table_on_the_first_line_only(run):
    """Further down the file has shown that it is none."""
    assert run(f"서울에 갔다.\n{TABLES[0]}\n").count("\n") == 2


@pytest.mark.parametrize(
    "line",
    [
        "text",
        "id,no",
        "label, text",
        "문장,내용",
        "text,서울",
        '"네","아니요"',
        '"1","2"',
        '"1","서울에 갔다." 라고',
        "서울에서, 부산까지",
    ],
)
def test_the_first_line_of_a_list_of_sentences_is_read(line):
    """One word, names with blanks between them, quotations: a sentence, as far as one can tell."""
    refuse_table(line, "in.txt:1")
