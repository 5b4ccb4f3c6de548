"""Tables as formats: in text, by whichever separator gives a layout that is known, and sheets."""

from collections.abc import Callable, Sequence

from job.corpus.formats.columns.blocks import has_tabs
from job.corpus.formats.format import CERTAIN, Contents, CorpusFile, Format, Options, Score
from job.corpus.formats.tables.cells import (
    SEPARATORS,
    Records,
    csv_records,
    is_workbook,
    sheet_records,
)
from job.corpus.formats.tables.header import looks_like_header
from job.corpus.formats.tables.layout import LOOKED_AT, find_layout
from job.corpus.formats.tables.part import LISTS, SENTENCES, SPANS, UNITS, Layout, Part
from job.corpus.formats.tables.span_lists import read_span_lists
from job.corpus.formats.tables.span_rows import read_span_rows
from job.corpus.formats.tables.tagged_sentences import read_sentences
from job.corpus.formats.tables.tagged_units import read_unit_rows
from job.errors import DataError

KINDS: dict[str, Callable[[Sequence[Part], Options], Contents]] = {
    UNITS: read_unit_rows,
    SENTENCES: read_sentences,
    SPANS: read_span_rows,
    LISTS: read_span_lists,
}
LIKELY = 0.97  # of rows that are cut alike: columns by tabs may have headers and comments
Found = tuple[str, Records, Layout]


def _find(file: CorpusFile, options: Options) -> Found | None:
    """The separator, the first records and their layout. Raises DataError."""
    first = file.sample[0] if file.sample else ""
    if first[:1] == "{" or first.startswith("#FORMAT="):
        return None
    refused: DataError | None = None
    for separator in SEPARATORS:
        try:
            if found := _find_by(separator, file, options):
                return found
        except DataError as error:
            refused = refused or error
    if refused:
        raise refused
    return None


def _find_by(separator: str, file: CorpusFile, options: Options) -> Found | None:
    if not any(separator in line for line in file.sample):
        return None
    if separator != "\t" and has_tabs([file.sample]):
        return None
    records = csv_records(file, separator, 2 * LOOKED_AT)
    width = records.width
    alike = [len(cells) == width for cells in records.whole]
    if width < 2 or 2 * sum(alike) < len(alike):
        return None
    layout = find_layout(records, options.fields, file.path)
    if layout and _is_more_than_columns(layout, separator):
        return separator, records, layout
    return None


def _is_more_than_columns(layout: Layout, separator: str) -> bool:
    """Whether it is no file of columns by tabs, that need neither header nor quotes."""
    is_named = layout.header is not None and looks_like_header(layout.header)
    return layout.kind != UNITS or separator != "\t" or is_named


def _is_named(file: CorpusFile, options: Options) -> bool:
    """Whether the first line is a header for certain."""
    for separator in SEPARATORS:
        cells = file.sample[0].split(separator)
        if looks_like_header(cells) or not set(cells).isdisjoint(options.fields.values()):
            return True
    return False


def _score(file: CorpusFile, options: Options) -> Score:
    try:
        found = _find(file, options)
    except DataError as error:
        return Score(CERTAIN if _is_named(file, options) else 0.0, refusal=error)
    if found is None:
        return Score(0.0)
    _, records, layout = found
    widths = [len(cells) == layout.width for cells in records.whole]
    share = sum(widths) / max(1, len(widths))
    why = f"its cells give {layout.kind} a row"
    sure = layout.kind != UNITS or layout.header is not None
    return Score(CERTAIN if sure and share > LIKELY else LIKELY * share, why)


def _read(files: Sequence[CorpusFile], options: Options) -> Contents:
    parts = []
    for file in files:
        found = _find(file, options)
        assert found
        separator, _, layout = found
        parts.append(Part(file.path, csv_records(file, separator), layout))
    return _read_parts(parts, options)


def _read_parts(parts: Sequence[Part], options: Options) -> Contents:
    for part in parts[1:]:
        if part.layout.kind != parts[0].layout.kind:
            raise DataError(
                f"{parts[0].path} has {parts[0].layout.kind} a row and {part.path} "
                f"{part.layout.kind}, but a split is in one format; convert or remove one of them."
            )
    return KINDS[parts[0].layout.kind](parts, options)


def _score_sheet(file: CorpusFile, _: Options) -> Score:
    return Score(CERTAIN if is_workbook(file.data) else 0.0, "it is a spreadsheet")


def _read_sheets(files: Sequence[CorpusFile], options: Options) -> Contents:
    return _read_parts([_sheet(file, options) for file in files], options)


def _sheet(file: CorpusFile, options: Options) -> Part:
    """The one sheet that holds a table. Raises DataError where none does, or two."""
    sheets = sheet_records(file.data, file.path)
    found = {}
    refused: DataError | None = None
    for name, records in sheets.items():
        try:
            layout = find_layout(records, options.fields, file.path)
        except DataError as error:
            refused = refused or error
            continue
        if layout:
            found[name] = Part(file.path, records, layout)
    if len(found) > 1:
        names = " and ".join(f"`{name}`" for name in found)
        raise DataError(
            f"{file.path} has the sheets {names}, which can each be the corpus; save the one to "
            "learn as a file of its own."
        )
    if refused and not found:
        raise refused
    if not found:
        names = ", ".join(f"`{name}`"[:40] for name in sheets) or "none"
        raise DataError(
            f"{file.path} has no sheet with a text and its tags or spans (it has {names}); give a "
            "column of words or sentences and one of tags, with their names in the first row."
        )
    [part] = found.values()
    return part


TABLE = Format("a table", _score, _read, takes_fields=True)
SHEET = Format("a spreadsheet", _score_sheet, _read_sheets, takes_fields=True)
