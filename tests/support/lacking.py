"""File systems that lack something: what they answer is put before the system's own calls."""

import errno
import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

# What is not there, and what systems answer instead (NFS, SMB, gcsfuse, sshfs, Colab's Drive).
LACKS: Mapping[str, tuple[str, ...]] = {
    "links": ("EPERM", "ENOSYS", "EOPNOTSUPP", "EMLINK", "EACCES", "EXDEV"),
    "locks": ("ENOSYS", "ENOLCK", "EOPNOTSUPP", "EINVAL"),
    "locks for readers": ("EBADF",),
    "renaming of folders": ("EXDEV", "ENOTSUP", "EPERM", "ENOSYS", "EIO", "EBUSY", "EMFILE"),
    "renaming over files": ("EEXIST", "EACCES", "EPERM", "EBUSY"),
    "sync": ("EINVAL", "ENOSYS", "EROFS"),
    "modes and times": ("EPERM", "ENOSYS", "EOPNOTSUPP"),
}
EACH = [(lack, name) for lack, names in LACKS.items() for name in names]
# As a bucket that gcsfuse mounts on Vertex AI, and as the poorest there may be.
MOUNTED_BUCKET = {"links": "ENOSYS", "renaming of folders": "EMFILE"}
POOREST = {
    **{"links": "EPERM", "locks": "ENOLCK", "renaming of folders": "EPERM"},
    **{"renaming over files": "EEXIST", "sync": "EINVAL", "modes and times": "EPERM"},
}


def lack(patch: pytest.MonkeyPatch, lacks: Mapping[str, str], below: Path) -> None:
    """From now on files below a folder lie on a system that lacks these, by the error's name."""
    for what, name in lacks.items():
        _LACKING[what](patch, getattr(errno, name), below)


def _refuse(
    patch: pytest.MonkeyPatch,
    name: str,
    number: int,
    where: Callable[..., bool],
    owner: object = os,
) -> None:
    act = getattr(owner, name)

    def refused(*arguments: object, **options: object) -> object:
        if where(*arguments):
            raise OSError(number, os.strerror(number), str(arguments[0]))
        return act(*arguments, **options)

    patch.setattr(owner, name, refused)


def _is_below(path: object, below: Path) -> bool:
    if isinstance(path, int):
        path = Path(f"/proc/self/fd/{path}").readlink()
    return below in Path(path).absolute().parents


def _number(stream: object) -> int:
    return stream if isinstance(stream, int) else stream.fileno()


def _no_links(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    _refuse(patch, "link", number, lambda source, target: _is_below(target, below))


def _no_locks(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    def where(stream: object, operation: int) -> bool:
        return _is_below(_number(stream), below)

    _refuse(patch, "flock", number, where, fcntl)


def _no_locks_for_readers(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    def where(stream: object, operation: int) -> bool:
        mode = fcntl.fcntl(_number(stream), fcntl.F_GETFL) & os.O_ACCMODE
        return mode == os.O_RDONLY and _is_below(_number(stream), below)

    _refuse(patch, "flock", number, where, fcntl)


def _no_folders_renamed(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    for name in ("rename", "replace"):
        _refuse(patch, name, number, lambda a, b: Path(a).is_dir() and _is_below(b, below))


def _no_renaming_over(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    for name in ("rename", "replace"):
        _refuse(patch, name, number, lambda a, b: Path(b).is_file() and _is_below(b, below))


def _no_sync(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    _refuse(patch, "fsync", number, lambda file: _is_below(file, below))


def _no_room(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    """For checkpoints; the server of a network disk says so when it is to keep what it got."""
    _refuse(patch, "fsync", number, lambda file: _is_below(file, below / "checkpoints"))


def _no_modes(patch: pytest.MonkeyPatch, number: int, below: Path) -> None:
    for name in ("chmod", "utime", "chown"):
        _refuse(patch, name, number, lambda path, *rest: _is_below(path, below))


_LACKING = {
    "links": _no_links,
    "locks": _no_locks,
    "locks for readers": _no_locks_for_readers,
    "renaming of folders": _no_folders_renamed,
    "renaming over files": _no_renaming_over,
    "sync": _no_sync,
    "modes and times": _no_modes,
    "room for checkpoints": _no_room,
}
