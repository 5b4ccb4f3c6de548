"""Objects of any store that fsspec opens, by their names as they are written.

fsspec takes `[ ] * ?` for a pattern, `::` for a chain of file systems and `#` or `?` for a version
of an object. The calls here do not: `rm`, `get`, `put` and `expand_path` are never among them.
Reference: https://filesystem-spec.readthedocs.io/en/latest/api.html
"""

from collections.abc import Callable
from contextlib import suppress

import fsspec
from fsspec.implementations.local import LocalFileSystem

from job.storage.owned import local_path
from job.storage.urls import is_local, scheme_of

VERSIONS = ("etag", "ETag", "blob_id", "md5Hash", "mtime", "LastModified", "created")


def open_named(url: str, **options: object) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URL and the path in it, which is nothing but a name.

    Raises ValueError or ImportError when no installed package serves the scheme.
    """
    if is_local(url):
        return LocalFileSystem(), str(local_path(url).absolute())
    kind = fsspec.get_filesystem_class(scheme_of(url))
    from_url = kind._get_kwargs_from_urls(url)
    from_url.pop("version_aware", None)  # set where a name ends like `#12`
    path = kind._strip_protocol(url)
    if not path.startswith(kind.root_marker):  # memory's, where it takes `::` for a chain
        path = kind.root_marker + path
    return fsspec.filesystem(scheme_of(url), **{**from_url, **options}), path


def exists(filesystem: fsspec.AbstractFileSystem, path: str) -> bool:
    """Whether an object or a folder lies there."""
    try:
        filesystem.info(path)
    except FileNotFoundError:
        return False
    return True


def names(filesystem: fsspec.AbstractFileSystem, path: str) -> set[str]:
    """The names directly below `path`. Raises FileNotFoundError where there are none."""
    below = (name.rstrip("/") for name in filesystem.ls(path, detail=False))
    return {name.rpartition("/")[2] for name in below if name != path.rstrip("/")}


def modified_at(filesystem: fsspec.AbstractFileSystem, path: str) -> float:
    """By the store's clock."""
    return filesystem.modified(path).timestamp()


def size_and_version(filesystem: fsspec.AbstractFileSystem, path: str) -> tuple[int | None, str]:
    """In bytes, and what the store has of what changes with the content; None and "" else."""
    facts = filesystem.info(path)
    return facts.get("size"), next((str(facts[key]) for key in VERSIONS if facts.get(key)), "")


def remove(
    filesystem: fsspec.AbstractFileSystem, path: str, is_ours: Callable[[str], bool]
) -> list[str]:
    """Deletes the object, or of the folder the objects that are ours; returns the names of those
    that are not, from the folder."""
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
