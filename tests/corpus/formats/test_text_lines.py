"""Bytes of a file → lines: what is taken off each, and what stays."""

import pytest

from job.corpus.formats import decoded
from job.corpus.formats.decoded import Decoded


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("\ufeff가", "가"),
        ("\ufeff\tO", "\ufeff\tO"),  # a unit of its own, with its tag
        ("\ufeff O", "\ufeff O"),
        ("가\ufeff", "가\ufeff"),
        ("가\r", "가"),
        ("가\r\r", "가\r"),
        ("\r가", "\r가"),
    ],
)
def test_one_mark_before_a_line_and_one_cr_behind_it_are_taken_off(line, expected):
    """On any line; every other character is the corpus's own."""
    lines = Decoded(f"처음\n{line}\n끝\n".encode(), "f.txt")
    assert list(lines) == ["처음", expected, "끝"]


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize(
    "data",
    [
        "\ufeff가나다라마바\r\n\r\n\ufeff사\u0301\n아".encode(),
        "e\u0301 가나다라마바사아자차카타파하\n".encode(),
        "가나다라마바사아자차카타파하".encode(),
        "가나\n".encode() + b"\xff" * 20 + "\n다\0라마바사아\u0301\n마\n\n".encode(),
        "가나다라마바사아자차카타파하\r\n가\r\n".encode("cp949"),
    ],
    ids=["marks", "combining", "one line", "damaged", "CP949"],
)
def test_lines_do_not_depend_on_the_pieces_that_are_decoded_at_once(data, size, monkeypatch):
    """Nor do the notes, where lines are longer than a piece."""
    whole = Decoded(data, "f.txt")
    expected = list(map(str, whole.with_cr()))
    monkeypatch.setattr(decoded, "PIECE", size)
    cut = Decoded(data, "f.txt")
    assert list(map(str, cut.with_cr())) == expected
    assert cut.notes == whole.notes
    assert len(list(cut.pieces())) > 1 or b"\n" not in data[:-1] or size == 64


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"0123456789", True),
        (b"\xef\xbb\xbf\n 0123456789\n\n", True),
        (b"01234567", False),
        (b"0123456789\n0\n", False),
        (b"0\n0123456789\n", False),
    ],
)
def test_a_file_of_one_long_line_is_told_from_others(data, expected):
    """Blank lines around it do not count."""
    assert Decoded(data, "f.txt").is_one_line_over(8) is expected


def test_nothing_in_cp949_is_said_to_be_a_combining_character():
    """Bytes that would be one in UTF-8 are other characters there."""
    data = "가나다\n".encode("cp949") * 3 + "e\u0301\n".encode()
    [note] = Decoded(data, "f.txt").notes
    assert "CP949" in note


def test_a_few_lines_of_cp949_do_not_make_a_file_cp949():
    """Most of what is not ASCII is UTF-8, so those lines alone cannot be read."""
    lines = Decoded("서울은 넓다\n".encode() * 9 + "부산은 크다\n".encode("cp949"), "f.txt")
    assert [line for line in lines if isinstance(line, str)] == ["서울은 넓다"] * 9
    assert not lines.notes
