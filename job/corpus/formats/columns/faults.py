"""Rows that cannot be read: a tag that is none, a number that is missing or does not go on."""

from collections.abc import Iterator, Mapping, Sequence

from job.corpus.formats.bio_tags import unreadable_tags
from job.corpus.formats.columns.blocks import UNTAGGED, Block
from job.corpus.formats.columns.roles import RUNNING, WORDS, Columns
from job.corpus.formats.columns.table import Table

UNNUMBERED = "a row without the number that others have"
JUMPS = "a row whose number does not go on from that before it"


def find_faults(table: Table, columns: Columns) -> dict[int, Mapping[str, str]]:
    """Columns with values that cannot be read: why, for each value."""
    return dict(_faults(table, columns))


def _faults(table: Table, columns: Columns) -> Iterator[tuple[int, Mapping[str, str]]]:
    untagged = unreadable_tags(table.counts[columns.tags])
    if untagged:
        yield columns.tags, dict.fromkeys(untagged, UNTAGGED)
    for c, role in enumerate(columns.roles):
        if role in (RUNNING, WORDS) and c not in (columns.text, columns.tags):
            others = [value for value in table.counts[c] if not value.isdecimal()]
            if others:
                yield c, dict.fromkeys(others, UNNUMBERED)


def reject_faults(
    blocks: Sequence[Block], faults: Mapping[int, Mapping[str, str]], tags: int
) -> None:
    """Rejects the sentences of rows with such a value; `tags` is the column of the tags."""
    for block in blocks if faults else ():
        for c, reasons in faults.items():
            for i, row in enumerate(block.rows):
                if row[c] in reasons:
                    hint = f"; `{row[c][:20]}` is neither O nor BIO nor BIOES" if c == tags else ""
                    block.reject_row(i, reasons[row[c]], hint)


def reject_jumps(blocks: Sequence[Block], columns: Columns) -> None:
    """Rejects numbered rows whose numbers do not go on: a row is missing, or a blank line is.

    Sentences that carry their text are held against that instead.
    """
    for c, role in enumerate(columns.roles):
        if role not in (RUNNING, WORDS) or c in (columns.text, columns.tags):
            continue
        for block in blocks:
            values = [row[c] for row in block.rows]
            if block.carried or not all(map(str.isdecimal, values)):
                continue
            numbers = list(map(int, values))
            before = [min(numbers[0], 1) - 1, *numbers]
            for i, (left, right) in enumerate(zip(before, numbers, strict=False)):
                if right - left not in ((1,) if role == RUNNING else (0, 1)):
                    block.reject_row(i, JUMPS)
                    break
