"""What CoNLL-U has beside plain columns: tags in MISC, ranges of words, nodes without a word, and
`SpaceAfter=No`. https://universaldependencies.org/format.html
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from job.corpus.formats.bio_tags import are_types, looks_like_tag, split_tag
from job.corpus.formats.columns.blocks import Block
from job.corpus.formats.columns.comments import Carried, read_carried
from job.corpus.formats.text_lines import LineError
from job.errors import DataError

PAIR = re.compile(r"([\w-]+)=(.*)", re.DOTALL)
ID = re.compile(r"(\d+)(?:-(\d+)|\.\d+)?")
NO_SPACE = "SpaceAfter=No"
FORM = 1  # the column of the word
OUTSIDE = "O"
HALF_A_WORD = "a token of several words of which only some are an entity"
MOST = 0.95


def has_tag_in_misc(line: str) -> bool:
    """Whether the last column has a tag as the value of a key, as `NER=B-PS`."""
    pairs = _pairs(line.rstrip().rpartition("\t")[2])
    return any(map(looks_like_tag, pairs.values()))


def _pairs(cell: str) -> dict[str, str]:
    return dict(match.groups() for part in cell.split("|") if (match := PAIR.fullmatch(part)))


def read_conllu(blocks: Sequence[Block], named: str | None, path: str) -> list[str]:
    """Changes the blocks into plain ones, whose last column is the tag, and says how.

    `named` is the key of MISC that the user chose. Raises DataError where two could be.
    """
    rows = [row for block in blocks for row in block.rows]
    spaced = any(NO_SPACE in field for row in rows for field in row)
    key = _choose_key(rows, named, path)
    are_ids = bool(rows) and all(ID.fullmatch(row[0]) for row in rows)
    numbered = are_ids and 2 * sum(row[0].isdecimal() for row in rows) > len(rows)
    if numbered and (spaced or any(not row[0].isdecimal() for row in rows)):
        for block in blocks:
            _join(block, key, spaced)
    if key is None:
        return []
    for row in (row for block in blocks for row in block.rows):
        row[-1] = _pairs(row[-1]).get(key, OUTSIDE)
    return [f"tags by `{key}=` in the last column"]


def _choose_key(rows: Sequence[Sequence[str]], named: str | None, path: str) -> str | None:
    values: dict[str, Counter[str]] = {}
    for row in rows:
        if "=" in row[-1]:
            for key, value in _pairs(row[-1]).items():
                values.setdefault(key, Counter())[value] += 1
    if named and named in values:
        return named
    found = [key for key, counts in values.items() if _are_tags(counts)]
    if len(found) > 1:
        shown = " and ".join(f"`{key}=`" for key in found)
        raise DataError(
            f"{path} has tags by {shown} in its last column, and only one can be learned; say which "
            f"by CORPUS_FIELDS=tags={found[0]}."
        )
    return found[0] if found else None


def _are_tags(counts: Mapping[str, int]) -> bool:
    if are_types(counts) and counts.get(OUTSIDE):
        return True
    tags = sum(count for value, count in counts.items() if looks_like_tag(value))
    return any(map(split_tag, counts)) and tags >= MOST * sum(counts.values())


def _join(block: Block, key: str | None, spaced: bool) -> None:
    """Takes out nodes without a word and ranges; of a range that its words do not spell, takes the
    range in their place. Where the file says so, the text is what the words spell with spaces."""
    kept: list[tuple[list[str], int, str]] = []  # a row, its line, and what follows it
    for rows, lines, of_range in _tokens(block):
        after = "" if NO_SPACE in (of_range or rows[-1])[-1] else " "
        if of_range and "".join(row[FORM] for row in rows) != of_range[FORM]:
            tag = _tag_of_all([_tag(row, key) for row in rows])
            if tag is None:
                block.reject(lines[0], LineError(HALF_A_WORD, f"`{of_range[FORM][:20]}`"))
            value = f"{key}={tag}" if key else tag or OUTSIDE
            kept.append(([rows[0][0], *of_range[1:-1], value], lines[0], after))
        else:
            inner = ["" if of_range or NO_SPACE in row[-1] else " " for row in rows[:-1]]
            kept += zip(rows, lines, [*inner, after], strict=True)
    block.rows = [row for row, _, _ in kept]
    block.row_lines = [line for _, line, _ in kept]
    if spaced and read_carried(block.comments)[0] is None:
        block.carried = Carried("".join(row[FORM] + after for row, _, after in kept).strip())


def _tokens(block: Block) -> Iterator[tuple[list[list[str]], list[int], list[str] | None]]:
    """The rows of each token, their lines, and the row of the range that covers them, if any."""
    rows: list[list[str]] = []
    lines: list[int] = []
    of_range, last = None, 0
    for row, line in zip(block.rows, block.row_lines, strict=True):
        match = ID.fullmatch(row[0])
        assert match
        if match[2]:
            of_range, last = row, int(match[2])
        elif row[0].isdecimal():
            rows.append(row)
            lines.append(line)
            if int(row[0]) >= last:
                yield rows, lines, of_range
                rows, lines, of_range = [], [], None
    if rows:
        yield rows, lines, of_range


def _tag(row: Sequence[str], key: str | None) -> str:
    return _pairs(row[-1]).get(key, OUTSIDE) if key else row[-1]


def _tag_of_all(tags: Sequence[str]) -> str | None:
    """The tag of a token whose words have these; None where only some are of the entity."""
    types = {(split_tag(tag) or ("", tag))[1] for tag in tags}
    begins = [pair for tag in tags[1:] if (pair := split_tag(tag)) and pair[0] in "BSU"]
    return tags[0] if len(types) == 1 and not begins else None
