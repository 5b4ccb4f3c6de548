"""A sentence a row, with all its tags in another cell: one a word, a character, or a list's item.

What a tag is for is decided over a split: what gives most rows as many units as they have tags.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from job.corpus.formats.bio_tags import (
    JOINED_AS,
    TYPES_ALONE,
    Tag,
    are_types,
    choose_joiner,
    place_tags,
    read_tags,
    read_units,
)
from job.corpus.formats.format import Contents, Options
from job.corpus.formats.tables.header import TAGS, TEXT
from job.corpus.formats.tables.layout import is_list, items_of
from job.corpus.formats.tables.part import Part
from job.corpus.formats.text_lines import LineError, Rejected
from job.errors import DataError
from job.sentence import Sentence, Span

WORD = re.compile(r"\S+")
SEEN = re.compile(r"\S")
CHARACTER = re.compile(r".", re.DOTALL)
CUTS = {"word": WORD, "character": CHARACTER, "character but blanks": SEEN}
MOST = 0.5


class Row(NamedTuple):
    """A row's text and tags, and its place."""

    path: str
    line: int
    text: str
    tags: list[str]


def read_sentences(parts: Sequence[Part], options: Options) -> Contents:
    """Raises DataError where it cannot be told what a tag is for."""
    rows: list[Row] = []
    rejected: list[Rejected] = []
    for part in parts:
        text, tags = part.layout.columns[TEXT], part.layout.columns[TAGS]
        for line, cells in part.rows(rejected):
            rows.append(Row(part.path, line, cells[text], items_of(cells[tags])))
    contents = Contents(f"{parts[0].how}, ", [], rejected)
    names = _names(rows, options, parts[0].path)
    counts = Counter(names.get(tag, tag) for row in rows for tag in row.tags)
    meaning = read_tags(counts)
    lists = 2 * sum(is_list(row.text) for row in rows) > len(rows)
    how, place = _of_lists(rows, contents) if lists else _of_texts(rows, contents, parts[0].path)
    contents.how += f"{how}, {TYPES_ALONE}" if are_types(counts) else how
    for row in rows:
        try:
            found = place(row, [meaning[names.get(tag, tag)] for tag in row.tags])
            contents.sentences.append(Sentence(*found, row.line, row.path))
        except LineError as error:
            contents.rejected.append(error.at(row.path, row.line))
    return contents


Place = Callable[[Row, Sequence[Tag | LineError]], tuple[str, tuple[Span, ...]]]


def _names(rows: Sequence[Row], options: Options, path: str) -> dict[str, str]:
    """The names of tags that are numbers. Raises DataError where nothing names them."""
    distinct = {tag for row in rows for tag in row.tags}
    if not distinct or not all(map(str.isdecimal, distinct)):
        return {}
    names = options.find_tag_names()
    if names is None or max(map(int, distinct)) >= len(names):
        raise DataError(
            f"{path} has integers for tags and nothing that names them; put their names in order, "
            "one a line, into label_names.txt beside it."
        )
    return {tag: names[int(tag)] for tag in distinct}


def _of_lists(rows: Sequence[Row], contents: Contents) -> tuple[str, Place]:
    """Rows whose text is a list of units."""
    units = [items_of(row.text) for row in rows]
    joiner = choose_joiner([each for each in units if each])

    def place(row: Row, tags: Sequence[Tag | LineError]) -> tuple[str, tuple[Span, ...]]:
        found = items_of(row.text)
        _refuse_number(len(found), len(tags), "unit")
        return read_units(found, tags, None, joiner, contents.noted)

    return f"a tag for each item of the text's list, {JOINED_AS[joiner]}", place


def _of_texts(rows: Sequence[Row], contents: Contents, path: str) -> tuple[str, Place]:
    fits = {
        unit: sum(len(cut.findall(row.text)) == len(row.tags) for row in rows)
        for unit, cut in CUTS.items()
    }
    best = max(fits, key=lambda unit: fits[unit])
    others = [unit for unit in fits if unit != best and fits[unit] == fits[best]]
    alike = all(_cut_alike(row, CUTS[best], CUTS[unit]) for unit in others for row in rows)
    if 2 * fits[best] < len(rows) or not alike:
        numbers = ", ".join(f"{count} by {unit}" for unit, count in fits.items())
        raise DataError(
            f"{path}: it cannot be told what each tag is for (of {len(rows)} rows their number "
            f"fits {numbers}); give each row a tag for each word of its text."
        )

    def place(row: Row, tags: Sequence[Tag | LineError]) -> tuple[str, tuple[Span, ...]]:
        if not row.text.strip():
            raise LineError("empty sentence")
        units = [match.span() for match in CUTS[best].finditer(row.text)]
        _refuse_number(len(units), len(tags), best)
        starts, ends = zip(*units, strict=True)
        return row.text, place_tags(tags, starts, ends, contents.noted)

    return f"a tag for each {best}", place


def _cut_alike(row: Row, left: re.Pattern[str], right: re.Pattern[str]) -> bool:
    """Whether both give the row the same units, or neither fits it."""
    cuts = [[match.span() for match in cut.finditer(row.text)] for cut in (left, right)]
    return cuts[0] == cuts[1] or all(len(cut) != len(row.tags) for cut in cuts)


def _refuse_number(units: int, tags: int, unit: str) -> None:
    if units != tags:
        raise LineError(f"not a tag for each {unit}", f"{units} and {tags}")
