"""One process at a time at a file of this machine: by flock, or by a lock file beside it.

Some file systems know no locks (NFS without its daemon, many in user space). There the lock is the
file `.<name>.lock`, which is created exclusively and bears its holder's name. One whose holder is
known to have ended, or that somebody waits for longer than any holder takes, is deleted.
"""

import errno
import fcntl
import logging
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from job.machine import is_gone, process_name

logger = logging.getLogger(__name__)

# EBADF: NFS takes the lock on a file that is open for writing alone.
WITHOUT_FLOCK = {
    *(errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.EBADF),
}
STALE_S = 30.0
LOOK_EVERY_S = 0.05
_told: set[str] = set()


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds the lock of a file that lies there, for as long as a small one is replaced.

    Raises FileExistsError where another replaced it meanwhile, FileNotFoundError where none lies.
    """
    with _opened(file) as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in WITHOUT_FLOCK:
                raise
            tell_once(file.parent, f"no locks ({error.strerror})", "lock files take their place")
        else:
            # Who waited for the lock holds that of a file that was replaced meanwhile.
            if not os.path.samestat(os.fstat(stream.fileno()), file.stat()):
                raise FileExistsError(file)
            yield
            return
    with locked_beside(file):
        yield


@contextmanager
def locked_beside(file: Path) -> Iterator[None]:
    """Holds the lock file of `file`, where something lies there or not."""
    lock = file.with_name(f".{file.name}.lock")
    mine = f"{process_name()}\n{uuid.uuid4().hex}".encode()
    _take(lock, mine)
    try:
        yield
    finally:
        if _content(lock) == mine:
            lock.unlink(missing_ok=True)


def tell_once(folder: Path, lack: str, instead: str) -> None:
    """Warns of what a file system has not, once a process for each such thing."""
    if lack not in _told:
        _told.add(lack)
        logger.warning(
            "%s: this file system has %s; %s, see docs/checkpoints.md.", folder, lack, instead
        )


def _opened(file: Path) -> BinaryIO:
    try:
        return file.open("rb+")
    except PermissionError:  # another user's, in a folder where both may write
        return file.open("rb")


def _take(lock: Path, mine: bytes) -> None:
    seen, since = None, time.monotonic()
    while True:
        if _created(lock, mine):
            return
        if (now := _content(lock)) != seen:
            seen, since = now, time.monotonic()
        if seen is not None and (_is_gone(seen) or time.monotonic() - since > STALE_S):
            if _content(lock) == seen:
                lock.unlink(missing_ok=True)
            continue
        time.sleep(LOOK_EVERY_S)


def _created(lock: Path, mine: bytes) -> bool:
    try:
        with lock.open("xb") as stream:
            try:
                stream.write(mine)
                stream.flush()
            except BaseException:
                lock.unlink(missing_ok=True)
                raise
    except FileExistsError:
        return False
    return True


def _is_gone(content: bytes) -> bool:
    name, newline, _ = content.decode(errors="replace").partition("\n")
    return bool(newline) and is_gone(name)


def _content(lock: Path) -> bytes | None:
    try:
        return lock.read_bytes()
    except FileNotFoundError:
        return None
