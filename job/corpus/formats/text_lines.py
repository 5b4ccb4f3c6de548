"""The bytes of a corpus file → its lines of text, exactly as given.

Lines end at `\\n` alone: `str.splitlines` would also cut at U+2028, U+0085 and others, which occur
in sentences. One `\\r` before the `\\n` and one byte order mark before the first line are taken
off; nothing else is changed, so an offset counts code points of the text as it was written. Text is
UTF-8, or CP949, the older Korean encoding that Excel saves, where a whole file is certainly that.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from job.figures import counted

NOT_UTF8 = "not UTF-8"
NUL = "NUL character"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
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


def without_mark(line: str) -> str:
    """A line without the byte order mark that it may begin with."""
    return MARK.sub("", line, count=1) if line.startswith("\ufeff") else line
