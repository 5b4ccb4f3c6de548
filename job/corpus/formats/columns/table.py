"""The rows of all sentences that can be read, column by column, and the values of each column."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import islice

from job.corpus.formats.columns.packed import Columns, Packed, Unpacked
from job.errors import DataError

FEW = 16_384  # different values of a column that are kept in memory

Accepts = Callable[[str], object]


class Values:
    """The values of a column. Where they are few it is known how often each is met; else they come
    from the rows each time that they are asked for, one value perhaps several times."""

    def __init__(self, packed: Packed, column: int, skipped: Collection[int]) -> None:
        self._packed, self._column, self._skipped = packed, column, skipped
        self._known = self._counted()

    def _counted(self) -> Counter[str] | None:
        counts = Counter[str]()
        for cells in self._packed.cells(self._column, self._skipped):
            counts.update(cells)
            if len(counts) > FEW:
                return None
        return counts

    @property
    def few(self) -> Mapping[str, int]:
        """How often each is met; nothing where they are many."""
        return self._known or {}

    def __iter__(self) -> Iterator[str]:
        return (value for value, _ in self.items())

    def __getitem__(self, value: str) -> int:
        return self.count(value.__eq__) if self._known is None else self._known[value]

    def items(self) -> Iterator[tuple[str, int]]:
        """Values and how often each is met; the numbers of one value that comes again add up."""
        if self._known is not None:
            yield from self._known.items()
            return
        for cells in self._packed.cells(self._column, self._skipped):
            yield from Counter(cells).items()

    def count(self, accepts: Accepts) -> int:
        """The number of rows whose value is accepted."""
        return sum(count for value, count in self.items() if accepts(value))

    def differ(self) -> bool:
        """Whether there are two."""
        return self._known is None or len(self._known) > 1

    def examples(self, accepts: Accepts, at_most: int) -> list[str]:
        """Some that are accepted, each once."""
        found = (value for value in self if accepts(value))
        examples: dict[str, None] = {}
        for value in found:
            examples.setdefault(value)
            if len(examples) == at_most:
                break
        return list(examples)


class Table:
    """All rows of a file but those of sentences that were rejected before, each with `width`
    columns or more."""

    def __init__(self, packed: Packed, width: int) -> None:
        self.packed = packed
        self.width = width
        self.path = packed.path
        self.skipped = frozenset(packed.rejected)
        self.rows_are = "columns of a row"  # in messages
        self.values = [Values(packed, c, self.skipped) for c in range(width)]
        lengths = [len(units) for units in self.column(0)]
        self.total = sum(lengths)
        self.sentences = len(lengths)
        self.several = sum(length > 1 for length in lengths)  # sentences of several rows

    def column(self, number: int) -> Iterator[list[str]]:
        """Its cells, sentence by sentence."""
        return (cells for [cells] in self.columns(number))

    def columns(self, *wanted: int) -> Iterator[Columns]:
        """The cells of some columns, sentence by sentence."""
        return self.packed.columns(wanted, self.skipped)

    def blocks(self) -> Iterator[Unpacked]:
        """The sentences, with their comments."""
        return self.packed.unpacked(self.skipped)

    def of_several(self, column: int) -> Iterator[list[str]]:
        """Its cells in each sentence of several rows."""
        return (cells for cells in self.column(column) if len(cells) > 1)

    def are_equal(self, left: int, right: int) -> bool:
        """Whether two columns say the same."""
        if left == right:
            return True
        return all(a == b for a, b in self.columns(left, right))

    def share(self, column: int, accepts: Accepts) -> float:
        """Of the rows, those whose value is accepted."""
        return self.values[column].count(accepts) / max(1, self.total)

    def refuse(self, why: str, remedy: str) -> DataError:
        """Names every column by an example."""
        least = 2 if self.several else 1
        lines = (c for c in self.columns(*range(self.width)) if c and len(c[0]) >= least)
        middle = (self.several or self.sentences) // 2
        example = next(islice(lines, middle, None), [])
        shown = ", ".join(f"{c} `{cells[0][:20]}`" for c, cells in enumerate(example, start=1))
        return DataError(f"{self.path}: {why} ({self.rows_are}: {shown}); {remedy}.")
