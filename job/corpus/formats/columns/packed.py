"""The sentences of a file with columns, packed: each column of some thousand rows is one string.

A list for each row and a string for each cell would take 45 times the file's size.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest

from job.corpus.formats.text_lines import LineError, Rejected

# Neither is in a text: a line with NUL is rejected, and no encoding gives half of a pair.
BETWEEN = "\0"  # cells, and comments
MISSING = "\ud800"  # in place of the cells that other rows have
ROWS = 4096  # of a chunk, and then to the end of the sentence
WIDEST = 64  # cells that are kept of a row that has more than others of its sentence

Columns = list[list[str]]


@dataclass(slots=True)
class Block:
    """The lines of one sentence while they are gathered. `carried` is a text that they give
    elsewhere than in comments, if any."""

    line: int = 0
    comments: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    row_lines: list[int] = field(default_factory=list)
    carried: str = ""
    error: tuple[int, LineError] | None = None

    @property
    def has_rows(self) -> bool:
        """Whether there is more of it than comments."""
        return bool(self.rows) or self.error is not None

    def begin(self, line: int) -> "Block":
        """The same block, which begins on this line unless it has begun before."""
        self.line = self.line or line
        return self

    def add(self, line: int, cells: list[str]) -> None:
        """Adds a row, which must not be changed: other sentences may share it."""
        self.line = self.line or line
        self.rows.append(cells)
        self.row_lines.append(line)

    def reject(self, line: int, error: LineError) -> None:
        self.error = self.error or (line, error)


@dataclass(slots=True)
class Unpacked:
    """A sentence's lines: their columns, and where they stand. `index` is its number."""

    index: int
    line: int
    columns: Columns
    comments: list[str]
    carried: str
    row_lines: Sequence[int]

    @property
    def rows(self) -> list[list[str]]:
        """The cells of each row."""
        return [
            [cell for cell in row if cell != MISSING] for row in zip(*self.columns, strict=True)
        ]


class Chunk:
    """Some sentences. `ends` has for each the row behind its last, `widths` those of the rows."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        cells: Columns = []
        self.widths: Counter[int] = Counter()
        for block in blocks:
            self._add(block.rows, cells)
        self.columns = [BETWEEN.join(column) for column in cells]
        self.ends = array("I")
        self.lines = array("I", [block.line for block in blocks])
        self.first_lines = array("I")
        self.gaps: dict[int, array[int]] = {}  # the lines of rows that lie apart, by sentence
        count = 0
        for i, block in enumerate(blocks):
            lines = block.row_lines
            count += len(block.rows)
            self.ends.append(count)
            self.first_lines.append(lines[0] if lines else block.line)
            if lines and lines[-1] - lines[0] != len(lines) - 1:
                self.gaps[i] = array("I", lines)
        self.comments = BETWEEN.join(line for block in blocks for line in block.comments)
        self.comment_counts = array("I", [len(block.comments) for block in blocks])
        carried = [block.carried for block in blocks]
        self.carried = BETWEEN.join(carried) if any(carried) else ""

    def _add(self, rows: Sequence[Sequence[str]], cells: Columns) -> None:
        """Adds rows to the cells of each column, all of which are as long as the first."""
        widths = set(map(len, rows))
        if len(widths) == 1:
            self.widths[widths.pop()] += len(rows)
            columns = list(zip(*rows, strict=True))
        else:
            self.widths.update(map(len, rows))
            kept = [row[:WIDEST] for row in rows]
            columns = list(zip_longest(*kept, fillvalue=MISSING))
        before = len(cells[0]) if cells else 0
        cells += [[MISSING] * before for _ in columns[len(cells) :]]
        nothing = [MISSING] * len(rows)
        for i, column in enumerate(cells):
            column.extend(columns[i] if i < len(columns) else nothing)

    def column(self, number: int) -> list[str]:
        """All cells of a column, which is counted from 0."""
        if not self.ends or not self.ends[-1]:
            return []
        if number >= len(self.columns):
            return [MISSING] * self.ends[-1]
        return self.columns[number].split(BETWEEN)

    def last_column(self) -> Sequence[str]:
        """The last cell of each row."""
        if len(self.widths) == 1:
            return self.column(len(self.columns) - 1)
        return [row[-1] for block in self.unpacked(0) for row in block.rows]

    def unpacked(self, first: int) -> Iterator[Unpacked]:
        """The sentences; `first` is the number of the first of them."""
        columns = [self.column(c) for c in range(len(self.columns))]
        comments, carried = iter(self.comments.split(BETWEEN)), self.carried.split(BETWEEN)
        start = 0
        for i, end in enumerate(self.ends):
            line, count = self.first_lines[i], self.comment_counts[i]
            yield Unpacked(
                first + i,
                self.lines[i],
                [column[start:end] for column in columns],
                list(islice(comments, count)) if count else [],
                carried[i] if self.carried else "",
                self.gaps.get(i) or range(line, line + end - start),
            )
            start = end


class Packed:
    """All sentences of a file. `widths` has how many rows have how many cells, `rejected` what was
    rejected, by the sentence's number."""

    def __init__(self, blocks: Iterable[Block], path: str) -> None:
        self.path = path
        self.widths: Counter[int] = Counter()
        self.rejected: dict[int, Rejected] = {}
        self.has_comments = False
        self._chunks: list[Chunk] = []
        self._count = 0
        for gathered in _batches(blocks):
            self._add(gathered)

    def __len__(self) -> int:
        return self._count

    def _add(self, blocks: Sequence[Block]) -> None:
        chunk = Chunk(blocks)
        self._chunks.append(chunk)
        self.widths += chunk.widths
        self.has_comments |= bool(chunk.comments or chunk.carried)
        for i, block in enumerate(blocks, start=self._count):
            if block.error:
                self.reject(i, *block.error)
        self._count += len(blocks)

    def reject(self, index: int, line: int, error: LineError) -> None:
        """Rejects a sentence, unless it is already."""
        self.rejected.setdefault(index, error.at(self.path, line))

    def reject_row(self, block: Unpacked, i: int, reason: str, hint: str = "") -> None:
        """Rejects the sentence of a row."""
        cells = [column[i] for column in block.columns]
        row = "  ".join(cell for cell in cells if cell != MISSING)
        self.reject(block.index, block.row_lines[i], LineError(reason, f"`{row[:40]}`{hint}"))

    def last_cells(self) -> Iterator[Sequence[str]]:
        """The last cell of each row, of some thousand at a time."""
        return (chunk.last_column() for chunk in self._chunks)

    def cells(self, column: int, skipped: Collection[int] = ()) -> Iterator[list[str]]:
        """The cells of a column, of some thousand rows at a time, but for the sentences skipped."""
        first = 0
        for chunk in self._chunks:
            numbers = range(first, first + len(chunk.ends))
            if skipped and any(number in skipped for number in numbers):
                within = _cut(chunk, [column], first, skipped)
                yield list(chain.from_iterable(cells for [cells] in within))
            else:
                yield chunk.column(column)
            first = numbers.stop

    def columns(self, wanted: Sequence[int], skipped: Collection[int] = ()) -> Iterator[Columns]:
        """The wanted columns of each sentence but those skipped."""
        first = 0
        for chunk in self._chunks:
            yield from _cut(chunk, wanted, first, skipped)
            first += len(chunk.ends)

    def blocks(self) -> Iterator[Block]:
        """The sentences as they were gathered, to be changed; each is gone afterwards."""
        for block in self.unpacked(is_last=True):
            again = Block(
                block.line, block.comments, block.rows, list(block.row_lines), block.carried
            )
            if found := self.rejected.get(block.index):
                again.reject(found.line, LineError(found.reason, found.detail))
            yield again

    def unpacked(
        self, skipped: Collection[int] = (), *, is_last: bool = False
    ) -> Iterator[Unpacked]:
        """The sentences but those skipped; after the last time they are gone."""
        first = 0
        for i, chunk in enumerate(self._chunks):
            if is_last:
                self._chunks[i] = Chunk([])
            for block in chunk.unpacked(first):
                if block.index not in skipped:
                    yield block
            first += len(chunk.ends)


def _cut(
    chunk: Chunk, wanted: Sequence[int], first: int, skipped: Collection[int]
) -> Iterator[Columns]:
    columns, start = [chunk.column(c) for c in wanted], 0
    for i, end in enumerate(chunk.ends, start=first):
        if i not in skipped:
            yield [column[start:end] for column in columns]
        start = end


def _batches(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Blocks of about as many columns, until they have enough rows."""
    batch: list[Block] = []
    rows = width = 0
    for block in blocks:
        new = min(WIDEST, max(map(len, block.rows), default=width))
        if batch and (rows + len(batch) >= ROWS or max(new, width) > 2 * max(1, min(new, width))):
            yield batch
            batch, rows = [], 0
        width = new
        batch.append(block)
        rows += len(block.rows)
    if batch:
        yield batch
