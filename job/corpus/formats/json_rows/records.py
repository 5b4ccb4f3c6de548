"""The objects of a file that are sentences, each with its place and the document that holds it."""

from collections.abc import Iterator
from typing import NamedTuple

from job.corpus.formats.json_rows.decoding.values import NO_JSON, Path, Value
from job.corpus.formats.json_rows.decoding.window import LARGE, Object
from job.corpus.formats.json_rows.shape import names
from job.corpus.formats.json_rows.shape.fields import Keys
from job.corpus.formats.json_rows.shape.kinds import as_row, is_mentions
from job.corpus.formats.json_rows.shape.names import plain
from job.corpus.formats.json_rows.shape.survey import DEEPEST
from job.corpus.formats.text_lines import LineError

ELSEWHERE = "a sentence where the first ones of its corpus have none"


class Record(NamedTuple):
    """`where` are the keys to it, where its file is a document; else it is a row of its own."""

    line: int
    row: Object | LineError
    where: str = ""
    document: str = ""


def records(value: Value, locations: set[Keys], file: str) -> Iterator[Record]:
    """The sentences of a value; a row that holds none is one that cannot be read."""
    if isinstance(value.value, LineError):
        yield Record(value.line, value.value)
        return
    row = as_row(value.value)
    is_row = not any(isinstance(key, str) for key in value.path)
    if is_row and row is not None and () in locations:
        yield Record(value.line, row)
        return
    found = False
    for record in _within(value, locations, file):
        found = True
        yield record
    if not found and is_row and (row is None or locations == {()}):
        yield Record(value.line, row or LineError(NO_JSON))


def _within(value: Value, locations: set[Keys], file: str) -> Iterator[Record]:
    holder = file
    for path, outer in zip(_prefixes(value.path), value.around, strict=False):
        holder = _document(outer, path, file)
    stack: list[tuple[Path, object, str]] = [(value.path, value.value, holder)]
    while stack:
        path, item, document = stack.pop()
        row = as_row(item)
        if row is not None and _location(path) in locations:
            yield Record(value.line, row, shown(path), document)
        elif row is not None and looks_like_sentence(row):
            yield Record(value.line, LineError(ELSEWHERE), shown(path), document)
        elif isinstance(item, dict):
            inside = _document(item, path, file)
            stack += [
                ((*path, key), child, inside)
                for key, child in reversed(item.items())
                if isinstance(child, dict | list) and plain(key) not in names.OTHERS
            ]
        elif isinstance(item, list) and len(path) <= DEEPEST:
            stack += [((*path, i), item[i], document) for i in reversed(range(len(item)))]


def looks_like_sentence(row: Object) -> bool:
    """Whether it holds a text, and mentions under a name that is theirs."""
    if not any(isinstance(value, str) and plain(key) in names.TEXT for key, value in row.items()):
        return False
    return any(
        plain(key) in names.SPANS
        and (value is LARGE or (isinstance(value, dict | list) and is_mentions(value, key)))
        for key, value in row.items()
    )


def _location(path: Path) -> Keys:
    return tuple(key for key in path if isinstance(key, str))


def _prefixes(path: Path) -> Iterator[Path]:
    for end in range(len(path)):
        yield path[:end]


def _document(row: Object, path: Path, file: str) -> str:
    """The name of what holds sentences: its own id, else its place in the file."""
    own = row.get("id")
    if isinstance(own, str) and own:
        return own
    return f"{file}:{shown(path)}" if path else file


def shown(path: Path) -> str:
    """`document[3].sentence[5]`"""
    parts = [f"[{key}]" if isinstance(key, int) else f".{key}" for key in path]
    return "".join(parts).removeprefix(".")
