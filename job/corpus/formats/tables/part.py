"""A file's share of a table: its records and their layout."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from job.corpus.formats.tables.cells import Records
from job.corpus.formats.text_lines import LineError, Rejected

# What a row is.
UNITS, SENTENCES, SPANS, LISTS = "a unit", "a sentence", "a span", "a text and a list of spans"
RAGGED = "a row with more or fewer cells than the others"


@dataclass(frozen=True)
class Layout:
    """What a row is, and the column of each role, from 0. `header` has their names, if any."""

    kind: str
    header: tuple[str, ...] | None
    columns: Mapping[str, int]
    width: int

    def __str__(self) -> str:
        shown = ", ".join(f"the {role} in {self.name(c)}" for role, c in self.columns.items())
        return f"{self.kind} a row, {shown}"

    def name(self, column: int) -> str:
        """The column as a user knows it."""
        return f"`{self.header[column]}`" if self.header else f"column {column + 1}"


@dataclass(frozen=True)
class Part:
    """The records of one file."""

    path: str
    records: Records
    layout: Layout

    @property
    def how(self) -> str:
        return f"{self.records.how}, {self.layout}"

    def body(self) -> Iterator[tuple[int, list[str] | LineError]]:
        """The records below the header: blank ones empty, and errors for what cannot be read."""
        header = self.layout.header
        for line, cells in self.records.rows:
            if header is not None and not isinstance(cells, LineError) and tuple(cells) == header:
                header = None
            elif isinstance(cells, LineError):
                yield line, cells
            elif not any(map(str.strip, cells)):
                yield line, []
            elif len(cells) != self.layout.width:
                said = f"{len(cells)} where most have {self.layout.width}"
                yield line, LineError(RAGGED, said)
            else:
                yield line, cells

    def rows(self, rejected: list[Rejected]) -> Iterator[tuple[int, list[str]]]:
        """The rows that stand each for itself; what cannot be read is added to `rejected`."""
        for line, cells in self.body():
            if isinstance(cells, LineError):
                rejected.append(cells.at(self.path, line))
            elif cells:
                yield line, cells
