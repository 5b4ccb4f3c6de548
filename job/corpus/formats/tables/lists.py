"""The values that lie in one cell: tags, the units of a text, or an offset."""

import ast
import json
import re

from job.corpus.formats.bio_tags import looks_like_tag

WHOLE = re.compile(r"([0-9]+)(\.0+)?")  # pandas writes 3.0 where another cell is empty
BETWEEN = re.compile(r"\s*,\s*|\s+")


def items_of(cell: str) -> list[str]:
    """The values that lie in one cell: a JSON or Python list, or between blanks or commas."""
    cell = cell.strip()
    if cell[:1] in ("[", "(") and cell[-1:] in ("]", ")"):
        for reads in (json.loads, ast.literal_eval):
            try:
                items = reads(cell)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(items, list | tuple):
                return [str(item) for item in items]
        quoted = re.findall(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", cell)
        if quoted:  # numpy's: no commas between them
            return [single or double for single, double in quoted]
        cell = cell[1:-1].strip()
    return BETWEEN.split(cell) if cell else []


def is_list(cell: str) -> bool:
    return cell.lstrip()[:1] == "[" and cell.rstrip()[-1:] == "]"


def lengths(cell: str) -> tuple[int, ...]:
    """How many words, characters and characters but blanks a text has, or items of a list."""
    if is_list(cell) and len(items := items_of(cell)) > 1:
        return (len(items),)
    words = cell.split()
    return len(words), len(cell), sum(map(len, words))


def looks_said(cell: str) -> bool:
    """Whether a cell has a letter and is no list of tags."""
    return any(map(str.isalpha, cell)) and not all(map(looks_like_tag, items_of(cell)))


def is_offset(cell: str) -> bool:
    return bool(WHOLE.fullmatch(cell.strip()))


def offset(cell: str) -> int:
    return int(cell.partition(".")[0])
