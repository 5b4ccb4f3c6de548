"""Objects of any store that fsspec opens, by their names as they are written.

fsspec takes `[ ] * ?` for a pattern, `::` for a chain of file systems and `#` or `?` for a version
of an object. The calls here do not: `rm`, `get`, `put` and `expand_path` are never among them.
Functions open the file system by URL where they use it: its sockets do not survive a fork.
Reference: https://filesystem-spec.readthedocs.io/en/latest/api.html
"""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from job.errors import OutputError
from job.storage.faults import CorruptedError
from job.storage.retry import Received
from job.storage.urls import is_local, local_path, scheme_of

VERSIONS = ("etag", "ETag", "blob_id", "md5Hash", "mtime", "LastModified", "created")


def open_filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of `url` and the path in it. Listings are never cached: others write too.

    Raises OutputError when no installed package serves the URL's scheme.
    """
    try:
        return _open_named(url, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        raise OutputError(f"{url} cannot be opened ({error}); use a path or gs://…") from error


def _open_named(url: str, **options: object) -> tuple[fsspec.AbstractFileSystem, str]:
    """The path is nothing but a name."""
    if is_local(url):
        return LocalFileSystem(), str(local_path(url).absolute())
    kind = fsspec.get_filesystem_class(scheme_of(url))
    from_url = kind._get_kwargs_from_urls(url)
    from_url.pop("version_aware", None)  # set where a name ends like `#12`
    path = kind._strip_protocol(url)
    if not path.startswith(kind.root_marker):  # memory's, where it takes `::` for a chain
        path = kind.root_marker + path
    return fsspec.filesystem(scheme_of(url), **{**from_url, **options}), path


def exists(url: str) -> bool:
    """Whether an object or a folder lies there."""
    filesystem, path = open_filesystem(url)
    try:
        filesystem.info(path)
    except FileNotFoundError:
        return False
    return True


def names(url: str) -> set[str]:
    """The names directly below `url`. Raises FileNotFoundError where there are none."""
    filesystem, path = open_filesystem(url)
    below = (name.rstrip("/") for name in filesystem.ls(path, detail=False))
    return {name.rpartition("/")[2] for name in below if name != path.rstrip("/")}


def files_below(url: str, most: int) -> list[str]:
    """The names of the objects below `url`, from there. Raises FileNotFoundError."""
    filesystem, path = open_filesystem(url)
    inside = (name[len(path.rstrip("/")) :].lstrip("/") for name in filesystem.find(path))
    return [name for name in inside if name][:most]


def modified_at(url: str) -> float:
    """By the store's clock."""
    filesystem, path = open_filesystem(url)
    return float(filesystem.modified(path).timestamp())


def size_and_version(url: str) -> tuple[int | None, str]:
    """In bytes, and what the store has of what changes with the content; None and "" else."""
    filesystem, path = open_filesystem(url)
    facts = filesystem.info(path)
    return facts.get("size"), next((str(facts[key]) for key in VERSIONS if facts.get(key)), "")


def open_read(url: str) -> BinaryIO:
    """An object as a stream. Raises FileNotFoundError."""
    filesystem, path = open_filesystem(url)
    return cast(BinaryIO, filesystem.open(path.rstrip("/"), "rb"))


def read(url: str, stream: Received) -> None:
    """Copies an object to `stream`. Raises FileNotFoundError."""
    filesystem, path = open_filesystem(url)
    with filesystem.open(path, "rb") as source:
        stream.restart()
        shutil.copyfileobj(source, stream)


def write(file: Path, url: str) -> None:
    """Publishes a file. Raises CorruptedError where it arrived with another size."""
    filesystem, path = open_filesystem(url)
    filesystem.put_file(str(file), path)
    arrived, sent = filesystem.info(path)["size"], file.stat().st_size
    if arrived != sent:
        raise CorruptedError(f"{url}: {arrived} bytes arrived of {sent}")


def create(url: str, data: bytes) -> None:
    """Publishes `data` where nothing lies. Raises FileExistsError where something does."""
    filesystem, path = open_filesystem(url)
    filesystem.pipe_file(path, data, mode="create")


def swap(url: str, old: bytes, new: bytes) -> None:
    """Publishes `new` in the place of `old`. Raises FileExistsError where something else lies.

    fsspec has no condition for it: another's write between the look and the write is not seen.
    """
    filesystem, path = open_filesystem(url)
    content = filesystem.cat_file(path)
    if content not in (old, new):  # `new`: a write that was done, but whose answer was lost
        raise FileExistsError(url)
    filesystem.pipe_file(path, new)


def remove(url: str, is_ours: Callable[[str], bool]) -> list[str]:
    """Deletes the object, or of the folder the objects that are ours; returns the names of those
    that are not, from the folder."""
    filesystem, path = open_filesystem(url)
    found = filesystem.find(path, withdirs=True, detail=True)
    left = []
    for name, facts in sorted(found.items(), reverse=True):
        if facts["type"] == "directory":
            with suppress(OSError, NotImplementedError):  # not empty, or not known as such
                filesystem.rmdir(name)
            continue
        inside = name[len(path.rstrip("/")) :].lstrip("/")
        if inside and not is_ours(inside):
            left.append(inside)
        else:
            filesystem.rm_file(name)
    return left
