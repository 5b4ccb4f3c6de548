"""A sentence a row, with all its tags in another cell: one a word, a character, or a list's item.

What a tag is for is decided over a split: what gives most rows as many units as they have tags.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
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
from job.corpus.formats.tables.lists import is_list, items_of
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


class Rows:
    """The rows of all files, cut anew each time that they are gone through. `count` is how many
    there are, `counts` has their tags, `fits` how many have a tag for each unit, by its name."""

    def __init__(self, parts: Sequence[Part], rejected: list[Rejected]) -> None:
        self.parts = parts
        self.count = self.lists = 0
        self.counts: Counter[str] = Counter()
        self.fits = dict.fromkeys(CUTS, 0)
        for row in self._cut(rejected):
            self.count += 1
            self.lists += is_list(row.text)
            self.counts.update(row.tags)
            for unit, count in zip(CUTS, _count_units(row.text), strict=True):
                self.fits[unit] += count == len(row.tags)

    def __iter__(self) -> Iterator[Row]:
        return self._cut([])

    def _cut(self, rejected: list[Rejected]) -> Iterator[Row]:
        for part in self.parts:
            text, tags = part.layout.columns[TEXT], part.layout.columns[TAGS]
            for line, cells in part.rows(rejected):
                yield Row(part.path, line, cells[text], items_of(cells[tags]))


def read_sentences(parts: Sequence[Part], options: Options) -> Contents:
    """Raises DataError where it cannot be told what a tag is for."""
    contents = Contents(f"{parts[0].how}, ", [], [])
    rows = Rows(parts, contents.rejected)
    names = _names(rows.counts, options, parts[0].path)
    counts = Counter[str]()
    for tag, count in rows.counts.items():
        counts[names.get(tag, tag)] += count
    meaning = read_tags(counts)
    lists = 2 * rows.lists > rows.count
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


def _names(distinct: Collection[str], options: Options, path: str) -> dict[str, str]:
    """The names of tags that are numbers. Raises DataError where nothing names them."""
    if not distinct or not all(map(str.isdecimal, distinct)):
        return {}
    names = options.find_tag_names()
    if names is None or max(map(int, distinct)) >= len(names):
        raise DataError(
            f"{path} has integers for tags and nothing that names them; put their names in order, "
            "one a line, into label_names.txt beside it."
        )
    return {tag: names[int(tag)] for tag in distinct}


def _of_lists(rows: Rows, contents: Contents) -> tuple[str, Place]:
    """Rows whose text is a list of units."""
    joiner = choose_joiner(units for row in rows if (units := items_of(row.text)))

    def place(row: Row, tags: Sequence[Tag | LineError]) -> tuple[str, tuple[Span, ...]]:
        found = items_of(row.text)
        _refuse_number(len(found), len(tags), "unit")
        return read_units(found, tags, None, joiner, contents.noted)

    return f"a tag for each item of the text's list, {JOINED_AS[joiner]}", place


def _of_texts(rows: Rows, contents: Contents, path: str) -> tuple[str, Place]:
    fits = rows.fits
    best = max(fits, key=lambda unit: fits[unit])
    others = [unit for unit in fits if unit != best and fits[unit] == fits[best]]
    alike = all(_cut_alike(row, CUTS[best], CUTS[unit]) for unit in others for row in rows)
    if 2 * fits[best] < rows.count or not alike:
        numbers = ", ".join(f"{count} by {unit}" for unit, count in fits.items())
        raise DataError(
            f"{path}: it cannot be told what each tag is for (of {rows.count} rows their number "
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


def _count_units(text: str) -> tuple[int, int, int]:
    """The number of units that each of CUTS gives, without cutting them."""
    words = text.split()
    return len(words), len(text), sum(map(len, words))


def _cut_alike(row: Row, left: re.Pattern[str], right: re.Pattern[str]) -> bool:
    """Whether both give the row the same units, or neither fits it."""
    cuts = [[match.span() for match in cut.finditer(row.text)] for cut in (left, right)]
    return cuts[0] == cuts[1] or all(len(cut) != len(row.tags) for cut in cuts)


def _refuse_number(units: int, tags: int, unit: str) -> None:
    if units != tags:
        raise LineError(f"not a tag for each {unit}", f"{units} and {tags}")
