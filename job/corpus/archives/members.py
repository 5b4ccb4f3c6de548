"""The files in an archive, one after the other: each with its path and a stream of its content.

The content is read as far as it is taken, so that what unpacks to too much can be stopped.
"""

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple, cast

from job.errors import DataError

LINK = "a link"
SPECIAL = "no file"
ENDINGS = re.compile(r"\.(gz|bz2|xz)\Z", re.IGNORECASE)
TAR_SIGN, TAR_SIGN_AT = b"ustar", 257


class Member(NamedTuple):
    """A file of an archive. `left` says why it is left out, if it is; then nothing is opened."""

    path: str
    open: Callable[[], IO[bytes]]
    left: str = ""


class Metered:
    """A stream that is read no further than it may be long; then it raises `too_long()`."""

    def __init__(self, stream: IO[bytes], most: int, too_long: Callable[[], Exception]) -> None:
        self.stream, self.left, self.too_long = stream, most, too_long

    def read(self, size: int) -> bytes:
        chunk = self.stream.read(min(size, self.left + 1))
        self.left -= len(chunk)
        if self.left < 0:
            raise self.too_long()
        return chunk


Meter = Callable[[IO[bytes]], Metered]


def of_zip(file: Path, _: Meter) -> Iterator[Member]:
    """The files of a zip. Raises DataError where it is locked."""
    with zipfile.ZipFile(file) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        if any(info.flag_bits & 0x1 for info in infos):
            raise DataError(
                f"{file} is locked with a password; unpack it yourself and name the folder."
            )
        for info, path in zip(infos, _paths(infos), strict=True):
            is_link = stat.S_ISLNK(info.external_attr >> 16)
            yield Member(path, partial(archive.open, info), LINK if is_link else "")


def _paths(infos: list[zipfile.ZipInfo]) -> list[str]:
    """The members' paths. Without a flag Windows writes names in the system's encoding, here CP949,
    and macOS in UTF-8; one archive is written by one of them."""
    unflagged = [info.orig_filename for info in infos if not info.flag_bits & 0x800]
    encoding = next(code for code in ("utf-8", "cp949", "cp437") if _all_in(code, unflagged))
    return [
        (
            info.orig_filename
            if info.flag_bits & 0x800
            else info.orig_filename.encode("cp437").decode(encoding)
        ).replace("\\", "/")
        for info in infos
    ]


def _all_in(encoding: str, names: list[str]) -> bool:
    try:
        return all(name.encode("cp437").decode(encoding) is not None for name in names)
    except UnicodeDecodeError:
        return False


def of_tar(file: Path, meter: Meter) -> Iterator[Member]:
    """The files of a tar, in order; `meter` counts also what stands between them."""
    with file.open("rb") as stream:
        yield from _in_tar(meter(stream))


def of_compressed(open_stream: Callable[[Path], IO[bytes]]) -> Callable[..., Iterator[Member]]:
    """The files of a compressed tar, or the one file that is compressed alone."""

    def members(file: Path, meter: Meter) -> Iterator[Member]:
        with closing(open_stream(file)) as stream:
            head = stream.read(512)
        is_tar = head[TAR_SIGN_AT:].startswith(TAR_SIGN)
        if is_tar:
            with closing(open_stream(file)) as stream:
                yield from _in_tar(meter(stream))
        else:
            yield Member(_inner_name(file), partial(open_stream, file))

    return members


def _inner_name(file: Path) -> str:
    return ENDINGS.sub("", file.name)


def _in_tar(stream: Metered) -> Iterator[Member]:
    # In this mode it only reads, and never seeks.
    with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
        for info in archive:
            if info.isdir():
                continue
            left = "" if info.isreg() else LINK if info.issym() or info.islnk() else SPECIAL
            yield Member(info.name, partial(_extracted, archive, info), left)


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    stream = archive.extractfile(info)
    assert stream is not None, "only regular files are opened"
    return stream


def _gunzipped(file: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(file))


# How a file of the kind begins, and what lists its members.
KINDS: tuple[tuple[int, bytes, Callable[[Path, Meter], Iterator[Member]]], ...] = (
    (0, b"PK\x03\x04", of_zip),
    (0, b"PK\x05\x06", of_zip),  # an empty one
    (0, b"\x1f\x8b", of_compressed(_gunzipped)),
    (0, b"BZh", of_compressed(bz2.BZ2File)),
    (0, b"\xfd7zXZ\0", of_compressed(lzma.LZMAFile)),
    (TAR_SIGN_AT, TAR_SIGN, of_tar),
)
# What a damaged archive raises, and one that was cut off.
DAMAGE = (zipfile.BadZipFile, tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError)
# What zipfile raises for ways of compressing that Python lacks, and for what is encrypted.
UNKNOWN = (NotImplementedError, RuntimeError)
