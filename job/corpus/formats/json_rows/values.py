"""The JSON of a file, value by value: one a line, or the elements of what lies around them.

A file is never decoded as a whole where it is large. A value that fits into the window is decoded
at once; a larger one is entered, and what lies in it comes one by one.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from job.corpus.formats.text_lines import BYTE_ORDER_MARK, Line, LineError
from job.errors import DataError

Object = dict[str, object]
Path = tuple[str | int, ...]
WINDOW = 1 << 19  # bytes that are decoded at once
DEEPEST_ENTERED = 100
TWICE = "a key twice in one JSON object"
NO_JSON = "not a JSON object"
LARGE = object()  # in place of what was entered


class Value(NamedTuple):
    """A value, the line that it begins on, and the keys and indexes that lead to it.

    `around` has the objects that were entered on the way, as far as they had been read.
    """

    line: int
    value: object
    path: Path = ()
    around: tuple[Object, ...] = ()


class _TwiceError(ValueError):
    pass


def _once(pairs: list[tuple[str, object]]) -> Object:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _TwiceError(TWICE)
    return row


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


FAST_DECODER = json.JSONDecoder(parse_constant=_no_number)
KEYS = re.compile(r'"\s*:')
DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)
SPACES = re.compile(r"[ \t\r\n]*")
KEY = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)


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
    except _TwiceError:
        return LineError(TWICE)
    except (ValueError, RecursionError) as error:
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


class _Window:
    """A part of a file as text, and the place in it that was come to."""

    def __init__(self, data: bytes, file: str) -> None:
        self.data, self.file = data, file
        self.begin = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0
        self.text, self.at = "", 0
        self.end = self.begin  # in the data, of the text
        self.counted = self.number = 0
        self._load(WINDOW)

    def _load(self, size: int) -> None:
        """Makes the text begin at the place that was come to, and hold `size` bytes."""
        self.number += self.text.count("\n", self.counted, self.at)
        self.begin += len(self.text[: self.at].encode())
        self.end = min(self.begin + size, len(self.data))
        while self.end < len(self.data) and self.data[self.end] & 0xC0 == 0x80:
            self.end -= 1
        try:
            self.text = self.data[self.begin : self.end].decode()
        except UnicodeDecodeError as error:
            line = 1 + self.data.count(b"\n", 0, self.begin + error.start)
            raise DataError(
                f"{self.file}:{line}: not UTF-8 (byte {self.begin + error.start + 1} of all); the "
                "JSON around it cannot be read."
            ) from error
        self.at = self.counted = 0

    @property
    def whole(self) -> bool:
        """Whether the text goes on to the file's end."""
        return self.end == len(self.data)

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        self.at = SPACES.match(self.text, self.at).end()  # type: ignore[union-attr]
        while self.at == len(self.text) and not self.whole:
            self._load(WINDOW)
            self.at = SPACES.match(self.text, 0).end()  # type: ignore[union-attr]
        return self.text[self.at : self.at + 1]

    def line(self) -> int:
        self.number += self.text.count("\n", self.counted, self.at)
        self.counted = self.at
        return self.number + 1

    def grow(self) -> bool:
        """Gets more text behind the place. False at the file's end."""
        if self.whole:
            return False
        self._load(WINDOW if self.at else 2 * len(self.text.encode()))
        return True

    def key(self) -> str:
        while True:
            if match := KEY.match(self.text, self.at):
                self.at = match.end()
                if self.at < len(self.text) or self.whole:
                    return json.loads(f'"{match[1]}"')
                self.at = match.start()
            if not self.grow():
                raise self.broken("a key is missing")

    def decode(self, may_enter: bool) -> object:
        """The value that begins here; LARGE for one that is to be entered."""
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
            except _TwiceError as error:
                raise self.broken(str(error)) from error
            except (ValueError, RecursionError) as error:
                reloaded = self.at > 0
                if may_enter and not reloaded and not self.whole:
                    return LARGE
                if not self.grow():
                    self.at = getattr(error, "pos", self.at)
                    raise self.broken(getattr(error, "msg", str(error))) from error
            else:
                if end < len(self.text) or self.whole or self.text[end - 1] in '}]"':
                    self.at = end
                    return value
                self.grow()

    def broken(self, why: str) -> DataError:
        line = self.line()
        if self.whole and not self.text[self.at :].strip():
            why += ", where the file ends"
        return DataError(f"{self.file}:{line}: is no JSON ({why}); export the file again.")


def values_of_data(data: bytes, file: str) -> Iterator[Value]:
    """The values of a file that is JSON, those within large ones one by one. Raises DataError."""
    window = _Window(data, file)
    while window.peek():
        if window.peek() == "[":
            yield from _elements(window, (), ())
        else:
            yield from _value(window, (), ())


def _value(window: _Window, path: Path, around: tuple[Object, ...]) -> Iterator[Value]:
    line = window.line()
    opening = window.peek()
    value = window.decode(may_enter=opening in ("{", "["))
    if value is not LARGE:
        yield Value(line, value, path, around)
    elif opening == "[":
        yield from _elements(window, path, around)
    else:
        yield from _members(window, path, around)


def _elements(window: _Window, path: Path, around: tuple[Object, ...]) -> Iterator[Value]:
    for index, _ in enumerate(_between(window, "]", len(path))):
        yield from _value(window, (*path, index), around)


def _members(window: _Window, path: Path, around: tuple[Object, ...]) -> Iterator[Value]:
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


def _between(window: _Window, closing: str, depth: int) -> Iterator[None]:
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
