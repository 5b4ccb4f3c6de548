"""Bytes of a file → lines: what is taken off each, and what stays."""

import pytest

from job.corpus.formats.text_lines import Lines


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
    lines = Lines(f"처음\n{line}\n끝\n".encode(), "f.txt")
    assert list(lines) == ["처음", expected, "끝"]
