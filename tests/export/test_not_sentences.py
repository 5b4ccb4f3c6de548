"""Lines that `predict` refuses to take for sentences, and those that it must not refuse."""

import pytest

from job.errors import DataError
from job.export.not_sentences import refuse_other_lines


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
