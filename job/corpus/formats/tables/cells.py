"""The records of a table: the cells of CSV by its separator and quotes, and those of a sheet."""

import csv
import io
import sys
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import islice

import python_calamine

from job.corpus.formats.format import CorpusFile
from job.corpus.formats.text_lines import NUL, Line, LineError
from job.errors import DataError

SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "bars"}
QUOTE = '"'
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
WORKBOOKS = ("xl/workbook.xml", "xl/workbook.bin")
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument.spreadsheet"
MOST_TIMES, UNPACKED_AT_MOST = 40, 100_000_000

Cells = list[str] | LineError


@dataclass(frozen=True)
class Records:
    """The records of a table, each with its line, and how they were cut, for the log. Those of text
    are cut each time that they are gone through."""

    rows: Iterable[tuple[int, Cells]]
    how: str

    @property
    def width(self) -> int:
        """The number of cells that most records have."""
        widths = Counter(len(cells) for cells in self.whole)
        return widths.most_common(1)[0][0] if widths else 0

    @property
    def whole(self) -> Iterator[list[str]]:
        """The records that could be cut and are not blank."""
        return (c for _, c in self.rows if not isinstance(c, LineError) and any(c))


@dataclass(frozen=True)
class Cut:
    """The records of a file's lines, or of the `first` of them. `path` is given where a quote that
    is never closed is refused."""

    file: CorpusFile
    separator: str
    quoted: bool
    first: int | None
    path: str

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        return _cut(csv_lines(self.file, self.first), self.separator, self.quoted, self.path)


def csv_lines(file: CorpusFile, first: int | None = None) -> Iterator[Line]:
    """The lines, with the CR of those that ended in CRLF: within quotes it is text, and counts."""
    keeps_cr = QUOTE.encode() in file.data and b"\r\n" in file.data
    return islice(file.decoded.with_cr() if keeps_cr else iter(file.decoded), first)


def csv_records(
    file: CorpusFile, separator: str, first: int | None = None, *, refuses: bool = True
) -> Records:
    """Those of the `first` lines, or of all. Going through all of a file raises DataError for a
    quote that is never closed, unless it is said not to."""
    if first is not None and next(islice(file.decoded, first, None), None) is None:
        first = None
    may_quote = QUOTE.encode() in file.data
    quoted = separator != "\t" or (may_quote and _quotes_tabs(csv_lines(file, first)))
    how = f"a table whose cells {SEPARATORS[separator]} separate"
    # A quote may be open where the first lines end.
    path = file.path if refuses and first is None else ""
    return Records(Cut(file, separator, quoted, first, path), how)


def _cut(
    lines: Iterable[Line], separator: str, quoted: bool, path: str
) -> Iterator[tuple[int, Cells]]:
    csv.field_size_limit(sys.maxsize)
    bad: dict[int, LineError] = {}  # of the lines so far
    texts = _texts(lines, bad)
    reader = csv.reader(
        texts,
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
        strict=True,
    )
    while True:
        first = reader.line_num + 1
        cells: Cells
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if path and "unexpected end" in str(error):
                raise DataError(
                    f"{path}:{first}: a quote is opened in this row and never closed; close it, or "
                    f'write a `{QUOTE}` of the text as `""` within quotes.'
                ) from error
            cells = LineError("a quote within a cell that is not written twice", str(error))
        if bad:
            cells = bad[max(bad)]
            bad.clear()
        yield first, cells


def _texts(lines: Iterable[Line], bad: dict[int, LineError]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if isinstance(line, LineError):
            bad[number] = line
        yield "\n" if isinstance(line, LineError) else f"{line}\n"


def _quotes_tabs(lines: Iterable[Line]) -> bool:
    """Whether quotes around cells between tabs are the writer's: a unit can be a quote, too."""
    doubled, around, filled = False, 0, 0
    for line in lines:
        for cell in line.removesuffix("\r").split("\t") if isinstance(line, str) else ():
            filled += bool(cell)
            if cell.startswith(QUOTE):
                if not _is_quoted(cell):
                    return False
                around += 1
                doubled |= QUOTE * 2 in cell[1:-1]
    return around > 0 and (doubled or around == filled)


def _is_quoted(cell: str) -> bool:
    return len(cell) > 1 and cell[-1] == QUOTE and QUOTE not in cell[1:-1].replace(QUOTE * 2, "")


def is_workbook(data: bytes) -> bool:
    """Whether bytes are a spreadsheet: Excel's, old or new, or OpenDocument's."""
    if data.startswith(OLD_EXCEL):
        return True
    if not data.startswith(ZIP):
        return False
    try:
        names = set(zipfile.ZipFile(io.BytesIO(data)).namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        # Cut off or damaged: it is read as a workbook all the same, and refused as a broken one.
        return any(name.encode() in data for name in WORKBOOKS)
    return not names.isdisjoint(WORKBOOKS) or OPEN_DOCUMENT in data[:128]


def _refuse_bomb(data: bytes, path: str) -> None:
    """Raises DataError for a sheet that unpacks to many times its size."""
    if data.startswith(ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > max(UNPACKED_AT_MOST, MOST_TIMES * len(data)):
            raise DataError(
                f"{path} unpacks to {unpacked // 1_000_000} MB, more than {MOST_TIMES} times its "
                "size; save it as CSV."
            )


def sheet_records(data: bytes, path: str) -> dict[str, Records]:
    """The sheets that hold anything, by name. Raises DataError where it is no workbook."""
    try:
        _refuse_bomb(data, path)
        book = python_calamine.load_workbook(io.BytesIO(data))
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
        found = {
            name: Records(
                [
                    (sheet.start[0] + number if sheet.start else number, _cells(row))
                    for number, row in enumerate(sheet.to_python(skip_empty_area=True), start=1)
                ],
                f"the sheet `{name}`",
            )
            for name, sheet in sheets.items()
        }
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise DataError(
            f"{path} is a spreadsheet that cannot be read ({error}); save it again as .xlsx or CSV."
        ) from error
    return {name: records for name, records in found.items() if any(records.whole)}


def _cells(row: Sequence[object]) -> Cells:
    """The cells as they are shown. A date has many ways to be, so its row cannot be read."""
    cells = []
    for value in row:
        if isinstance(value, bool):
            value = str(value).upper()
        if isinstance(value, date | time | timedelta):
            said = f"`{value}`; format the cell as text and write it as it is meant"
            return LineError("a cell that is a date or a time, not text", said)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        cells.append(str(value))
    if nul := [cell for cell in cells if "\0" in cell]:
        return LineError(NUL, f"`{nul[0][:20]}`")
    return cells
