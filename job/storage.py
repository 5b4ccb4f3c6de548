"""Every byte to or from a URL: fsspec underneath, nothing half-written on top.

A URL is anything that fsspec knows (`gs://bucket/dir`, `memory://dir`) or a plain path. What fails
in a way that passes is tried again (`job.faults`); then one of the job's errors names the URL.
Functions open the file system by URL where they use it: a gcsfs object does not survive a fork.
Reference: https://filesystem-spec.readthedocs.io/en/latest/api.html
"""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

import fsspec

from job import disk, gcs
from job.errors import OutputError, StorageError
from job.faults import CorruptedError, named, persist
from job.manifest import MANIFEST

T = TypeVar("T")


def join(url: str, *names: str) -> str:
    """The URL of `names` below `url`."""
    return "/".join([url.rstrip("/"), *names])


def is_local(url: str) -> bool:
    """Whether `url` names a path of this machine."""
    return "://" not in url or url.startswith(("file://", "local://"))


def local_path(url: str) -> Path:
    """The path that a local URL names."""
    return Path(url.split("://", 1)[-1]).expanduser()


def open_filesystem(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of `url` and the path in it. Listings are never cached: others write too.

    Raises OutputError when no installed package serves the URL's scheme.
    """
    options: dict[str, object] = {"use_listings_cache": False}
    if gcs.is_gcs(url):
        options |= gcs.filesystem_options()
    try:
        return fsspec.core.url_to_fs(url, **options)
    except (ValueError, ImportError) as error:
        raise OutputError(f"{url}: cannot be opened ({error}); use a path or gs://…") from error


def _on(url: str, action: Callable[[fsspec.AbstractFileSystem, str], T]) -> T:
    """What `action` gives on the file system and the path of `url`, for as long as it takes."""
    return persist(url, lambda: action(*open_filesystem(url)))


def exists(url: str) -> bool:
    """Whether an object, file or directory lies at `url`."""
    try:
        _on(url, lambda filesystem, path: filesystem.info(path))
    except FileNotFoundError:
        return False
    return True


def list_names(url: str) -> list[str]:
    """The names directly below `url`, sorted; none where nothing lies there."""

    def listed(filesystem: fsspec.AbstractFileSystem, path: str) -> list[str]:
        below = (name.rstrip("/") for name in filesystem.ls(path, detail=False))
        return sorted({name.rsplit("/", 1)[-1] for name in below if name != path.rstrip("/")})

    try:
        return _on(url, listed)
    except (FileNotFoundError, NotADirectoryError):
        return []


def modified_at(url: str) -> float:
    """When the object was written, in seconds since 1970 by the store's clock, not by ours."""
    return _on(url, lambda filesystem, path: filesystem.modified(path)).timestamp()


def read_bytes(url: str) -> bytes:
    """The content of one object. Raises FileNotFoundError when there is none."""
    with tempfile.SpooledTemporaryFile(1 << 20) as stream:
        _download(url, stream)
        stream.seek(0)
        return stream.read()


@contextmanager
def open_read(url: str) -> Iterator[BinaryIO]:
    """One object as a binary stream. Raises FileNotFoundError when there is none."""
    with named(url):
        filesystem, path = open_filesystem(url)
        with filesystem.open(path, "rb") as stream:
            yield stream


def _download(url: str, stream: BinaryIO) -> None:
    if gcs.is_gcs(url):
        persist(url, lambda: gcs.download(url, stream))
        return

    def copy(filesystem: fsspec.AbstractFileSystem, path: str) -> None:
        stream.seek(0)
        stream.truncate()
        filesystem.get_file(path, stream)

    _on(url, copy)


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
    if is_local(url):
        persist(url, lambda: disk.publish(file, local_path(url)))
    elif gcs.is_gcs(url):
        persist(url, lambda: gcs.upload(file, url))
    else:
        _on(url, lambda filesystem, path: _put(filesystem, path, file, url))


def _put(filesystem: fsspec.AbstractFileSystem, path: str, file: Path, url: str) -> None:
    filesystem.put_file(str(file), path)
    arrived, sent = filesystem.info(path)["size"], file.stat().st_size
    if arrived != sent:
        raise CorruptedError(f"{url}: {arrived} bytes arrived of {sent}")


def create(url: str, data: bytes) -> None:
    """Publishes `data` only where nothing lies. Raises FileExistsError where something does."""
    if is_local(url):
        persist(url, lambda: disk.create(local_path(url), data))
    elif gcs.is_gcs(url):
        persist(url, lambda: gcs.create(url, data))
    else:
        _on(url, lambda filesystem, path: filesystem.pipe_file(path, data, mode="create"))


def swap(url: str, old: bytes, new: bytes) -> None:
    """Publishes `new` only in the place of `old`.

    Raises FileExistsError where something else lies, FileNotFoundError where nothing does. On a
    store other than a path and gs:// another's write between the look and the write is not seen.
    """
    if is_local(url):
        persist(url, lambda: disk.swap(local_path(url), old, new))
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


def replace_dir(folder: Path, url: str) -> None:
    """Puts `folder` in the place of what lies at `url`.

    Locally one whole directory takes the place of the other. Elsewhere the old MANIFEST.json goes
    first and the new one comes last: a reader finds the old content, nothing, or the new one.
    """
    if is_local(url):
        persist(url, lambda: disk.replace_folder(folder, local_path(url)))
    else:
        remove(join(url, MANIFEST))
        upload_dir(folder, url)


def remove(url: str) -> None:
    """Deletes the object or the whole directory at `url`; nothing happens when it is absent."""
    try:
        _on(url, lambda filesystem, path: filesystem.rm(path, recursive=True))
    except FileNotFoundError:
        return


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
        remove(probe)


class LocalMirror:
    """A local folder for a library that writes to paths only, published at `url` when asked.

    Where `url` is local the folder is that one, and publishing does nothing.
    """

    def __init__(self, url: str, scratch: Path):
        self.url = url
        self.folder = local_path(url) if is_local(url) else scratch

    def publish(self) -> None:
        """Uploads what is in the folder now."""
        if not is_local(self.url):
            upload_dir(self.folder, self.url)
