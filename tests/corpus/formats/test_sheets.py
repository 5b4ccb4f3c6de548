"""Spreadsheets: the one sheet that holds a table."""

import pytest

from job.errors import DataError
from tests.support.parsing import parse
from tests.support.sheets import workbook

ROWS = [("text", "tags"), ("홍길동은 3", "B-PS O"), ("비가 온다", "O O")]


def read(data):
    parsed = parse(data, "f.xlsx")
    return parsed, [(s.text, [tuple(span) for span in s.spans], s.line) for s in parsed.sentences]


def test_the_sheet_that_holds_a_table_is_read():
    """Others are passed over; numbers are as they are shown, and a formula is its value."""
    units = [
        ("word", "tag"),
        (3, "B-QT"),
        ("명", "O"),
        ("", ""),
        (b"<c><f>1+1</f><v>2</v></c>", "O"),
    ]
    assert read(workbook(Notes=[("읽어 주세요",)], Data=units))[1] == [
        ("3명", [(0, 1, "QT")], 2),
        ("2", [], 5),
    ]
    parsed, sentences = read(workbook(Data=ROWS))
    assert sentences == [("홍길동은 3", [(0, 4, "PS")], 2), ("비가 온다", [], 3)]
    assert parsed.format.startswith("the sheet `Data`, a sentence a row")


def test_two_sheets_with_tables_are_refused_by_name():
    """Either could be the corpus."""
    with pytest.raises(DataError, match="has the sheets `A` and `B`"):
        read(workbook(A=ROWS, B=ROWS))
    with pytest.raises(DataError, match=r"has no sheet with a text and its tags.*it has `A`"):
        read(workbook(A=[("읽어 주세요", "네")]))


def test_a_workbook_that_is_damaged_is_refused():
    """Cut in the middle, it is no archive of any other kind."""
    data = workbook(A=ROWS)
    with pytest.raises(DataError, match=r"f\.xlsx is a spreadsheet that cannot be read"):
        read(data[: len(data) // 2])
    with pytest.raises(DataError, match="is a spreadsheet that cannot be read"):
        read(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600)
