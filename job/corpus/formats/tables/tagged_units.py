"""A unit a row with its tag: as columns (`columns`), whose sentences a blank row ends, or a column
names them, in every row or in the first of each sentence."""

from collections.abc import Iterable, Iterator, Sequence

from job.corpus.formats.columns.comments import spells
from job.corpus.formats.columns.packed import Block, Packed
from job.corpus.formats.columns.read import read_packed
from job.corpus.formats.format import Contents, Options, joined
from job.corpus.formats.tables.header import DOCUMENT, SENTENCE, TAGS, TEXT, UNIT
from job.corpus.formats.tables.part import Part
from job.corpus.formats.text_lines import LineError
from job.errors import DataError

MOST = 0.5


def read_unit_rows(parts: Sequence[Part], options: Options) -> Contents:
    """Raises DataError where nothing says where sentences end."""
    return joined(_read(part, options) for part in parts)


def _read(part: Part, options: Options) -> Contents:
    columns = part.layout.columns
    names = [columns[role] for role in (DOCUMENT, SENTENCE, TEXT) if role in columns]
    has_name = SENTENCE in columns or TEXT in columns
    blocks = _by_names(part, names) if has_name else _by_blanks(part)
    if TEXT in columns and UNIT in columns:
        blocks = _carrying(blocks, columns[TEXT], columns[UNIT])
    packed = Packed(blocks, part.path)
    if len(packed) < 2 and packed.widths.total() > 1 and not has_name:
        raise DataError(
            f"{part.path} has no blank row and no column that names the sentence, so it is unknown "
            "where sentences end; put a blank row after each, or name a column that numbers them "
            "by CORPUS_FIELDS=sentence=N."
        )
    fields = {
        role: columns[column] + 1
        for role, column in (("text", UNIT), ("tags", TAGS))
        if column in columns
    }
    return read_packed(
        packed,
        part.layout.width,
        fields,
        part.how,
        "the column of sentences",
        chosen="text" in options.fields,
        how_named=UNIT in columns,
        ends_named=has_name,
    )


def _by_blanks(part: Part) -> Iterator[Block]:
    block = Block()
    for line, cells in part.body():
        if isinstance(cells, list) and not cells:
            if block.has_rows:
                yield block
                block = Block()
        else:
            _add(block, line, cells)
    if block.has_rows:
        yield block


def _by_names(part: Part, names: Sequence[int]) -> Iterator[Block]:
    """The sentences by what names them; an empty name goes on with that before it. A row that
    cannot be read may be of the sentence before it or after it: both are rejected."""
    block = Block()
    before: tuple[str, ...] | None = None
    unread: tuple[int, LineError] | None = None  # the last row, if it could not be read
    for line, cells in part.body():
        if isinstance(cells, LineError):
            unread = line, cells
            _add(block, line, cells)
        elif cells:
            name = _named(cells, names, before)
            if before is not None and name != before:
                yield block
                block = Block()
                if unread:
                    _add(block, *unread)
            before, unread = name, None
            _add(block, line, cells)
    if block.has_rows:
        yield block


def _named(
    cells: Sequence[str], names: Sequence[int], before: tuple[str, ...] | None
) -> tuple[str, ...] | None:
    """The name of a row's sentence. What it leaves empty, or all, is as in the row before."""
    name = tuple(cells[c] for c in names)
    if before is None:
        return name if any(name) else None
    is_same = all(new in ("", old) for new, old in zip(name, before, strict=True))
    return before if is_same else name


def _add(block: Block, line: int, cells: list[str] | LineError) -> None:
    if isinstance(cells, LineError):
        block.begin(line).reject(line, cells)
    else:
        block.add(line, cells)


def _carrying(blocks: Iterable[Block], text: int, unit: int) -> Iterator[Block]:
    """Takes the sentence that the rows repeat for the text, where the units spell it."""
    for block in blocks:
        said = block.rows[0][text] if block.rows else ""
        if spells([row[unit] for row in block.rows], said):
            block.carried = said
        yield block
