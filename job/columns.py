"""Columns, as in CoNLL, KLUE and the NAVER corpus: one unit a line, its tag in the last column.

A blank line ends a sentence. The columns are separated by tabs (then a space can be a unit, as in
KLUE) or by spaces. A running number before the unit is skipped. A comment line before the units may
carry the sentence: `## klue-ner-v1_dev_00000-wikitree<TAB>sentence` or `# text = sentence`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from job.lines import LineError, Rejected
from job.sentences import Sentence
from job.units import JOINED_AS, choose_joiner, looks_like_tag, read_tags, read_units

SPACES = re.compile("[ \t]+")
KEY_AND_VALUE = re.compile(r"#+ ?[\w.-]+ += ?")
CARRIED = re.compile(r"# ?text += ?(.*)|##[^\t]*\t(.*)", re.DOTALL)
DOCUMENT_START = "-DOCSTART-"


@dataclass(slots=True)
class Block:
    """The lines of one sentence."""

    line: int
    carried: str | None = None
    rows: list[list[str]] = field(default_factory=list)
    error: tuple[int, LineError] | None = None


def looks_like_columns(line: str) -> bool:
    fields = _fields(line, tabs="\t" in line)
    return len(fields) > 1 and looks_like_tag(fields[-1]) and bool(fields[0])


def parse_columns(
    lines: Sequence[str | LineError],
) -> tuple[str, list[Sentence], list[Rejected], Counter]:
    """How it was read, the sentences, what was rejected, and how often what is worth a note."""
    rows = [line for line in lines if isinstance(line, str) and line.strip()]
    tabs = 2 * sum("\t" in line for line in rows) > len(rows)
    blocks = list(_blocks(lines, tabs))
    numbered = _is_numbered(blocks)
    tags = read_tags({row[-1] for block in blocks for row in block.rows})
    joiner = choose_joiner(row[numbered] for block in blocks for row in block.rows)
    sentences, rejected, noted = [], [], Counter()
    for block in blocks:
        try:
            if block.error:
                raise block.error[1]
            units = [row[numbered] for row in block.rows]
            row_tags = [tags[row[-1]] for row in block.rows]
            sentence = read_units(units, row_tags, block.carried, joiner, block.line, noted)
            sentences.append(sentence)
        except LineError as error:
            line = block.error[0] if block.error else block.line
            rejected.append(Rejected(error.reason, line, error.detail))
    carried = sum(block.carried is not None for block in blocks)
    how = [f"columns separated by {'tabs' if tabs else 'spaces'}"]
    if numbered:
        how.append("the first a running number")
    if carried:
        how.append("text from the comment lines")
    if carried < len(blocks):
        how.append(JOINED_AS[joiner])
    return ", ".join(how), sentences, rejected, noted


def _fields(line: str, tabs: bool) -> list[str]:
    if tabs:
        return line.split("\t")
    fields = SPACES.split(line.rstrip(" \t"))
    # A space can be a unit here too: `  O`.
    return [" ", *fields[1:]] if not fields[0] else fields


def _blocks(lines: Sequence[str | LineError], tabs: bool) -> Iterator[Block]:
    block = None
    for number, line in enumerate(lines, start=1):
        if isinstance(line, str) and not line.strip():
            if block and (block.rows or block.error):
                yield block
                block = None
            continue
        comment = isinstance(line, str) and _comment(line, tabs, block is not None and block.rows)
        if comment and block and (block.rows or block.error):
            yield block
            block = None
        block = block or Block(number)
        if isinstance(line, LineError):
            block.error = block.error or (number, line)
        elif comment:
            carried = CARRIED.fullmatch(line)
            if carried:
                block.carried = carried[1] or carried[2] or ""
        else:
            _add_row(block, line, number, tabs)
    if block and (block.rows or block.error):
        yield block


def _add_row(block: Block, line: str, number: int, tabs: bool) -> None:
    fields = _fields(line, tabs)
    if fields[0] == DOCUMENT_START:
        return
    if len(fields) < 2 or not looks_like_tag(fields[-1]):
        error = LineError("a unit without a tag", f"`{line[:40]}`")
        block.error = block.error or (number, error)
        return
    if not block.rows:
        block.line = number if block.carried is None else block.line
    block.rows.append(fields)


def _comment(line: str, tabs: bool, within: bool) -> bool:
    """`#<TAB>O` is a unit; within a sentence only what carries the next sentence is a comment."""
    if not line.startswith("#"):
        return False
    if within:
        return line.startswith("## ") and bool(CARRIED.fullmatch(line))
    return bool(KEY_AND_VALUE.match(line)) or not looks_like_tag(_fields(line, tabs)[-1])


def _is_numbered(blocks: Sequence[Block]) -> bool:
    """True where there are three columns and the first counts the units of each sentence."""
    whole = [block.rows for block in blocks if block.rows and not block.error]
    counted = sum(
        all(len(row) > 2 and row[0] == str(i) for i, row in enumerate(rows, start=int(rows[0][0])))
        for rows in whole
        if rows[0][0] in ("0", "1")
    )
    return 2 * counted > len(whole)
