"""Every byte to or from a URL: whole or not at all, and no name is taken for a pattern.

A URL is anything that fsspec knows (`gs://bucket/dir`, `memory://dir`) or a plain path. What fails
in a way that passes is tried again (`retry`); then one of the job's errors names the URL.
Functions open the file system by URL where they use it: its sockets do not survive a fork.
"""

import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import fsspec

from job.errors import OutputError, StorageError
from job.storage import filesystems, gcs, local
from job.storage.manifest import MANIFEST
from job.storage.owned import local_path, require_below
from job.storage.retry import CorruptedError, named, persist
from job.storage.urls import is_local

T = TypeVar("T")


def join(url: str, *names: str) -> str:
    """The URL of `names` below `url`."""
    return "/".join([url.rstrip("/"), *names])


def open_filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of `url` and the path in it. Listings are never cached: others write too.

    Raises OutputError when no installed package serves the URL's scheme.
    """
    try:
        return filesystems.open_named(url, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        raise OutputError(f"{url}: cannot be opened ({error}); use a path or gs://…") from error


def _at(
    url: str,
    on_disk: Callable[[Path], T],
    in_bucket: Callable[[str], T],
    elsewhere: Callable[[fsspec.AbstractFileSystem, str], T],
) -> T:
    """What the function for the store of `url` gives, for as long as it takes."""
    if is_local(url):
        return persist(url, lambda: on_disk(local_path(url)))
    if gcs.is_gcs(url):
        return persist(url, lambda: in_bucket(url))
    return persist(url, lambda: elsewhere(*open_filesystem(url)))


def exists(url: str) -> bool:
    """Whether an object, file or directory lies at `url`."""
    return _at(url, local.exists, gcs.exists, filesystems.exists)


def is_link(url: str) -> bool:
    """Whether a link of this machine lies at `url`: what is behind it may be somebody else's."""
    return is_local(url) and local_path(url).is_symlink()


def list_names(url: str) -> list[str]:
    """The names directly below `url`, sorted; none where nothing lies there."""
    try:
        return sorted(_at(url, local.names, gcs.names, filesystems.names))
    except (FileNotFoundError, NotADirectoryError):
        return []


def modified_at(url: str) -> float:
    """When the object was written, in seconds since 1970 by the store's clock, not by ours."""
    return _at(url, local.modified_at, gcs.modified_at, filesystems.modified_at)


def size_and_version(url: str) -> tuple[int | None, str]:
    """The size of one object in bytes, and a text that changes with its content; None and "" where
    the store does not tell. Raises FileNotFoundError when there is none."""
    return _at(url, local.size_and_version, gcs.size_and_version, filesystems.size_and_version)


def require_scheme(url: str) -> None:
    """Raises OutputError when no installed package serves the URL's scheme."""
    if not gcs.is_gcs(url):
        open_filesystem(url)


def read_bytes(url: str) -> bytes:
    """The content of one object. Raises FileNotFoundError when there is none."""
    with tempfile.SpooledTemporaryFile(1 << 20) as stream:
        _download(url, stream)
        stream.seek(0)
        return stream.read()


@contextmanager
def open_read(url: str) -> Iterator[BinaryIO]:
    """One object as a binary stream. Raises FileNotFoundError when there is none."""

    def elsewhere(filesystem: fsspec.AbstractFileSystem, path: str) -> BinaryIO:
        return filesystem.open(path.rstrip("/"), "rb")

    with _at(url, lambda path: path.open("rb"), gcs.open_read, elsewhere) as stream, named(url):
        yield stream


def _download(url: str, stream: BinaryIO) -> None:
    def copy(source: BinaryIO) -> None:
        stream.seek(0)
        stream.truncate()
        shutil.copyfileobj(source, stream)

    def from_disk(path: Path) -> None:
        with path.open("rb") as source:
            copy(source)

    def from_elsewhere(filesystem: fsspec.AbstractFileSystem, path: str) -> None:
        with filesystem.open(path, "rb") as source:
            copy(source)

    _at(url, from_disk, lambda _: gcs.download(url, stream), from_elsewhere)


def download_file(url: str, file: Path) -> None:
    """Copies one object to a local file. Raises FileNotFoundError when there is none."""
    staged = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
    try:
        with named(str(file)):
            file.parent.mkdir(parents=True, exist_ok=True)
            with staged.open("wb+") as stream:
                _download(url, stream)
            staged.replace(file)
    finally:
        staged.unlink(missing_ok=True)


def write_bytes(url: str, data: bytes) -> None:
    """Publishes `data` at `url`, whole or not at all."""
    with named(tempfile.gettempdir()), tempfile.TemporaryDirectory(prefix="job-") as folder:
        file = Path(folder, "data")
        file.write_bytes(data)
        upload_file(file, url)


def upload_file(file: Path, url: str) -> None:
    """Publishes a local file at `url`, whole or not at all, and verifies what arrived."""
    _at(
        url,
        lambda path: local.publish(file, path),
        lambda _: gcs.upload(file, url),
        lambda filesystem, path: _put(filesystem, path, file, url),
    )


def _put(filesystem: fsspec.AbstractFileSystem, path: str, file: Path, url: str) -> None:
    filesystem.put_file(str(file), path)
    arrived, sent = filesystem.info(path)["size"], file.stat().st_size
    if arrived != sent:
        raise CorruptedError(f"{url}: {arrived} bytes arrived of {sent}")


def create(url: str, data: bytes) -> None:
    """Publishes `data` only where nothing lies. Raises FileExistsError where something does."""
    _at(
        url,
        lambda path: local.create(path, data),
        lambda _: gcs.create(url, data),
        lambda filesystem, path: filesystem.pipe_file(path, data, mode="create"),
    )


def swap(url: str, old: bytes, new: bytes) -> None:
    """Publishes `new` only in the place of `old`.

    Raises FileExistsError where something else lies, FileNotFoundError where nothing does. On a
    store other than a path and gs:// another's write between the look and the write is not seen.
    """
    if is_local(url):
        persist(url, lambda: local.swap(local_path(url), old, new))
    elif gcs.is_gcs(url):
        persist(url, lambda: gcs.swap(url, old, new))
    elif read_bytes(url) != old:
        raise FileExistsError(url)
    else:
        write_bytes(url, new)


def upload_dir(folder: Path, url: str) -> None:
    """Publishes every file below `folder` at the same place below `url`, MANIFEST.json last."""
    files = sorted(
        (file for file in folder.rglob("*") if file.is_file()),
        key=lambda file: (file.name == MANIFEST, file.as_posix()),
    )
    for file in files:
        upload_file(file, join(url, file.relative_to(folder).as_posix()))


def remove(url: str, owner: str, is_ours: Callable[[str], bool] = lambda name: True) -> list[str]:
    """Deletes what lies at `url`, strictly below `owner`; nothing happens when it is absent.

    Of a directory only what `is_ours` by its name from there; returns the names that stay. Raises
    NotOwnedError, before anything is deleted, where it is not below `owner`.
    """
    require_below(url, owner)
    try:
        return _at(
            url,
            lambda path: local.remove(path, is_ours),
            lambda _: gcs.remove(url, is_ours),
            lambda filesystem, path: filesystems.remove(filesystem, path, is_ours),
        )
    except FileNotFoundError:
        return []


def probe_writable(url: str) -> None:
    """Writes, reads back and deletes a small object below `url`.

    Raises OutputError, PermissionDeniedError or StorageError when one of the three fails.
    """
    probe = join(url, f".probe-{uuid.uuid4().hex[:8]}")
    data = b"written, read and deleted by the pre-flight check"
    write_bytes(probe, data)
    try:
        if read_bytes(probe) != data:
            raise StorageError(f"{probe}: what was read differs from what was written.")
    finally:
        remove(probe, url)


class LocalMirror:
    """A local folder for a library that writes to paths only, published at `url` when asked.

    Where `url` is local the folder is that one, and publishing does nothing.
    """

    def __init__(self, url: str, scratch: Path):
        self.url = url
        # TensorBoard takes a path that begins with `gs:` for a bucket's.
        self.folder = local_path(url).absolute() if is_local(url) else scratch

    def publish(self) -> None:
        """Uploads what is in the folder now."""
        if not is_local(self.url):
            upload_dir(self.folder, self.url)
