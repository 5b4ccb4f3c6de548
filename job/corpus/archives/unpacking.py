"""An archive → a folder in the cache, whole or not at all; never a file outside that folder."""

import hashlib
import io
import logging
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from job.corpus.archives.members import DAMAGE, KINDS, UNKNOWN, Member, Meter, Metered
from job.corpus.download.cache import (
    UNWRITABLE,
    cannot_write,
    in_writable,
    is_there,
    keep_first,
    staging,
)
from job.errors import DataError, JobError, PermissionDeniedError

logger = logging.getLogger(__name__)

MAX_FILES = 100_000
LOCAL_TIMES = 40  # its size may a file of this machine unpack to, and always this much:
LOCAL_LEAST_BYTES = 10_000_000
NAMES_SHOWN = 10
CHUNK_BYTES = 1 << 20
HEAD_BYTES = 512
DIGITS = 32  # of the sha256 in the folder's name
LEAVINGS = re.compile(r"__MACOSX|\._.*|\.DS_Store|Thumbs\.db|desktop\.ini", re.IGNORECASE)
NESTED = re.compile(r".*\.(zip|gz|tgz|tar|bz2|xz|7z|rar|alz|egg)", re.IGNORECASE)
DRIVE = re.compile("[A-Za-z]:")
# Documents of offices are zips with one of these in it.
DOCUMENT = ("[Content_Types].xml", "mimetype")


def is_archive(file: Path) -> bool:
    """Whether it begins as an archive does; a spreadsheet, which is a zip, is none."""
    return _members_of(file) is not None


def unpack(file: Path, folder: Path, max_bytes: int) -> Path:
    """The folder in the cache `folder` with the files of an archive; a file that was compressed
    alone lies in it under its name without the last ending.

    Raises DataError where it cannot be unpacked, or unpacks to more than `max_bytes`.
    """
    return in_writable(folder, lambda writable: _unpack(file, writable / "unpacked", max_bytes))


def _unpack(file: Path, folder: Path, max_bytes: int) -> Path:
    target = folder / _key(file)
    if not is_there(target):
        with staging(folder) as staged:
            _Unpacking(file, staged / "files", max_bytes).run()
            keep_first(staged / "files", target)
    return target


def _key(file: Path) -> str:
    """By its content, and by its name, from which that of a file compressed alone is made."""
    with _opened(file) as stream:
        digest = hashlib.file_digest(stream, "sha256")
    digest.update(file.name.encode(errors="surrogateescape"))
    return digest.hexdigest()[:DIGITS]


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedReader]:
    try:
        with file.open("rb") as stream:
            yield stream
    except PermissionError as error:
        raise PermissionDeniedError(f"{file} cannot be read; give access.") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from error


def _members_of(file: Path) -> Callable[[Path, Meter], Iterator[Member]] | None:
    with _opened(file) as stream:
        head = stream.read(HEAD_BYTES)
    found = next((list_ for at, sign, list_ in KINDS if head[at:].startswith(sign)), None)
    return None if found is not None and _is_document(file, head) else found


def _is_document(file: Path, head: bytes) -> bool:
    if not head.startswith(b"PK"):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return any(name in archive.NameToInfo for name in DOCUMENT)
    except DAMAGE:
        return False


@dataclass
class _Unpacking:
    """One archive on its way to `folder`, and how much of it has come."""

    file: Path
    folder: Path
    max_bytes: int
    size: int = 0  # of what has come, in bytes
    written: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)

    def run(self) -> None:
        members = _members_of(self.file)
        if members is None:
            raise DataError(f"{self.file} is no archive that is known here.")
        self.folder.mkdir()
        with self._damage_named():
            for member in members(self.file, self.meter):
                self._take(member)
        if not self.written:
            held = f"nothing but {_named(self.left)}" if self.left else "no file"
            remedy = "unpack it yourself and name the folder" if self.left else "name another"
            raise DataError(f"{self.file} holds {held}; {remedy}.")
        if self.left:
            logger.warning("%s: left out of it: %s.", self.file, _named(self.left))

    @contextmanager
    def _damage_named(self) -> Iterator[None]:
        try:
            yield
        except UNKNOWN as error:
            raise DataError(
                f"{self.file} is compressed in a way that is not read ({error}); unpack it "
                "yourself and name the folder."
            ) from error
        except DAMAGE as error:
            raise DataError(
                f"{self.file} is damaged or was cut off ({error}); fetch it again."
            ) from error

    def _take(self, member: Member) -> None:
        parts = PurePosixPath(member.path).parts
        if any(LEAVINGS.fullmatch(part) for part in parts):
            return
        if not parts or _leaves(member.path, parts):
            raise DataError(
                f"{self.file} holds the path {member.path[:100]!r}, which leads out of it; it is "
                "not unpacked."
            )
        path = "/".join(parts)
        if NESTED.fullmatch(parts[-1]) or member.left:
            self.left.append(f"{path} ({member.left or 'an archive within it'})")
            return
        self._count(path)
        with member.open() as source:
            self._write(source, self.folder.joinpath(*parts))

    def _count(self, path: str) -> None:
        if path in self.written:
            raise DataError(f"{self.file} holds {path} twice; unpack it yourself and keep one.")
        self.written.add(path)
        if len(self.written) > MAX_FILES:
            raise DataError(
                f"{self.file} holds more than {MAX_FILES:,} files; unpack it yourself and put "
                "them into fewer."
            )

    def _write(self, source: IO[bytes], target: Path) -> None:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            stream = target.open("xb")
        except OSError as error:
            raise self._not_written(target, error) from error
        with stream:
            while chunk := source.read(CHUNK_BYTES):
                self.size += len(chunk)
                if self.size > self.max_bytes:
                    raise self._too_large()
                try:
                    stream.write(chunk)
                except OSError as error:
                    raise self._not_written(target, error) from error

    def _not_written(self, target: Path, error: OSError) -> JobError:
        if error.errno in UNWRITABLE or isinstance(error, PermissionError):
            return cannot_write(target, error)
        path = target.relative_to(self.folder)
        return DataError(
            f"{self.file}: {str(path)[:100]} in it cannot be written ({error.strerror}); unpack it "
            "yourself and name the folder."
        )

    def meter(self, stream: IO[bytes]) -> Metered:
        """A stream that is read no further than the limit."""
        return Metered(stream, self.max_bytes, self._too_large)

    def _too_large(self) -> DataError:
        return DataError(
            f"{self.file} unpacks to more than {self.max_bytes / 1e6:.1f} MB, which is the limit "
            f"(MAX_DOWNLOAD_MB for a download, {LOCAL_TIMES} times its size, or "
            f"{LOCAL_LEAST_BYTES // 1_000_000} MB, for a file of this machine); if it is "
            "the right file, unpack it yourself and name the folder."
        )


def _leaves(path: str, parts: Sequence[str]) -> bool:
    """Whether the path leads out of the folder, on this system or another."""
    return path.startswith("/") or ".." in parts or "\0" in path or bool(DRIVE.match(path))


def _named(left: Sequence[str]) -> str:
    more = f" and {len(left) - NAMES_SHOWN} more" if len(left) > NAMES_SHOWN else ""
    return ", ".join(left[:NAMES_SHOWN]) + more
