"""Files of this machine: written beside their place and renamed into it, whole or not at all."""

import errno
import fcntl
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from job import process

SCRATCH = "-korean-ner-job"


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder; those of runs that were killed, which may hold a model each, go first."""
    for owner in Path(tempfile.gettempdir()).glob(f"*{SCRATCH}/owner"):
        with suppress(OSError, ValueError, IndexError):  # another user's, or only half-written
            if process.is_gone(owner.read_text()):
                shutil.rmtree(owner.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(SCRATCH, ignore_cleanup_errors=True) as folder:
        Path(folder, "owner").write_text(process.name_of_this())
        yield Path(folder)


def publish(file: Path, target: Path) -> None:
    """Copies `file` to `target`: a reader sees the old file or the new one."""
    with _staged(target) as staged:
        shutil.copyfile(file, staged)
        _sync(staged)
        staged.replace(target)


def create(target: Path, data: bytes) -> None:
    """Writes `data` where nothing lies. Raises FileExistsError where something does."""
    with _staged(target) as staged:
        staged.write_bytes(data)
        _sync(staged)
        os.link(staged, target)  # unlike a rename, never over another's file


def swap(target: Path, old: bytes, new: bytes) -> None:
    """Writes `new` in the place of `old`. Raises FileExistsError where something else lies."""
    with target.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        # Who waited for the lock holds that of a file that was replaced meanwhile.
        if target.read_bytes() != old or not os.path.samestat(
            os.fstat(held.fileno()), target.stat()
        ):
            raise FileExistsError(target)
        with _staged(target) as staged:
            staged.write_bytes(new)
            _sync(staged)
            staged.replace(target)


def replace_folder(folder: Path, target: Path) -> None:
    """Puts a copy of `folder` in the place of what lies at `target`, as a whole.

    Copies that a call left beside it when it was killed go, once there is a new one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    suffix = uuid.uuid4().hex[:8]
    staged, old = (target.with_name(f".{target.name}.{w}-{suffix}") for w in ("new", "old"))
    try:
        shutil.copytree(folder, staged)
        if target.exists():
            target.rename(old)
        staged.rename(target)
        for left in _left_beside(target):
            shutil.rmtree(left, ignore_errors=True)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(staged, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _left_beside(target: Path) -> list[Path]:
    name = re.compile(rf"\.{re.escape(target.name)}\.(new|old)-[0-9a-f]{{8}}")
    return [path for path in target.parent.iterdir() if name.fullmatch(path.name)]


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, f"{target.parent} is not a folder") from error
    staged = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield staged
    finally:
        staged.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())
