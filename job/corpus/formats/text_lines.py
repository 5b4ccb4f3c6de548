"""The bytes of a corpus file → its lines of text, exactly as given.

Lines end at `\\n` alone: `str.splitlines` would also cut at U+2028, U+0085 and others, which occur
in sentences. One `\\r` before the `\\n` and one byte order mark before the first line are taken
off; nothing else is changed, so an offset counts code points of the text as it was written. Text is
UTF-8, or CP949, the older Korean encoding that Excel saves, where a whole file is certainly that.
"""

import codecs
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from job.corpus.formats.encodings.cp949 import hangul, is_cp949
from job.corpus.formats.encodings.refused import refuse_cr_alone, refuse_other_kinds
from job.errors import DataError
from job.figures import counted

NOT_UTF8 = "not UTF-8"
NUL = "NUL character"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
BLOCK = 1 << 16  # bytes of whole lines that are decoded at once
BLANKS = re.compile(rb"\s*")
BLANK = re.compile(rb"\s*\Z")
# At a line's start, where files were put together; alone before a tab or a blank it is a unit.
MARK = re.compile("\\A\ufeff(?![\\t ])")
# What decomposes a Korean or accented character: conjoining jamo and combining marks.
DECOMPOSED = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\u0300-\u036f]")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A sentence that was left out: why (same cause, same words), on which line, and the detail.

    `file` is its name in messages.
    """

    reason: str
    line: int
    detail: str = ""
    file: str = field(default="", compare=False)

    @property
    def place(self) -> str:
        """The file and the line, for messages."""
        return f"{self.file}:{self.line}"


class Note(NamedTuple):
    """Something to tell of what was read, by how often it was met: "1 line had", "2 lines had"."""

    one: str
    many: str
    rest: str

    def counted(self, count: int) -> str:
        """The note for so many, without a full stop."""
        return f"{counted(count, self.one, self.many)} {self.rest}"


MARKED = Note("line begins", "lines begin", "with U+FEFF (a byte order mark); it was dropped")
COMBINING = Note(
    "line holds", "lines hold", "decomposed (NFD) or combining characters; kept as they are"
)


class LineError(ValueError):
    """This line, or the sentence that it belongs to, cannot be read. `reason` is counted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail

    def at(self, file: str, line: int) -> Rejected:
        """The sentence that it stands for."""
        return Rejected(self.reason, line, self.detail, file)


Line = str | LineError


class Lines:
    """The lines in order, a LineError in place of each that is no text.

    They are decoded anew whenever they are gone through: only the bytes stay in memory. `notes` are
    for the log. Raises DataError where the whole file is empty, compressed, or in UTF-16 or UTF-32;
    the message then has the command that converts it.
    """

    def __init__(self, data: bytes, path: str) -> None:
        self.data = data
        self.notes: list[str] = []
        self.are_cp949 = False
        self.begin = 0
        if data.startswith(BYTE_ORDER_MARK):
            self.begin = len(BYTE_ORDER_MARK)
            self.notes.append("a byte order mark before the first line was dropped")
        if BLANK.match(data, self.begin):
            raise DataError(f"{path} is empty; give a corpus file with at least one sentence.")
        refuse_other_kinds(data[self.begin : self.begin + BLOCK], path)
        refuse_cr_alone(data, path)
        if b"\r\n" in data or data.endswith(b"\r"):
            self.notes.append("lines end in CRLF; the CR was dropped")
        decomposed = self._count_in_plain()
        if decomposed is None:
            if marked := self._count_marks():
                self.notes.append(MARKED.counted(marked))
            if self._are_cp949():
                self.are_cp949 = True
                self.notes.append("the file is in CP949, not UTF-8, and was read as that")
            decomposed = sum(map(self._count_decomposed, self._blocks()))
        if decomposed:
            self.notes.append(COMBINING.counted(decomposed))

    def __iter__(self) -> Iterator[Line]:
        for block in self._blocks():
            yield from self._decoded(block)

    def are_one_of(self, size: int) -> bool:
        """Whether but one holds anything, and that more than so many bytes."""
        blank = BLANKS.match(self.data, self.begin)
        begin = blank.end() if blank else self.begin
        end = self.data.find(b"\n", begin)
        return len(self.data) - begin > size and (
            end < 0 or (end - begin > size and BLANK.match(self.data, end) is not None)
        )

    def _blocks(self) -> Iterator[bytes]:
        """The bytes of many whole lines at a time, or of a single one that is longer."""
        begin, length = self.begin, len(self.data)
        while begin < length:
            end = self.data.rfind(b"\n", begin, begin + BLOCK)
            if end < 0:
                end = self.data.find(b"\n", begin + BLOCK)
            end = length if end < 0 else end
            yield self.data[begin:end]
            begin = end + 1

    def _decoded(self, block: bytes) -> list[Line]:
        if not self.are_cp949 and (text := _plain(block)) is not None:
            lines = text.split("\n")
            return [line.removesuffix("\r") for line in lines] if "\r" in text else [*lines]
        decode = _decode_cp949 if self.are_cp949 else _decode
        return [decode(line.removesuffix(b"\r")) for line in block.split(b"\n")]

    def _count_in_plain(self) -> int | None:
        """The lines with decomposed characters; None where the file needs a closer look."""
        count = 0
        for block in self._blocks():
            text = _plain(block) if len(block) <= BLOCK else None
            if text is None:
                return None
            if DECOMPOSED.search(text):
                count += sum(DECOMPOSED.search(line) is not None for line in text.split("\n"))
        return count

    def _count_marks(self) -> int:
        if self.data.find(BYTE_ORDER_MARK, self.begin) < 0:
            return 0
        raw = (line for block in self._blocks() for line in block.split(b"\n"))
        found = (line for line in raw if line.startswith(BYTE_ORDER_MARK))
        marked = (line for line in found if isinstance(_decode(line), str))
        return sum(MARK.match(line.decode()) is not None for line in marked)

    def _are_cp949(self) -> bool:
        """Tells a file in the older Korean encoding from a UTF-8 file with a few damaged lines."""
        bad, some = 0, list[bytes]()
        for block in self._blocks():
            if not _is_utf8(block):
                found = [line for line in block.split(b"\n") if not _is_utf8(line)]
                bad += len(found)
                some += found[: 200 - len(some)]
        if not bad:
            return False
        foreign = sum(not line.isascii() for block in self._blocks() for line in block.split(b"\n"))
        return 2 * bad > foreign and is_cp949(b"\n".join(some))

    def _count_decomposed(self, block: bytes) -> int:
        """The lines of a block that hold such characters."""
        if self.are_cp949:
            return 0
        if len(block) > BLOCK:  # a line for itself
            return _is_utf8(block) and any(map(DECOMPOSED.search, _pieces(block)))
        texts = (line for line in self._decoded(block) if isinstance(line, str))
        return sum(DECOMPOSED.search(text) is not None for text in texts)


def _pieces(block: bytes) -> Iterator[str]:
    """The text of a block, of which only a part is in memory. Raises UnicodeDecodeError."""
    return codecs.iterdecode((block[i : i + BLOCK] for i in range(0, len(block), BLOCK)), "utf-8")


def _is_utf8(block: bytes) -> bool:
    try:
        for _ in _pieces(block):
            pass
    except UnicodeDecodeError:
        return False
    return True


def _plain(block: bytes) -> str | None:
    """The text, where it needs nothing but decoding."""
    try:
        text = block.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text or "\ufeff" in text else text


def without_mark(line: str) -> str:
    """A line without the byte order mark that it may begin with."""
    return MARK.sub("", line, count=1) if line.startswith("\ufeff") else line


def _decode(line: bytes) -> Line:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        found = line[error.start : error.start + 4].hex(" ")
        if line[error.start] == 0xED and line[error.start + 1 : error.start + 2] >= b"\xa0":
            found += ", a lone surrogate"
        return LineError(NOT_UTF8, f"byte {error.start + 1} of the line: {found}")
    readable = _without_nul(text)
    return without_mark(readable) if isinstance(readable, str) else readable


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
