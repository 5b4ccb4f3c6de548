"""A part of a JSON file as text, from which its values are decoded one after another."""

import json
import re

from job.corpus.formats.text_lines import BYTE_ORDER_MARK
from job.errors import DataError

Object = dict[str, object]
WINDOW = 1 << 19  # bytes that are decoded at once
LONGEST = 4  # bytes of a character
TOO_DEEP = "too many lists and objects within each other"
TWICE = "a key twice in one JSON object"
LARGE = object()  # in place of what was entered


class TwiceError(ValueError):
    pass


def once(pairs: list[tuple[str, object]]) -> Object:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise TwiceError(TWICE)
    return row


def no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


DECODER = json.JSONDecoder(object_pairs_hook=once, parse_constant=no_number)
SPACES = re.compile(r"[ \t\r\n]*")
KEY = re.compile(r'"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
# An array that begins so holds single values, triples of offsets, or a text and its mentions.
OF_NO_SENTENCES = re.compile(r"\[\s*(?:[\"\-\dtfn]|\[\s*[\-\d])")
FIRST_OBJECT = re.compile(r"\[\s*(?=\{)")


class Window:
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
        self.end = min(self.begin + max(size, 2 * LONGEST), len(self.data))
        for _ in range(LONGEST - 1):  # more bytes are no character
            if self.end < len(self.data) and self.data[self.end] & 0xC0 == 0x80:
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
            except TwiceError as error:
                raise self.broken(str(error)) from error
            except (ValueError, RecursionError) as error:
                reloaded = self.at > 0
                if may_enter and not reloaded and not self.whole and self._may_hold_sentences():
                    return LARGE
                if not self.grow():
                    self.at = getattr(error, "pos", self.at)
                    said = getattr(error, "msg", str(error))
                    too_deep = isinstance(error, RecursionError)
                    raise self.broken(TOO_DEEP if too_deep else said) from error
            else:
                if end < len(self.text) or self.whole or self.text[end - 1] in '}]"':
                    self.at = end
                    return value
                self.grow()

    def _may_hold_sentences(self) -> bool:
        """False for an array that is itself a part of one: its tokens, tags or mentions."""
        if OF_NO_SENTENCES.match(self.text):
            return False
        if not (begins := FIRST_OBJECT.match(self.text)):
            return True
        try:
            first, _ = DECODER.raw_decode(self.text, begins.end())
        except (ValueError, RecursionError):
            return True
        return not first or any(isinstance(value, dict | list) for value in first.values())

    def broken(self, why: str) -> DataError:
        line = self.line()
        if self.whole and not self.text[self.at :].strip():
            why += ", where the file ends"
        return DataError(f"{self.file}:{line} is no JSON ({why}); export the file again.")
