"""Files of this machine: written beside their place and renamed into it, whole or not at all.

What a file system lacks is done another way: a hard link by a lock file and a rename, the renaming
of a file over another by writing over it.
"""

import errno
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, suppress
from pathlib import Path

from job.storage import liveness
from job.storage.locks import locked, locked_beside, tell_once
from job.storage.manifest import MANIFEST, named_files
from job.storage.retry import FULL

SCRATCH = "-korean-ner-job"
# Of a rename over a file that lies there: some servers refuse it, and a file may be a mount point.
STAYS = {
    *(errno.EPERM, errno.EACCES, errno.EEXIST, errno.EBUSY, errno.EXDEV, errno.ETXTBSY),
    *(errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL),
}
WITHOUT_SYNC = {errno.EINVAL, errno.ENOSYS, errno.EROFS, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder; those of runs that were killed, which may hold a model each, go first."""
    for owner in Path(tempfile.gettempdir()).glob(f"tmp????????{SCRATCH}/owner"):
        with suppress(OSError, ValueError, IndexError):  # another user's, or only half-written
            if not owner.parent.is_symlink() and liveness.is_gone(owner.read_text()):
                shutil.rmtree(owner.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(SCRATCH, ignore_cleanup_errors=True) as folder:
        Path(folder, "owner").write_text(liveness.name_of_this())
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


def size_and_version(path: Path) -> tuple[int, str]:
    """In bytes, and by the clock of the disk."""
    facts = path.stat()
    return facts.st_size, str(facts.st_mtime)


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
        _put(staged, target)


def create(target: Path, data: bytes) -> None:
    """Writes `data` where nothing lies. Raises FileExistsError where something does."""
    with _staged(target) as staged:
        staged.write_bytes(data)
        _sync(staged)
        try:
            os.link(staged, target)  # unlike a rename, never over another's file
        except (FileExistsError, FileNotFoundError):
            raise
        except OSError as error:
            if error.errno in FULL:
                raise
            lack = f"no hard links ({error.strerror})"
            tell_once(target.parent, lack, "lock files take their place")
            with locked_beside(target):
                if os.path.lexists(target):
                    raise FileExistsError(target) from error
                _put(staged, target)


def swap(target: Path, old: bytes, new: bytes) -> None:
    """Writes `new` in the place of `old`. Raises FileExistsError where something else lies."""
    with locked(target):
        if target.read_bytes() != old:
            raise FileExistsError(target)
        with _staged(target) as staged:
            staged.write_bytes(new)
            _sync(staged)
            _put(staged, target)


def _put(staged: Path, target: Path) -> None:
    """Renames, or where that is refused writes over what lies there, which a reader may see."""
    try:
        staged.replace(target)
    except OSError as error:
        if error.errno not in STAYS or target.is_dir():
            raise
        lack = f"no renaming over a file ({error.strerror})"
        tell_once(target.parent, lack, "files are written over in their place")
        with staged.open("rb") as source, target.open("rb+" if target.exists() else "xb") as stream:
            shutil.copyfileobj(source, stream)
            stream.truncate()
        _sync(target)


def replace_folder(folder: Path, target: Path) -> bool:
    """Puts a copy of `folder` in the place of what lies at `target`, as a whole; False, and nothing
    is changed, where that cannot be: at a link, a mount point, or where folders are not renamed.

    What is not ours, by the manifest there, moves into the new folder. What a call left beside it
    when it was killed goes the same way, once there is a new one.
    """
    if target.is_symlink() or target.is_mount():
        return False
    _make_folder(target.parent)
    for left in _left_beside(target, "new"):
        shutil.rmtree(left, ignore_errors=True)
    staged, trial, old = (
        target.with_name(f".{target.name}.{kind}-{uuid.uuid4().hex[:8]}")
        for kind in ("new", "new", "old")
    )
    try:
        if not _is_renamed(trial, staged):  # a small folder, before a large one is copied
            return False
        _copy(folder, staged)
        if os.path.lexists(target) and not _renamed(target, old):
            return False
        if not _renamed(staged, target):
            return False
        for left in _left_beside(target, "old"):
            _bring_over(left, target, names(folder))
    finally:
        if os.path.lexists(old) and not os.path.lexists(target):
            old.rename(target)
        shutil.rmtree(staged, ignore_errors=True)
    return True


def _is_renamed(trial: Path, name: Path) -> bool:
    """Whether a folder with a file in it can be given another name here; neither stays."""
    try:
        trial.mkdir()
        (trial / "file").touch()
        return _renamed(trial, name)
    finally:
        for folder in (trial, name):
            shutil.rmtree(folder, ignore_errors=True)


def _renamed(folder: Path, target: Path) -> bool:
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in FULL:
            raise
        if error.errno != errno.EBUSY:  # a mount point on the same disk
            lack = f"no renaming of a folder ({error.strerror})"
            tell_once(target.parent, lack, "model and report are replaced file by file")
        return False
    return True


def _copy(folder: Path, target: Path) -> None:
    """The files below a folder and nothing of their owners, modes and times."""
    target.mkdir()
    for path in sorted(folder.rglob("*")):
        copy = target / path.relative_to(folder)
        if path.is_dir():
            copy.mkdir()
        else:
            shutil.copyfile(path, copy)
            _sync(copy)


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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is not a folder") from None
    except FileNotFoundError:  # /proc and its like say so
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} cannot be made") from None
    except RecursionError as error:
        raise OSError(errno.ENAMETOOLONG, "too many folders in one another") from error


@contextmanager
def _staged(target: Path) -> Iterator[Path]:
    _make_folder(target.parent)
    staged = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield staged
    finally:
        staged.unlink(missing_ok=True)


def _sync(file: Path) -> None:
    with file.open("rb+") as stream:
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            if error.errno not in WITHOUT_SYNC:
                raise
