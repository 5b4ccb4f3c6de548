"""Files of this machine: written beside their place and renamed into it, whole or not at all."""

import errno
import fcntl
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path

from job import process
from job.manifest import MANIFEST, named_files

SCRATCH = "-korean-ner-job"


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder; those of runs that were killed, which may hold a model each, go first."""
    for owner in Path(tempfile.gettempdir()).glob(f"tmp????????{SCRATCH}/owner"):
        with suppress(OSError, ValueError, IndexError):  # another user's, or only half-written
            if not owner.parent.is_symlink() and process.is_gone(owner.read_text()):
                shutil.rmtree(owner.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(SCRATCH, ignore_cleanup_errors=True) as folder:
        Path(folder, "owner").write_text(process.name_of_this())
        yield Path(folder)


def names(folder: Path) -> set[str]:
    """The names directly in a folder. Raises what the system does where it is none."""
    return {path.name for path in folder.iterdir()}


def exists(path: Path) -> bool:
    """Whether something lies there, at the end of its links."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    return True


def modified_at(path: Path) -> float:
    """By the clock of the disk."""
    return path.stat().st_mtime


def remove(path: Path, is_ours: Callable[[str], bool]) -> list[str]:
    """Deletes the file or link, or of the folder the files that are ours, and what is empty then;
    returns the names of those that are not, from the folder. Links are not followed."""
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return []
    left = []
    for folder, folders, files in os.walk(path, topdown=False):
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for file in (Path(folder, name) for name in (*files, *links)):
            inside = file.relative_to(path).as_posix()
            if is_ours(inside):
                file.unlink(missing_ok=True)
            else:
                left.append(inside)
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()
    return left


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

    What is not ours, by the manifest there, moves into the new folder. What a call left beside it
    when it was killed goes the same way, once there is a new one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    suffix = uuid.uuid4().hex[:8]
    staged, old = (target.with_name(f".{target.name}.{w}-{suffix}") for w in ("new", "old"))
    try:
        shutil.copytree(folder, staged)
        if os.path.lexists(target):
            target.rename(old)
        staged.rename(target)
        for left in _left_beside(target, "old"):
            _bring_over(left, target, names(folder))
        for left in _left_beside(target, "new"):
            shutil.rmtree(left, ignore_errors=True)
    finally:
        if os.path.lexists(old) and not os.path.lexists(target):
            old.rename(target)
        shutil.rmtree(staged, ignore_errors=True)


def _bring_over(old: Path, target: Path, new: Set[str]) -> None:
    """Deletes what is ours in `old`, its manifest last, and moves the rest into `target`."""
    if old.is_symlink():
        old.unlink()
        return
    manifest = old / MANIFEST
    ours = named_files(manifest.read_bytes(), otherwise=new) if manifest.is_file() else new
    for entry in sorted(old.iterdir(), key=lambda entry: entry.name == MANIFEST):
        is_file = entry.is_symlink() or not entry.is_dir()
        if is_file and (entry.name in ours or entry.name == MANIFEST):
            entry.unlink()
        elif not os.path.lexists(target / entry.name):
            entry.rename(target / entry.name)
    if not any(old.iterdir()):
        old.rmdir()


def _left_beside(target: Path, kind: str) -> list[Path]:
    name = re.compile(rf"\.{re.escape(target.name)}\.{kind}-[0-9a-f]{{8}}")
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
