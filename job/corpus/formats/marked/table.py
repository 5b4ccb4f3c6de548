"""A table whose rows hold a sentence plain and marked, as the two sides of the tutorial's line.

The marks taken out must leave the sentence, character for character: that proves which columns the
two are. Tabs separate the cells, or they are CSV; other columns are left alone.
"""

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from job.corpus.formats.format import LOOKED_AT, Contents, CorpusFile, Format, Options, Score
from job.corpus.formats.format import joined as join_contents
from job.corpus.formats.marked.text import WAYS, Way
from job.corpus.formats.markup import DIFFERS, read_markup
from job.corpus.formats.tables.cells import SEPARATORS, csv_records
from job.corpus.formats.tables.header import roles_of
from job.corpus.formats.tables.part import Layout, Part
from job.corpus.formats.text_lines import LineError, Note
from job.errors import DataError
from job.sentence import Sentence, Span

ROW = "a sentence, plain and marked,"
PLAIN, MARKED = "text", "marked text"
MOST_COLUMNS = 20


Row = Any  # of a table its cells, of JSON its strings by their keys
Key = TypeVar("Key")


class Pair(NamedTuple, Generic[Key]):
    """The plain part of each row and the marked one, the number of rows that prove them, and other
    marked parts that as many prove."""

    plain: Key
    marked: Key
    proven: int
    others: tuple[Key, ...]


class Found(NamedTuple):
    """The columns of a file, how its cells are cut and its sentences marked, and the number of its
    first rows that prove it."""

    proven: int
    total: int
    separator: str
    way: Way
    layout: Layout
    others: tuple[int, ...]  # columns of marked text that are proven as well


def _find(file: CorpusFile) -> Found | None:
    """The reading that the most rows prove; None where none has a mark."""
    ways = [way for way in WAYS if any(map(way.mark.search, file.sample))]
    if not ways:
        return None
    found = (_find_by(separator, way, file) for separator in SEPARATORS for way in ways)
    return max(filter(None, found), key=lambda each: each.proven, default=None)


def _find_by(separator: str, way: Way, file: CorpusFile) -> Found | None:
    records = csv_records(file, separator, LOOKED_AT, refuses=False)
    width, whole = records.width, list(records.whole)
    rows = [cells for cells in whole if len(cells) == width]
    if not 1 < width <= MOST_COLUMNS:
        return None
    pair = find_pair(rows, range(width), way)
    if not pair:
        return None
    plain, marked, count, others = pair
    header = tuple(rows[0]) if _is_header(rows[0], (plain, marked), way) else None
    layout = Layout(ROW, header, {PLAIN: plain, MARKED: marked}, width)
    total = len(whole) - (header is not None)
    return Found(count, total, separator, way, layout, others)


def find_pair(rows: Sequence[Row], keys: Iterable[Key], way: Way) -> Pair[Key] | None:
    """The two parts of a row that the most rows prove; None where none has a mark."""
    keys = list(keys)
    marked = [key for key in keys if any(way.mark.search(row[key]) for row in rows)]
    pairs = itertools.product(keys, marked)
    proven = {pair: _proven(rows, *pair, way) for pair in pairs if pair[0] != pair[1]}
    count = max(proven.values(), default=0)
    if not count:
        return None
    (plain, first), *more = [pair for pair, each in proven.items() if each == count]
    others = tuple(dict.fromkeys(other for _, other in more if other != first))
    return Pair(plain, first, count, others)


def _proven(rows: Sequence[Row], plain: Key, marked: Key, way: Way) -> int:
    """The number of rows whose marked cell is the plain one with marks; 0 where none has any."""
    spans = [_spans(row[plain], row[marked], way) for row in rows if row[plain].strip()]
    return sum(each is not None for each in spans) if any(spans) else 0


def _spans(plain: str, marked: str, way: Way) -> tuple[Span, ...] | None:
    try:
        return read_pair(plain, marked, way, None)
    except LineError:
        return None


def read_pair(plain: str, marked: str, way: Way, noted: Counter[Note] | None) -> tuple[Span, ...]:
    """The entities of a row. Raises LineError where the marks do not leave the sentence."""
    if not plain.strip():
        raise LineError("empty sentence")
    if way is WAYS[0]:  # the tutorial's, of which the sentence decides what is markup
        return read_markup(plain, marked, noted)
    text, spans = way.read(marked)
    if text != plain:
        raise LineError(DIFFERS, f"`{text[:30]}` beside `{plain[:30]}`")
    return spans


def _is_header(cells: Sequence[str], columns: tuple[int, int], way: Way) -> bool:
    """Whether the first row names the columns: not marked, nor one sentence twice."""
    plain, marked = (cells[column] for column in columns)
    if plain == marked or way.bracket.search(marked):
        return False
    return bool(roles_of(plain)) or not any(map(str.isspace, plain + marked))


def _score(file: CorpusFile, options: Options) -> Score:
    found = None if options.fields else _find(file)
    if not found:
        return Score(0.0)
    layout, share = found.layout, found.proven / max(1, found.total)
    why = f"{found.proven} of its first {found.total} rows hold a sentence plain and marked"
    if not found.others:
        return Score(share, why)
    names = [layout.name(c) for c in (layout.columns[MARKED], *found.others)]
    return Score(share, why, several_marked(file.path, names))


def several_marked(path: str, names: Iterable[str]) -> DataError:
    """The error for a corpus that marks its sentences twice."""
    return DataError(
        f"{path} has its sentences marked in {' and '.join(names)}, and one of them is to be "
        "learned; remove the other."
    )


def _read(files: Sequence[CorpusFile], _: Options) -> Contents:
    return join_contents(map(_read_file, files))


def _read_file(file: CorpusFile) -> Contents:
    found = _find(file)
    assert found
    records = csv_records(file, found.separator)
    part = Part(file.path, records, found.layout)
    contents = Contents(f"{part.how}, as `{found.way.shown}`", [], [])
    plain, marked = (found.layout.columns[role] for role in (PLAIN, MARKED))
    for line, cells in part.rows(contents.rejected):
        try:
            spans = read_pair(cells[plain], cells[marked], found.way, contents.noted)
        except LineError as error:
            contents.rejected.append(error.at(file.path, line))
            continue
        contents.sentences.append(Sentence(cells[plain], spans, line, file.path))
    return contents


MARKED_TABLE = Format("a table of marked text", _score, _read)
