"""Files of this machine: written beside their place and renamed into it, whole or not at all.

What a file system lacks is done another way: a hard link by a lock file and a rename, the renaming
of a file over another by writing over it.
"""

import errno
import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from job.machine import is_gone, process_name
from job.storage.faults import FULL
from job.storage.locks import locked, locked_beside, tell_once
from job.storage.retry import Received
from job.storage.urls import local_path

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
            if not owner.parent.is_symlink() and is_gone(owner.read_text()):
                shutil.rmtree(owner.parent, ignore_errors=True)
    with tempfile.TemporaryDirectory(SCRATCH, ignore_cleanup_errors=True) as folder:
        Path(folder, "owner").write_text(process_name())
        yield Path(folder)


def names(url: str) -> set[str]:
    """The names directly in a folder. Raises what the system does where it is none."""
    return {path.name for path in local_path(url).iterdir()}


def files_below(url: str, most: int) -> list[str]:
    """The names of files, and of links to folders, from the folder. Raises what the system does."""
    return list(itertools.islice(_walk(local_path(url)), most))


def _walk(folder: Path) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise error

    for place, folders, files in os.walk(folder, onerror=refuse):
        folders.sort()
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in sorted((*links, *files)):
            yield Path(place, name).relative_to(folder).as_posix()


def exists(url: str) -> bool:
    """Whether something lies there, at the end of its links."""
    try:
        local_path(url).stat()
    except FileNotFoundError:
        return False
    return True


def modified_at(url: str) -> float:
    """By the clock of the disk."""
    return local_path(url).stat().st_mtime


def size_and_version(url: str) -> tuple[int | None, str]:
    """In bytes, and by the clock of the disk."""
    facts = local_path(url).stat()
    return facts.st_size, str(facts.st_mtime)


def open_read(url: str) -> BinaryIO:
    """A file as a stream. Raises FileNotFoundError."""
    return local_path(url).open("rb")


def remove(url: str, is_ours: Callable[[str], bool]) -> list[str]:
    """Deletes the file or link, or of the folder the files that are ours, and what is empty then;
    returns the names of those that are not, from the folder. Links are not followed."""
    path = local_path(url)
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


def read(url: str, stream: Received) -> None:
    """Copies a file to `stream`."""
    with local_path(url).open("rb") as source:
        stream.restart()
        shutil.copyfileobj(source, stream)


def write(file: Path, url: str) -> None:
    """Copies `file` to `url`: a reader sees the old file or the new one."""
    with whole_file(local_path(url)) as staged:
        shutil.copyfile(file, staged)


def create(url: str, data: bytes) -> None:
    """Writes `data` where nothing lies. Raises FileExistsError where something does."""
    target = local_path(url)
    with _staged(target) as staged:
        staged.write_bytes(data)
        sync(staged)
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


def swap(url: str, old: bytes, new: bytes) -> None:
    """Writes `new` in the place of `old`. Raises FileExistsError where something else lies."""
    target = local_path(url)
    with locked(target):
        if target.read_bytes() != old:
            raise FileExistsError(target)
        with whole_file(target) as staged:
            staged.write_bytes(new)


@contextmanager
def whole_file(target: Path, *, durable: bool = True) -> Iterator[Path]:
    """A file to write that becomes `target` when the block ends well, and else is deleted.

    A reader sees the old content or the new one; two writers have a file each. `durable`: it has
    reached the disk, as far as the system says. Raises OSError.
    """
    with _staged(target) as staged:
        yield staged
        if durable:
            sync(staged)
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
        sync(target)


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it. Raises OSError with words that a person understands."""
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
    make_folder(target.parent)
    staged = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        yield staged
    finally:
        staged.unlink(missing_ok=True)


def sync(file: Path) -> None:
    """Waits until a file has reached the disk, where the file system can say so."""
    with file.open("rb+") as stream:
        try:
            os.fsync(stream.fileno())
        except OSError as error:
            if error.errno not in WITHOUT_SYNC:
                raise
