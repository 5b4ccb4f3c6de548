"""Lines of a file with columns → the comments and rows of each sentence.

A blank line ends a sentence. The columns are separated by tabs (then a space can be a unit, as in
KLUE) or by spaces; blanks and tabs behind the last are no part of it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from job.corpus.formats.bio_tags import are_types, looks_like_tag
from job.corpus.formats.columns.comments import is_comment
from job.corpus.formats.columns.packed import Block, Packed, Unpacked
from job.corpus.formats.tables.header import looks_like_header
from job.corpus.formats.text_lines import Line, LineError
from job.errors import DataError

SPACES = re.compile("[ \t]+")
DOCUMENT_START = "-DOCSTART-"
SIGNS = frozenset("#;$")  # that comments begin with
KNOWN = 4096  # lines whose cells are kept
UNTAGGED = "a unit without a tag"


def looks_like_row(line: str, tags: int = 0) -> bool:
    """Whether the line is a unit with its tag in column `tags` (from 1; 0 is the last)."""
    return _is_row(_fields(line, tabs="\t" in line), tags)


def share_of_types(lines: Sequence[str]) -> float:
    """The share of rows, where their last columns hold types without B or I."""
    rows = [_fields(line, tabs="\t" in line) for line in lines if line.strip()]
    counts = Counter(row[-1] for row in rows if len(row) > 1)
    return counts.total() / len(rows) if are_types(counts) else 0.0


def has_tabs(pieces: Iterable[Iterable[Line]]) -> bool:
    """Whether tabs separate the columns of most rows."""
    of_all, of_rows = [0, 0], [0, 0]
    for lines in pieces:
        for line, count in Counter(lines).items():
            if isinstance(line, str) and line.strip():
                of_all["\t" in line] += count
                if line[0] not in SIGNS:
                    of_rows["\t" in line] += count
    without, with_tab = of_rows if any(of_rows) else of_all
    return with_tab > without


class Rows(dict[Line, list[str] | None]):
    """The cells of lines that can be nothing but rows. Many lines come again and again."""

    def __init__(self, tabs: bool) -> None:
        self.tabs = tabs

    def __missing__(self, line: Line) -> list[str] | None:
        if isinstance(line, LineError) or not line.strip() or line[0] in SIGNS:
            return None
        fields = _fields(line, self.tabs)
        if fields[0] == DOCUMENT_START:
            return None
        if len(self) >= KNOWN:
            self.clear()
        self[line] = fields
        return fields


def split_blocks(lines: Iterable[Line], tabs: bool, tags: int) -> Iterator[Block]:
    """The sentences in order. `tags` is the column of the tags, from 1; 0 is the last."""
    block, rows = Block(), Rows(tabs)
    for number, line in enumerate(lines, start=1):
        fields = rows[line]
        if fields is not None:
            block.add(number, fields)
        elif isinstance(line, LineError):
            block.begin(number).reject(number, line)
        elif line[:1] in SIGNS and not _is_comment(line, tabs, tags, block):
            block.add(number, _fields(line, tabs))
        else:
            if block.has_rows:
                yield block
                block = Block()
            if line[:1] in SIGNS:
                block.begin(number).comments.append(line)
    if block.has_rows:
        yield block


def without_header(blocks: Iterator[Block]) -> Iterator[Block]:
    """Takes the names of the columns off, which may stand before the first row."""
    first = next(blocks, Block())
    row = first.rows[0] if first.rows else ["O"]
    if looks_like_header(row) and not looks_like_tag(row[-1]):
        first.rows.pop(0)
        first.row_lines.pop(0)
    if first.has_rows:
        yield first
    yield from blocks


def _is_comment(line: str, tabs: bool, tags: int, block: Block) -> bool:
    is_row = _is_row(_fields(line, tabs), tags)
    return is_comment(line, is_row, tabs, bool(block.rows), block.comments)


def check_width(packed: Packed, fields: Mapping[str, int]) -> int:
    """The number of columns of the rows; the sentences of rows with others are rejected.

    Rows may differ where the user named both columns. Raises DataError where nothing is left.
    """
    lengths, path = packed.widths, packed.path
    if not lengths:
        return 2
    named = max(fields.values(), default=0)
    [(width, count)] = lengths.most_common(1)
    widest = max(lengths)
    if named > (widest if len(fields) == 2 else width):
        raise DataError(
            f"{path}: CORPUS_FIELDS names column {named}, but its rows have {width}; count the "
            "columns from 1."
        )
    if len(fields) < 2 and 2 * count < lengths.total():
        raise DataError(
            f"{path}: its rows have {min(lengths)} to {widest} columns, and most differ in that; "
            "write a unit and its tag a line, or name the columns by CORPUS_FIELDS=text=1,tags=2."
        )
    least = named if len(fields) == 2 else width
    if least < 2 or set(lengths) != {least}:
        for block in packed.unpacked():
            _reject_widths(packed, block, width, named if len(fields) == 2 else None)
    return least


def _reject_widths(packed: Packed, block: Unpacked, width: int, named: int | None) -> None:
    """Rejects a row of one column, without the last of the `named` ones, or of another width."""
    for i, row in enumerate(block.rows):
        if len(row) < 2:
            packed.reject_row(block, i, UNTAGGED)
        elif named is not None and len(row) < named:
            packed.reject_row(block, i, f"a row without column {named}")
        elif named is None and len(row) != width:
            packed.reject_row(block, i, "a row with more or fewer columns than the others")


def _fields(line: str, tabs: bool) -> list[str]:
    line = line.rstrip(" \t")
    if not tabs:
        is_plain = "\t" not in line and "  " not in line
        fields = line.split(" ") if is_plain else SPACES.split(line)
        # A space can be a unit here too: `  O`.
        return [" ", *fields[1:]] if not fields[0] else fields
    fields = line.split("\t")
    if " \t" in line:
        fields = [bare if looks_like_tag(bare := f.rstrip(" ")) else f for f in fields]
    return fields


def _is_row(fields: Sequence[str], tags: int) -> bool:
    return len(fields) >= max(2, tags) and looks_like_tag(fields[tags - 1]) and bool(fields[0])
