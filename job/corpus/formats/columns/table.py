"""All rows of a file of columns, and how often each column has each value."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from job.errors import DataError

HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f가-힣\ud7b0-\ud7ff]")
Row = Sequence[str]


class Table:
    """All rows of a file, sentence by sentence, each with `width` columns or more."""

    def __init__(self, sentences: Sequence[Sequence[Row]], width: int, path: str) -> None:
        self.sentences = sentences
        self.width = width
        self.path = path
        self.rows_are = "columns of a row"  # in messages
        self.total = sum(map(len, sentences))
        self.counts = [Counter(row[c] for rows in sentences for row in rows) for c in range(width)]

    @cached_property
    def several(self) -> Sequence[Sequence[Row]]:
        """The sentences of several rows."""
        return [rows for rows in self.sentences if len(rows) > 1]

    def share(self, column: int, accepted: Sequence[str] | set[str]) -> float:
        """Of the rows, those with one of the accepted values."""
        return sum(self.counts[column][value] for value in accepted) / max(1, self.total)

    def share_of_hangul(self, column: int) -> float:
        return self.share(column, {v for v in self.counts[column] if HANGUL.search(v)})

    def refuse(self, why: str, remedy: str) -> DataError:
        """Names every column by an example."""
        rows = self.several or self.sentences
        example = rows[len(rows) // 2][0] if rows else ()
        shown = ", ".join(f"{c + 1} `{value[:20]}`" for c, value in enumerate(example))
        return DataError(f"{self.path}: {why} ({self.rows_are}: {shown}); {remedy}.")
