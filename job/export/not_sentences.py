"""Lines that are plainly no sentences: JSON, pages of HTML, rows of a corpus with its tags."""

import json
import re
from collections.abc import Sequence

from job.corpus import looks_like_html, looks_like_tag, roles_of
from job.errors import DataError
from job.program import program

# A document over several lines, or a row that was cut off: `[`, `{`, `[{`, `{"text": `.
BEGINS_LIKE_JSON = re.compile(r'[\[{]\s*(\Z|[\[{"]\s*\Z|"[^"]*"\s*:|\{\s*")')

SEPARATORS = "\t,;"
NUMBERS = frozenset({"", "id", "idx", "index", "no"})  # of columns that only count rows
CELL = '"(?:[^"]|"")*"'
NUMBERED_ROW = re.compile(rf'"\d+"([{SEPARATORS}]){CELL}(?:\1{CELL})*')


def json_value(line: str) -> object:
    """The value of a line of JSON; None where it is none."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def refuse_other_lines(line: str, where: str) -> None:
    """Raises DataError where what a line is leaves no doubt; a sentence may hold commas, tabs and
    brackets."""
    _refuse_json(line, where)
    if looks_like_html(line):
        raise DataError(f"{where} begins a page of HTML; give a text file, a sentence a line.")
    if _is_row(line):
        raise DataError(
            f"{where} is a row of a corpus, a unit and its tag; give a text file, a sentence a "
            'line, or JSON Lines, one {"text": …} a line; or score the model on the corpus by '
            f"`{program()} evaluate`."
        )


def _refuse_json(line: str, where: str) -> None:
    """JSON is never tagged as if it were a sentence; one that merely begins with a bracket is."""
    start = line.lstrip()
    if not start.startswith(("{", "[")):
        return
    value = json_value(line)
    holds_more = isinstance(value, list) and any(isinstance(v, dict | list) for v in value)
    if isinstance(value, dict) or holds_more or BEGINS_LIKE_JSON.match(start):
        raise DataError(
            f'{where} is JSON and no sentence; give JSON Lines, one {{"text": …}} a line, in a '
            "file whose name ends in .jsonl."
        )


def refuse_table(line: str, where: str) -> None:
    """Raises DataError where the first line of a file is plainly the first of a table: its names
    of columns (`id,text,label`) or a row whose every cell is quoted (`"1","서울에 갔다."`)."""
    is_row = NUMBERED_ROW.fullmatch(line) and " " in line
    if is_row or any(_names_columns(line.split(each)) for each in SEPARATORS):
        raise DataError(
            f"{where} begins a table and not a list of sentences; give its column of sentences "
            'alone, a sentence a line, or JSON Lines, one {"text": …} a line.'
        )


def _names_columns(cells: Sequence[str]) -> bool:
    """Whether every cell is the English name of a column, and one that of the texts or words."""
    names = [cell.strip('"').casefold() for cell in cells]
    roles = [roles_of(name) for name in names if name not in NUMBERS]
    is_whole = (
        len(cells) > 1
        and all(roles)
        and not any(" " in name or not name.isascii() for name in names)
    )
    return is_whole and any({"text", "unit"} & set(each) for each in roles)


def _is_row(line: str) -> bool:
    """Whether a tab or a comma stands before a tag at the end: `서울<TAB>B-LOC`, `서울,B-LOC`."""
    before, tab, last = line.rpartition("\t")
    if tab:
        return bool(before.strip()) and looks_like_tag(last)
    before, comma, last = line.rpartition(",")
    return bool(comma and before.strip()) and len(last) > 1 and looks_like_tag(last)
