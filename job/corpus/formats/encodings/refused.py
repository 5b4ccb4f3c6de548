"""Files that are refused whole: archives, UTF-16 and UTF-32, and lines that end in CR alone."""

import re
from shlex import quote

from job.errors import DataError

STDIN = "standard input"  # the name of `-` in messages
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
HEAD = 1 << 16  # bytes that tell what a file is
SEEN = re.compile(rb"\S")
LFS_POINTER = b"version https://git-lfs."
# What most characters of a Korean corpus are.
READABLE = re.compile("[\t\n\r -~가-힣ㄱ-ㆎ\u2010-\u203b\u241e\u3000-\u3015]")


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


def in_other_words(path: str, encoding: str) -> str:
    """The words that follow "FILE is": its encoding, and the command that makes it readable."""
    command = f"iconv -f {encoding} -t UTF-8"
    if path == STDIN:
        return f"in {encoding}, not in UTF-8; pipe it through `{command}`."
    return (
        f"in {encoding}, not in UTF-8; run `{command} {quote(path)} > {quote(f'{path}.utf8')}` and "
        "use that file."
    )
