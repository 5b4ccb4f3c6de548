"""The bytes of a corpus file → its lines of text, exactly as given.

Lines end at `\\n` alone: `str.splitlines` would also cut at U+2028, U+0085 and others, which occur
in sentences. One `\\r` before the `\\n` and one byte order mark before the first line are taken
off; nothing else is changed, so an offset counts code points of the text as it was written. Text is
UTF-8, or CP949, the older Korean encoding that Excel saves, where a whole file is certainly that.
"""

import re
from dataclasses import dataclass, field
from shlex import quote
from typing import NamedTuple

from job.errors import DataError
from job.figures import counted

STDIN = "standard input"  # the name of `-` in messages
NOT_UTF8 = "not UTF-8"
NUL = "NUL character"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# At a line's start, where files were put together; alone before a tab or a blank it is a unit.
MARK = re.compile("\\A\ufeff(?![\\t ])")
ARCHIVES = {
    b"\x1f\x8b": ("a gzip archive", "gunzip"),
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "unpack it or save it as text"),
    b"PAR1": ("a Parquet file", "write it as JSON Lines"),
    b"BZh": ("a bzip2 archive", "bunzip2"),
    b"\xfd7zXZ": ("an xz archive", "unxz"),
    b"7z\xbc\xaf'\x1c": ("a 7z archive", "7z x"),
    b"Rar!\x1a\x07": ("a RAR archive", "unrar x"),
    b"ALZ\x01": ("an ALZ archive", "unalz"),
}
LFS_POINTER = b"version https://git-lfs."
HEAD = 1 << 16  # bytes that tell what a file is
SEEN = re.compile(rb"\S")
# What decomposes a Korean or accented character: conjoining jamo and combining marks.
DECOMPOSED = re.compile("[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\u0300-\u036f]")
# What most characters of a Korean corpus are.
READABLE = re.compile("[\t\n\r -~가-힣ㄱ-ㆎ\u2010-\u203b\u241e\u3000-\u3015]")


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


def refuse_whole_file(data: bytes, start: int, path: str) -> None:
    """Raises DataError for a file that is, from `start`, empty or no text that can be read."""
    if not SEEN.search(data, start):
        raise DataError(f"{path} is empty; give a corpus file with at least one sentence.")
    refuse_other_kinds(data[start : start + HEAD], path)
    if b"\n" not in data:
        refuse_cr_alone(data[start:], path)


def refuse_cr_alone(data: bytes, path: str) -> None:
    """Raises DataError where a whole file ends its lines as the Macintosh once did."""
    if b"\n" in data or not data.strip(b"\r").count(b"\r"):
        return
    if path == STDIN:
        raise DataError(f"{path} ends its lines with CR alone; pipe it through `tr '\\r' '\\n'`.")
    raise DataError(
        f"{path} ends its lines with CR alone; run `tr '\\r' '\\n' < {quote(path)} > "
        f"{quote(f'{path}.lf')}` and use that file."
    )


def refuse_other_kinds(head: bytes, path: str) -> None:
    """Raises DataError where a file begins like an archive, or like text in UTF-16 or UTF-32."""
    for magic, (kind, remedy) in ARCHIVES.items():
        if head.startswith(magic):
            raise DataError(f"{path} is {kind}, not a text file; unpack it first ({remedy}).")
    if head.startswith(LFS_POINTER):
        raise DataError(f"{path} is a git-lfs pointer, not the file; run `git lfs pull` there.")
    encoding = _utf16_or_32(head[:HEAD])
    if encoding:
        raise DataError(f"{path} is {in_other_words(path, encoding)}")


def _utf16_or_32(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return "UTF-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    if b"\0" not in head:
        return None
    # Without a mark: a few NULs can be damage, so the text must also make sense as UTF-16.
    for encoding in ("UTF-16LE", "UTF-16BE"):
        text = head[: len(head) // 2 * 2].decode(encoding, errors="replace")
        if "\n" in text and len(READABLE.findall(text)) >= 0.8 * len(text):
            return encoding
    return None


def is_cp949(sample: bytes) -> bool:
    """Whether bytes that are not UTF-8 are Korean text in the older encoding, not damage."""
    damaged = sample.decode("utf-8", errors="replace")
    if damaged.count("\ufffd") <= hangul(damaged):
        return False
    try:
        text = sample.decode("cp949")
    except UnicodeDecodeError:
        return False
    return 2 * hangul(text) > sum(not character.isascii() for character in text)


def hangul(text: str) -> int:
    """The number of its Korean syllables."""
    return sum("가" <= character <= "힣" for character in text)


def in_other_words(path: str, encoding: str) -> str:
    """The words that follow "FILE is": its encoding, and the command that makes it readable."""
    command = f"iconv -f {encoding} -t UTF-8"
    if path == STDIN:
        return f"in {encoding}, not in UTF-8; pipe it through `{command}`."
    return (
        f"in {encoding}, not in UTF-8; run `{command} {quote(path)} > {quote(f'{path}.utf8')}` and "
        "use that file."
    )
