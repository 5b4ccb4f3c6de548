"""The JSON of a file, value by value: one a line, or the elements of what lies around them.

A file is never decoded as a whole where it is large. A value that fits into the window is decoded
at once; a larger one is entered, and what lies in it comes one by one.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from job.corpus.formats.json_rows.decoding.window import (
    DECODER,
    LARGE,
    TOO_DEEP,
    TWICE,
    Object,
    TwiceError,
    Window,
    no_number,
)
from job.corpus.formats.text_lines import Line, LineError

Path = tuple[str | int, ...]
DEEPEST_ENTERED = 100
NO_JSON = "not a JSON object"


class Value(NamedTuple):
    """A value, the line that it begins on, and the keys and indexes that lead to it.

    `around` has the objects that were entered on the way, as far as they had been read.
    """

    line: int
    value: object
    path: Path = ()
    around: tuple[Object, ...] = ()


FAST_DECODER = json.JSONDecoder(parse_constant=no_number)
KEYS = re.compile(r'"\s*:')


def is_json(line: str) -> bool:
    """Whether the line is an object or array, also one with a key twice."""
    value = value_of(line)
    return isinstance(value, dict | list) or value.reason == TWICE


def values_of_lines(lines: Iterable[Line]) -> Iterator[Value]:
    """A value for each line that is not blank; the elements of one that is an array."""
    for number, line in enumerate(lines, start=1):
        if isinstance(line, LineError):
            yield Value(number, line)
        elif line.strip():
            yield Value(number, value_of(line))


def value_of(line: str) -> Object | list | LineError:
    """The object or array that the line is."""
    try:
        value = FAST_DECODER.decode(line)
        if isinstance(value, dict | list) and _may_repeat_a_key(line, value):
            value = DECODER.decode(line)
    except TwiceError:
        return LineError(TWICE)
    except RecursionError:
        return LineError(NO_JSON, TOO_DEEP)
    except ValueError as error:
        return LineError(NO_JSON, str(error)[:60])
    return value if isinstance(value, dict | list) else LineError(NO_JSON)


def _may_repeat_a_key(line: str, value: Object | list) -> bool:
    """Each key is a quote and a colon; where there are more of them, one may be a key twice."""
    colons = line.count(":")
    if colons == len(value):  # then no object lies within this one, either
        return isinstance(value, list)
    keys = _count_keys(value)
    return colons != keys and len(KEYS.findall(line)) != keys


def _count_keys(value: Object | list) -> int:
    count = 0
    inner: list[Iterable[object]] = [[value]]
    for values in inner:  # which grows
        for found in values:
            if isinstance(found, dict):
                count += len(found)
                inner.append(found.values())
            elif isinstance(found, list):
                inner.append(found)
    return count


def values_of_data(data: bytes, file: str) -> Iterator[Value]:
    """The values of a file that is JSON, those within large ones one by one. Raises DataError."""
    window = Window(data, file)
    while window.peek():
        if window.peek() == "[":
            yield from _elements(window, (), ())
        else:
            yield from _value(window, (), ())


def _value(window: Window, path: Path, around: tuple[Object, ...]) -> Iterator[Value]:
    line = window.line()
    opening = window.peek()
    value = window.decode(may_enter=opening in ("{", "["))
    if value is not LARGE:
        yield Value(line, value, path, around)
    elif opening == "[":
        yield from _elements(window, path, around)
    else:
        yield from _members(window, path, around)


def _elements(window: Window, path: Path, around: tuple[Object, ...]) -> Iterator[Value]:
    for index, _ in enumerate(_between(window, "]", len(path))):
        yield from _value(window, (*path, index), around)


def _members(window: Window, path: Path, around: tuple[Object, ...]) -> Iterator[Value]:
    """What lies in an object that was entered, and then the object without what was entered."""
    line = window.line()
    found: Object = {}
    for _ in _between(window, "}", len(path)):
        key = window.key()
        if key in found:
            raise window.broken(TWICE)
        found[key] = LARGE
        opening = window.peek()
        value = window.decode(may_enter=opening in ("{", "["))
        if value is not LARGE:
            found[key] = value
            continue
        enter: Callable[..., Iterator[Value]] = _elements if opening == "[" else _members
        yield from enter(window, (*path, key), (*around, found))
    yield Value(line, found, path, around)


def _between(window: Window, closing: str, depth: int) -> Iterator[None]:
    """Stops before each part of a container, and behind its end."""
    if depth > DEEPEST_ENTERED:
        raise window.broken(f"over {DEEPEST_ENTERED} lists and objects within each other")
    window.at += 1
    if window.peek() == closing:
        window.at += 1
        return
    while True:
        yield
        sign = window.peek()
        if sign not in (",", closing) or not sign:
            raise window.broken("a comma or an end is missing")
        window.at += 1
        if sign == closing:
            return
        window.peek()
