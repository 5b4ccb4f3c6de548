"""Rows that cannot be read: a tag that is none, a number that is missing or does not go on."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from job.corpus.formats.bio_tags import unreadable_tags
from job.corpus.formats.columns.blocks import UNTAGGED
from job.corpus.formats.columns.roles import RUNNING, WORDS, Columns
from job.corpus.formats.columns.signs import Carriers
from job.corpus.formats.columns.table import Table
from job.errors import DataError

UNNUMBERED = "a row without the number that others have"
JUMPS = "a row whose number does not go on from that before it"
LONGEST = 512  # rows of one sentence in a file that has no blank line
ENDS = re.compile("(?:[가-힣] ?|[a-z] )[.?!。][\"'”’)]? +(?=[A-Z가-힣])")
MANY_ENDS = 2


def refuse_unbroken(table: Table, columns: Columns) -> None:
    """Raises DataError for a file without blank lines that is more than one sentence: it has too
    many rows, or a sentence ends within it several times. One that a comment carries is certain."""
    if len(table.packed) > 1 or table.packed.has_comments:
        return
    for block in table.blocks():
        rows = len(block.row_lines)
        ends = len(ENDS.findall(" ".join(block.columns[columns.text])))
        if rows > LONGEST or ends >= MANY_ENDS:
            raise DataError(
                f"{table.path}:{block.line}: no blank line stands between these {rows:,} rows, and "
                "they are more than one sentence; put a blank line after each sentence, or, if it "
                "is one, put it before its rows as `# text = …`."
            )


def find_faults(table: Table, columns: Columns) -> dict[int, Mapping[str, str]]:
    """Columns with values that cannot be read: why, for each value."""
    return dict(_faults(table, columns))


def _faults(table: Table, columns: Columns) -> Iterator[tuple[int, Mapping[str, str]]]:
    tags = Counter[str]()
    for tag, count in table.values[columns.tags].items():
        tags[tag] += count
    if untagged := unreadable_tags(tags):
        yield columns.tags, dict.fromkeys(untagged, UNTAGGED)
    for c, role in enumerate(columns.roles):
        if role in (RUNNING, WORDS) and c not in (columns.text, columns.tags):
            others = [value for value in table.values[c] if not value.isdecimal()]
            if others:
                yield c, dict.fromkeys(others, UNNUMBERED)


def reject_faults(table: Table, faults: Mapping[int, Mapping[str, str]], tags: int) -> None:
    """Rejects the sentences of rows with such a value; `tags` is the column of the tags."""
    for block in table.blocks() if any(faults.values()) else ():
        for c, reasons in faults.items():
            values = block.columns[c]
            bad = next((i for i, value in enumerate(values) if value in reasons), None)
            if bad is not None:
                value = values[bad]
                hint = f"; `{value[:20]}` is neither O nor BIO nor BIOES" if c == tags else ""
                table.packed.reject_row(block, bad, reasons[value], hint)


def reject_jumps(table: Table, columns: Columns, carried: Carriers) -> None:
    """Rejects numbered rows whose numbers do not go on: a row is missing, or a blank line is.

    Sentences that carry their text are held against that instead.
    """
    numbered = [
        (c, (1,) if role == RUNNING else (0, 1))
        for c, role in enumerate(columns.roles)
        if role in (RUNNING, WORDS) and c not in (columns.text, columns.tags)
    ]
    for block in table.blocks() if numbered else ():
        if carried(block):
            continue
        for c, steps in numbered:
            if all(map(str.isdecimal, block.columns[c])):
                numbers = list(map(int, block.columns[c]))
                before = [min(numbers[0], 1) - 1, *numbers]
                for i, (left, right) in enumerate(zip(before, numbers, strict=False)):
                    if right - left not in steps:
                        table.packed.reject_row(block, i, JUMPS)
                        break
