"""Copies of what lies elsewhere: where they are kept, and how one lands whole or not at all.

A cache that cannot be written costs time and no run: a temporary folder takes its place.
"""

import atexit
import contextlib
import errno
import functools
import hashlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import urlsplit

from job import storage
from job.errors import DataError, OutputError
from job.storage import masked, scratch, whole_file

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
UNWRITABLE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG))

T = TypeVar("T")
_told: set[Path] = set()


def in_writable(folder: Path, act: Callable[[Path], T]) -> T:
    """The result of `act` with the cache at `folder` or, where that is read-only, a temporary one.

    `act` raises OutputError where it cannot write.
    """
    try:
        return act(folder)
    except OutputError as error:
        tell_unwritable(folder, error.__cause__ or error)
        return act(_temporary())


def tell_unwritable(folder: Path, error: BaseException) -> None:
    """Warns, once a process, that this cache keeps nothing."""
    if folder not in _told:
        _told.add(folder)
        logger.warning(
            "CACHE_DIR=%s cannot be written (%s): the run goes on without it, and the next "
            "one downloads and encodes again.",
            folder,
            getattr(error, "strerror", None) or error,
        )


@functools.cache
def _temporary() -> Path:
    """One folder of this process, which goes at its end."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(scratch())


def is_there(path: Path) -> bool:
    """Whether something lies there, as far as this user can see."""
    try:
        return path.exists()
    except OSError:
        return False


def copy_object(url: str, folder: Path, *, max_bytes: int, force: bool) -> Path:
    """The file at any fsspec URL as a local file below `folder`, copied unless it is there already.

    Raises FileNotFoundError, DataError (too large) and what `job.storage.objects` raises.
    """
    size, version = storage.size_and_version(url)
    target = cache_path(folder, url, f"{version} {size}" if version else "")
    if version and is_there(target) and target.stat().st_size == size and not force:
        logger.info("%s is unchanged: taken from %s.", url, target)
        return target
    refuse_large(size, max_bytes, url)
    with storage.open_read(url) as source, kept(target) as stream:
        while chunk := source.read(CHUNK_BYTES):
            stream.write(chunk)
            refuse_large(stream.tell(), max_bytes, url)
    return target


def cache_path(folder: Path, url: str, version: str) -> Path:
    """The path at which a version of the file at `url` is kept: no two versions share a path."""
    key = hashlib.sha256(f"{url}\n{version}".encode()).hexdigest()[:32]
    path = urlsplit(url).path if url.lower().startswith("http") else url  # a query may be a secret
    return folder / key / (path.rstrip("/").rsplit("/", 1)[-1] or "file")


@contextlib.contextmanager
def kept(target: Path) -> Iterator[BinaryIO]:
    """A stream whose content is at `target` when the block ends well.

    Raises OutputError where it cannot be written.
    """
    try:
        with contextlib.ExitStack() as stack:
            yield _opened(target, stack)
    except OSError as error:
        if error.errno in UNWRITABLE:  # others are the network's
            raise cannot_write(target, error) from error
        raise


def _opened(target: Path, stack: contextlib.ExitStack) -> BinaryIO:
    try:
        return stack.enter_context(stack.enter_context(whole_file(target)).open("wb"))
    except OSError as error:
        raise cannot_write(target, error) from error


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A new folder in `folder`, for a download that gets its name once it is complete.

    Raises OutputError where none can be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = tempfile.TemporaryDirectory(
            prefix=".download-", dir=folder, ignore_cleanup_errors=True
        )
    except OSError as error:
        raise cannot_write(folder, error) from error
    with temporary as path:
        yield Path(path)


def keep_first(folder: Path, target: Path) -> None:
    """Moves a finished download to its name; another process's copy of the same stays."""
    if target.exists():
        return
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():
            raise


def cannot_write(target: Path, error: OSError) -> OutputError:
    """The error that sends `in_writable` to a temporary folder."""
    return OutputError(f"{target} cannot be written ({error.strerror}); set CACHE_DIR elsewhere.")


def refuse_large(size: int | None, max_bytes: int, url: str) -> None:
    """Raises DataError for a file of more than `max_bytes`."""
    if size is not None and size > max_bytes:
        raise DataError(
            f"{masked(url)} is larger than MAX_DOWNLOAD_MB={max_bytes // 1_000_000} (at least "
            f"{size / 1e6:.1f} MB); raise it if that is the right file."
        )
