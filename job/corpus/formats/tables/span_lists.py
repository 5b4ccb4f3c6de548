"""A text a row, and all of its spans as one cell: as Label Studio writes CSV, or a data frame whose
cells are lists. The rows are read as those of JSON are."""

import ast
import json
from collections.abc import Iterator, Sequence
from functools import partial

from job.corpus.formats.format import Contents, Options
from job.corpus.formats.json_rows.decoding.values import Value
from job.corpus.formats.json_rows.formats import Source, read_values
from job.corpus.formats.tables.part import Part
from job.corpus.formats.text_lines import LineError
from job.errors import DataError

MOST = 0.9
PLACE_AND_TYPE = ["int", "int", "str"]


def holds_spans(cells: Sequence[str]) -> bool:
    """Whether a column's cells are lists of spans, at least one of them not empty."""
    filled = [cell for cell in cells if cell.strip()]
    found = [spans for cell in filled if (spans := _spans_in(cell)) is not None]
    return any(found) and len(found) >= MOST * len(filled)


def _spans_in(cell: str) -> list[object] | None:
    """The objects, or the places with a type, that a cell lists in JSON or as Python shows them."""
    if not cell.strip():
        return []
    if cell.strip()[:1] != "[":
        return None
    for reads in (json.loads, ast.literal_eval):
        try:
            spans = reads(cell.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return spans if isinstance(spans, list) and all(map(_is_span, spans)) else None
    return None


def _is_span(item: object) -> bool:
    if isinstance(item, list | tuple):
        return len(item) == 3 and sorted(type(part).__name__ for part in item) == PLACE_AND_TYPE
    return isinstance(item, dict)


def read_span_lists(parts: Sequence[Part], options: Options) -> Contents:
    """Raises DataError where columns are named by number, or a row tells no text."""
    if options.columns:
        raise DataError(
            f"{parts[0].path} has its spans as lists in a column, so columns are named by their "
            "headers: CORPUS_FIELDS=text=text,spans=label."
        )
    sources = [Source(part.path, partial(_values, part)) for part in parts]
    return read_values(sources, parts[0].how, options)


def _values(part: Part) -> Iterator[Value]:
    header, spans = part.layout.header or (), part.layout.columns["spans"]
    for line, cells in part.body():
        if isinstance(cells, LineError):
            yield Value(line, cells)
        elif cells:
            found = _spans_in(cells[spans])
            row = {name: cell for name, cell in zip(header, cells, strict=True) if name}
            if found is None:
                error = LineError("a cell that is no list of spans", f"`{cells[spans][:60]}`")
                yield Value(line, error)
            else:
                yield Value(line, {**row, header[spans]: json.loads(json.dumps(found))})
