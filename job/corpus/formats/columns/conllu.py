"""CoNLL-U's own among columns: tags in MISC, ranges of words, nodes without a word, and
`SpaceAfter=No`. https://universaldependencies.org/format.html
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from job.corpus.formats.bio_tags import are_types, looks_like_tag, split_tag
from job.corpus.formats.columns.comments import read_carried
from job.corpus.formats.columns.faults import UNNUMBERED
from job.corpus.formats.columns.packed import Block, Packed
from job.corpus.formats.text_lines import LineError
from job.errors import DataError

PAIR = re.compile(r"([\w-]+)=(.*)", re.DOTALL)
ID = re.compile(r"(\d+)(?:-(\d+)|\.\d+)?")
NO_SPACE = "SpaceAfter=No"
FORM = 1  # the column of the word
SPACED = f"the words and `{NO_SPACE}`"  # where a text is from
OUTSIDE = "O"
HALF_A_WORD = "a token of several words of which only some are an entity"
MOST = 0.95
FEW = 1024  # values of a key; of types there are no more


def has_tag_in_misc(line: str) -> bool:
    """Whether the last column has a tag as the value of a key, as `NER=B-PS`."""
    pairs = _pairs(line.rstrip().rpartition("\t")[2])
    return any(map(looks_like_tag, pairs.values()))


def _pairs(cell: str) -> dict[str, str]:
    return {m[1]: m[2] for part in cell.split("|") if (m := PAIR.fullmatch(part))}


def read_conllu(packed: Packed, named: str | None) -> tuple[Packed, list[str]]:
    """The sentences as plain ones, whose last column is the tag, and what was found.

    `named` is the key of MISC that the user chose. Raises DataError where two could be.
    """
    values: dict[str, Tally] = {}
    spaced = False
    for cells in packed.last_cells():
        for cell in (cell for cell in cells if "=" in cell):
            spaced |= NO_SPACE in cell
            for name, value in _pairs(cell).items():
                values.setdefault(name, Tally()).add(value)
    key = _choose_key(values, named, packed.path)
    joins = _are_numbered(packed, spaced)
    if joins or key:
        how = (key, spaced) if joins else None
        packed = Packed((_plain(each, key, how) for each in packed.blocks()), packed.path)
    return packed, [f"tags by `{key}=` in the last column"] if key else []


def _are_numbered(packed: Packed, spaced: bool) -> bool:
    """Whether the words are numbered, with ranges, nodes without a word, or `SpaceAfter=No`."""
    rows = words = 0
    for cells in packed.cells(0):
        if not all(map(ID.fullmatch, cells)):
            return False
        rows += len(cells)
        words += sum(map(str.isdecimal, cells))
    return 2 * words > rows and (spaced or words < rows)


class Tally:
    """How often each value of a key is met; values of so many are no tags."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.tags = self.total = 0

    def add(self, value: str) -> None:
        self.total += 1
        self.tags += looks_like_tag(value)
        if value in self.counts or len(self.counts) < FEW:
            self.counts[value] += 1

    @property
    def are_tags(self) -> bool:
        if len(self.counts) < FEW and are_types(self.counts) and self.counts[OUTSIDE]:
            return True
        return any(map(split_tag, self.counts)) and self.tags >= MOST * self.total


def _choose_key(values: Mapping[str, Tally], named: str | None, path: str) -> str | None:
    if named and named in values:
        return named
    found = [key for key, tally in values.items() if tally.are_tags]
    if len(found) > 1:
        shown = " and ".join(f"`{key}=`" for key in found)
        raise DataError(
            f"{path} has tags by {shown} in its last column, and only one can be learned; say "
            f"which by CORPUS_FIELDS=tags={found[0]}."
        )
    return found[0] if found else None


def _plain(block: Block, key: str | None, joins: tuple[str | None, bool] | None) -> Block:
    """A sentence whose words spell it, with the tag in the last column."""
    if joins and not block.error:
        _join(block, *joins)
    if key:
        for row in block.rows:
            row[-1] = _pairs(row[-1]).get(key, OUTSIDE)
    return block


def _join(block: Block, key: str | None, spaced: bool) -> None:
    """Takes out nodes without a word and ranges; of a range that its words do not spell, takes the
    range in their place. Where the file says so, the text is what the words spell with spaces."""
    kept: list[tuple[list[str], int, str]] = []  # a row, its line, and what follows it
    try:
        for token in _tokens(block):
            kept += _rows_of(token, key)
    except LineError as error:
        block.reject(block.line, error)
        return
    block.rows = [row for row, _, _ in kept]
    block.row_lines = [line for _, line, _ in kept]
    if not kept:
        block.reject(block.line, LineError("empty sentence"))
    if spaced and read_carried(block.comments)[0] is None:
        block.carried = "".join(row[FORM] + after for row, _, after in kept).strip()


class Token(NamedTuple):
    """The rows of a token's words, their lines, and the row of the range that covers them."""

    rows: list[list[str]]
    lines: list[int]
    of_range: list[str] | None


def _tokens(block: Block) -> Iterator[Token]:
    """Raises LineError for a range that its words do not follow."""
    token, awaited = Token([], [], None), range(0)
    for row, line in zip(block.rows, block.row_lines, strict=True):
        match = ID.fullmatch(row[0])
        assert match
        if match[2]:
            if awaited:
                break
            token, awaited = Token([], [], row), range(int(match[1]), int(match[2]) + 1)
        elif row[0].isdecimal():
            if awaited and int(row[0]) != awaited[0]:
                break
            awaited = awaited[1:]
            token.rows.append(row)
            token.lines.append(line)
            if not awaited:
                yield token
                token = Token([], [], None)
    if awaited:
        raise LineError(UNNUMBERED, f"`{'  '.join(token.of_range or ())[:40]}`")


def _rows_of(token: Token, key: str | None) -> Iterator[tuple[list[str], int, str]]:
    """The rows that spell a token, each with its line and what follows it. Raises LineError."""
    rows, lines, of_range = token
    after = "" if NO_SPACE in (of_range or rows[-1])[-1] else " "
    if of_range is None or "".join(row[FORM] for row in rows) == of_range[FORM]:
        yield from zip(rows, lines, [*[""] * (len(rows) - 1), after], strict=True)
        return
    tag = _tag_of_all([_tag(row, key) for row in rows])
    if tag is None:
        raise LineError(HALF_A_WORD, f"`{of_range[FORM][:20]}`")
    yield [rows[0][0], *of_range[1:-1], f"{key}={tag}" if key else tag], lines[0], after


def _tag(row: Sequence[str], key: str | None) -> str:
    return _pairs(row[-1]).get(key, OUTSIDE) if key else row[-1]


def _tag_of_all(tags: Sequence[str]) -> str | None:
    """The tag of a token whose words have these; None where only some are of the entity."""
    types = {(split_tag(tag) or ("", tag))[1] for tag in tags}
    begins = [pair for tag in tags[1:] if (pair := split_tag(tag)) and pair[0] in "BSU"]
    return tags[0] if len(types) == 1 and not begins else None
