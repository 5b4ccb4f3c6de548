"""The lines of a file's bytes, decoded piece by piece each time that they are gone through.

A list of all lines would take many times the file's size where lines are short.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain

from job.corpus.formats.encodings.cp949 import hangul, is_cp949
from job.corpus.formats.encodings.refused import refuse_whole_file
from job.corpus.formats.text_lines import (
    BYTE_ORDER_MARK,
    COMBINING,
    DECOMPOSED,
    MARKED,
    NOT_UTF8,
    NUL,
    Line,
    LineError,
    without_mark,
)

PIECE = 1 << 16  # bytes of whole lines; a longer line is a piece of its own
JUDGED = 200  # lines that are not UTF-8, by which the older encoding is known
BLANKS = re.compile(rb"\s*")
BLANK = re.compile(rb"\s*\Z")


class Decoded:
    """The lines in order, a LineError in place of each that is no text. `notes` are for the log.

    Raises DataError where the whole file is empty, compressed, or in UTF-16 or UTF-32; the message
    then has the command that converts it.
    """

    def __init__(self, data: bytes, path: str) -> None:
        self._data = data
        self._start = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0
        refuse_whole_file(data, self._start, path)
        self._is_cp949 = False
        self._has_crlf = b"\r\n" in data or data.endswith(b"\r")
        self._has_marks = data.find(BYTE_ORDER_MARK, self._start) >= 0
        self.notes = self._notes()

    def __iter__(self) -> Iterator[Line]:
        return chain.from_iterable(self.pieces())

    def pieces(self) -> Iterator[list[Line]]:
        """The lines, some thousand at a time."""
        for raw in self._raw_pieces():
            lines = self._decoded(raw)
            if self._has_marks and BYTE_ORDER_MARK in raw:
                lines = [without_mark(line) if isinstance(line, str) else line for line in lines]
            yield lines

    def with_cr(self) -> Iterator[Line]:
        """The lines, with the CR of each that ended in CRLF."""
        for raw, lines in zip(self._raw_pieces(), self.pieces(), strict=True):
            ends = (line.endswith(b"\r") for line in raw.split(b"\n"))
            for line, has_cr in zip(lines, ends, strict=True):
                yield f"{line}\r" if has_cr and isinstance(line, str) else line

    def is_one_line_over(self, size: int) -> bool:
        """Whether only one line holds anything, and that is longer than so many bytes."""
        blanks = BLANKS.match(self._data, self._start)
        start = blanks.end() if blanks else self._start
        end = self._data.find(b"\n", start)
        if end < 0:
            return len(self._data) - start > size
        return end - start > size and BLANK.match(self._data, end) is not None

    def _notes(self) -> list[str]:
        notes = ["a byte order mark before the first line was dropped"] if self._start else []
        if self._has_crlf:
            notes.append("lines end in CRLF; the CR was dropped")
        if self._has_marks and (marked := self._count_marks()):
            notes.append(MARKED.counted(marked))
        decomposed, is_clean = self._scanned()
        if not is_clean and self._are_lines_cp949():
            self._is_cp949 = True
            notes.append("the file is in CP949, not UTF-8, and was read as that")
            decomposed = 0  # characters that it does not have
        if decomposed:
            notes.append(COMBINING.counted(decomposed))
        return notes

    def _scanned(self) -> tuple[int, bool]:
        """How many lines hold decomposed characters, and whether all of them are text in UTF-8."""
        decomposed, is_clean = 0, True
        for raw in self._raw_pieces():
            if len(raw) > PIECE:  # a line that may be the whole file
                is_text = b"\0" not in raw and _is_utf8(raw)
                is_clean &= is_text
                decomposed += is_text and any(map(DECOMPOSED.search, _parts(raw)))
                continue
            text = self._text(raw)
            is_clean &= text is not None
            if text is None or DECOMPOSED.search(text):
                decomposed += sum(
                    isinstance(line, str) and DECOMPOSED.search(line) is not None
                    for line in self._decoded(raw)
                )
        return decomposed, is_clean

    def _raw_pieces(self) -> Iterator[bytes]:
        """Whole lines, without the end of the last."""
        start, data = self._start, self._data
        while start < len(data):
            end = data.rfind(b"\n", start, start + PIECE)
            if end < 0:
                end = data.find(b"\n", start + PIECE)
            end = len(data) if end < 0 else end
            yield data[start:end]
            start = end + 1

    def _raw_lines(self) -> Iterator[bytes]:
        for piece in self._raw_pieces():
            yield from _without_cr(piece.split(b"\n"), self._has_crlf)

    def _text(self, raw: bytes) -> str | None:
        """The text of lines that are all UTF-8; None where one is not."""
        if not self._is_cp949 and b"\0" not in raw:
            with suppress(UnicodeDecodeError):
                return raw.decode("utf-8")
        return None

    def _decoded(self, raw: bytes) -> list[Line]:
        text = self._text(raw)
        if text is not None:
            if self._has_crlf:
                text = text.replace("\r\n", "\n").removesuffix("\r")
            return [*text.split("\n")]
        decode = _decode_cp949 if self._is_cp949 else _decode
        return [decode(line) for line in _without_cr(raw.split(b"\n"), self._has_crlf)]

    def _count_marks(self) -> int:
        raw = (line for line in self._raw_lines() if line.startswith(BYTE_ORDER_MARK))
        lines = (line for line in map(_decode, raw) if isinstance(line, str))
        return sum(without_mark(line) != line for line in lines)

    def _are_lines_cp949(self) -> bool:
        """Tells a file in the older Korean encoding from a UTF-8 file with a few damaged lines."""
        if all(map(_is_utf8, self._raw_pieces())):
            return False
        bad = foreign = 0
        judged = []
        for line in self._raw_lines():
            foreign += not line.isascii()
            if not _is_utf8(line):
                bad += 1
                judged += [line] if bad <= JUDGED else []
        return 2 * bad > foreign and is_cp949(b"\n".join(judged))


def _without_cr(lines: list[bytes], has_crlf: bool) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in lines] if has_crlf else lines


def _parts(raw: bytes) -> Iterator[str]:
    """Its text, of which a part at a time is in memory. Raises UnicodeDecodeError."""
    return codecs.iterdecode((raw[i : i + PIECE] for i in range(0, len(raw), PIECE)), "utf-8")


def _is_utf8(raw: bytes) -> bool:
    try:
        for _ in _parts(raw):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _decode(line: bytes) -> Line:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        found = line[error.start : error.start + 4].hex(" ")
        if line[error.start] == 0xED and line[error.start + 1 : error.start + 2] >= b"\xa0":
            found += ", a lone surrogate"
        return LineError(NOT_UTF8, f"byte {error.start + 1} of the line: {found}")
    return _without_nul(text)


def _without_nul(text: str) -> Line:
    if "\0" in text:
        return LineError(NUL, f"character {text.index(chr(0)) + 1} of the line")
    return text


def _decode_cp949(line: bytes) -> Line:
    """A line of a file in CP949; where it is Korean in UTF-8, it was put in from elsewhere."""
    with suppress(UnicodeDecodeError):
        if hangul(as_utf8 := line.decode("utf-8")):
            return LineError("UTF-8 in a file of CP949", f"`{as_utf8[:20]}`")
    try:
        return _without_nul(line.decode("cp949"))
    except UnicodeDecodeError as error:
        found = line[error.start : error.start + 4].hex(" ")
        return LineError("neither UTF-8 nor CP949", f"byte {error.start + 1} of the line: {found}")
