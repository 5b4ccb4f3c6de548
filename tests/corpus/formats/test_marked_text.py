"""Marked text alone, in one way for a whole split."""

import pytest

from job.errors import DataError
from tests.support.parsing import parse


def read(*lines):
    parsed = parse("\n".join(lines).encode(), "f.txt")
    return parsed, [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences]


@pytest.mark.parametrize("mark", ["<{}:{}>", "[{}:{}]", "<{1}>{0}</{1}>"])
def test_each_way_to_mark_is_read(mark):
    """A mention may hold blanks and colons, a type blanks; a line without markup has no entity."""
    lines = (f"{mark.format('오전 10:30', 'TI')}에 간다", "비가 온다", mark.format("서울", "LC"))
    _, sentences = read(*lines)
    assert sentences == [
        ("오전 10:30에 간다", [(0, 8, "TI")]),
        ("비가 온다", []),
        ("서울", [(0, 2, "LC")]),
    ]
    if "1" not in mark:
        assert read(mark.format("김", "Job Title"))[1] == [("김", [(0, 1, "Job Title")])]


@pytest.mark.parametrize("line", ["3<5 <서울:LC>", "<<서울:LC> 시청:OG>", "<서울:LC", "서울>"])
def test_a_bracket_that_is_no_markup_rejects_its_line(line):
    """No sentence stands beside it that would say whether the bracket is text."""
    parsed, sentences = read("<홍길동:PS>은", line)
    assert sentences == [("홍길동은", [(0, 3, "PS")])]
    assert [(r.reason, r.line) for r in parsed.rejected] == [("a bracket that is no markup", 2)]


def test_two_ways_in_one_split_are_refused():
    """One of them would be taken for text."""
    with pytest.raises(DataError, match=r"as `<홍길동:PS>` and as `\[홍길동:PS\]`"):
        read("<홍길동:PS>은", "[서울:LC]로")


def test_text_without_markup_is_no_corpus():
    """Plain text would be read as sentences without entities."""
    with pytest.raises(DataError, match="is in no format that is known"):
        read("그냥 글", "다른 글")
