"""Objects of JSON or Parquet that hold a sentence plain and marked, and no list of mentions."""

import itertools
from collections.abc import Callable, Iterator, Sequence

from job.corpus.formats.format import LOOKED_AT, Contents
from job.corpus.formats.json_rows.decoding.values import Value
from job.corpus.formats.marked.table import find_pair, read_pair, several_marked
from job.corpus.formats.marked.text import WAYS
from job.corpus.formats.text_lines import LineError
from job.sentence import Sentence

NO_STRINGS = "a row without its two texts"


def read_marked_rows(
    files: Sequence[tuple[str, Callable[[], Iterator[Value]]]], kind: str
) -> Contents | None:
    """The sentences of all files; None where no two of their keys prove each other.

    Raises DataError where two keys hold marked text.
    """
    firsts = [each.value for _, values in files for each in itertools.islice(values(), LOOKED_AT)]
    rows = [row for row in firsts if isinstance(row, dict)]
    keys = [key for key in (rows[0] if rows else ()) if all(type(r.get(key)) is str for r in rows)]
    found = [(pair, way) for way in WAYS if (pair := find_pair(rows, keys, way))]
    if not found:
        return None
    pair, way = max(found, key=lambda each: each[0].proven)
    if pair.others:
        raise several_marked(files[0][0], [f"`{key}`" for key in (pair.marked, *pair.others)])
    how = f"{kind}, the text in `{pair.plain}` and marked in `{pair.marked}`, as `{way.shown}`"
    contents = Contents(how, [], [])
    for path, values in files:
        for line, row, *_ in values():
            try:
                text, marked = _two(row, pair.plain, pair.marked)
                spans = read_pair(text, marked, way, contents.noted)
            except LineError as error:
                contents.rejected.append(error.at(path, line))
                continue
            contents.sentences.append(Sentence(text, spans, line, path))
    return contents


def _two(row: object, *keys: str) -> list[str]:
    if isinstance(row, LineError):
        raise row
    values = [row.get(key) for key in keys] if isinstance(row, dict) else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(keys):
        raise LineError(NO_STRINGS)
    return texts
