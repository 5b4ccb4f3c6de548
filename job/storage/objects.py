"""Every byte to or from a URL: whole or not at all, and no name is taken for a pattern.

A URL is anything that a store serves (`gs://bucket/dir`, `memory://dir`) or a plain path. What
fails in a way that passes is tried again (`retry`); then one of the job's errors names the URL.
"""

import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from job.errors import JobError, StorageError
from job.storage import fsspec_store, gcs, local
from job.storage.faults import named
from job.storage.manifest import MANIFEST
from job.storage.owned import require_below
from job.storage.retry import Received, persist
from job.storage.urls import BUCKETS, LOCAL, is_local, join, local_path, scheme_of


class Store(Protocol):
    """The operations of a store, a module or an object for each. A name is never a pattern.

    Whatever a store's own library raises is judged by `job.storage.faults`, and repeated or named
    here; FileNotFoundError and FileExistsError are answers.
    """

    def exists(self, url: str) -> bool: ...

    def names(self, url: str) -> set[str]: ...

    def files_below(self, url: str, most: int) -> list[str]: ...

    def modified_at(self, url: str) -> float: ...

    def size_and_version(self, url: str) -> tuple[int | None, str]: ...

    def open_read(self, url: str) -> BinaryIO: ...

    def read(self, url: str, stream: Received) -> object: ...

    def write(self, file: Path, url: str) -> None: ...

    def create(self, url: str, data: bytes) -> None: ...

    def swap(self, url: str, old: bytes, new: bytes) -> None: ...

    def remove(self, url: str, is_ours: Callable[[str], bool]) -> list[str]: ...


# A scheme is added as a row and a file. What has none is fsspec's.
STORES: dict[str | None, Store] = {
    None: local,
    **dict.fromkeys(LOCAL, cast(Store, local)),
    **dict.fromkeys(BUCKETS, cast(Store, gcs)),
}


def store_of(url: str) -> Store:
    """The store of `url`."""
    return STORES.get(scheme_of(url), fsspec_store)


def exists(url: str) -> bool:
    """Whether an object, file or directory lies at `url`."""
    return persist(url, lambda: store_of(url).exists(url))


def is_link(url: str) -> bool:
    """Whether a link of this machine lies at `url`: what is behind it may be somebody else's."""
    return is_local(url) and local_path(url).is_symlink()


def list_names(url: str) -> list[str]:
    """The names directly below `url`, sorted; none where nothing lies there."""
    try:
        return sorted(persist(url, lambda: store_of(url).names(url)))
    except (FileNotFoundError, NotADirectoryError):
        return []


def files_below(url: str, most: int) -> list[str]:
    """The names of at most so many files below `url` at any depth, from there, sorted; none where
    nothing lies there. A link to a folder is one name: what is behind it may be a circle."""
    try:
        return sorted(persist(url, lambda: store_of(url).files_below(url, most)))
    except (FileNotFoundError, NotADirectoryError):
        return []


def modified_at(url: str) -> float:
    """When the object was written, in seconds since 1970 by the store's clock, not by ours."""
    return persist(url, lambda: store_of(url).modified_at(url))


def size_and_version(url: str) -> tuple[int | None, str]:
    """The size of one object in bytes, and a text that changes with its content; None and "" where
    the store does not tell. Raises FileNotFoundError when there is none."""
    return persist(url, lambda: store_of(url).size_and_version(url))


def require_scheme(url: str) -> None:
    """Raises OutputError when no installed package serves the URL's scheme."""
    if store_of(url) is fsspec_store:
        fsspec_store.open_filesystem(url)


def read_bytes(url: str) -> bytes:
    """The content of one object. Raises FileNotFoundError when there is none."""
    with tempfile.SpooledTemporaryFile(1 << 20) as stream:
        _download(url, stream)
        stream.seek(0)
        return stream.read()


@contextmanager
def open_read(url: str) -> Iterator[BinaryIO]:
    """One object as a binary stream. Raises FileNotFoundError when there is none."""
    with persist(url, lambda: store_of(url).open_read(url)) as stream, named(url):
        yield stream


def _download(url: str, stream: IO[bytes]) -> None:
    received = Received(stream)
    persist(url, lambda: store_of(url).read(url, received), received)


def download_file(url: str, file: Path) -> None:
    """Copies one object to a local file. Raises FileNotFoundError when there is none."""
    with (
        named(str(file)),
        local.whole_file(file, durable=False) as staged,
        staged.open("wb") as stream,
    ):
        _download(url, stream)


def write_bytes(url: str, data: bytes) -> None:
    """Publishes `data` at `url`, whole or not at all."""
    with named(tempfile.gettempdir()), tempfile.TemporaryDirectory(prefix="job-") as folder:
        file = Path(folder, "data")
        file.write_bytes(data)
        upload_file(file, url)


def upload_file(file: Path, url: str) -> None:
    """Publishes a local file at `url`, whole or not at all, and verifies what arrived."""
    persist(url, lambda: store_of(url).write(file, url))


def create(url: str, data: bytes) -> None:
    """Publishes `data` only where nothing lies. Raises FileExistsError where something does."""
    persist(url, lambda: store_of(url).create(url, data))


def swap(url: str, old: bytes, new: bytes) -> None:
    """Publishes `new` only in the place of `old`.

    Raises FileExistsError where something else lies, FileNotFoundError where nothing does. On a
    store other than a path and gs:// another's write between the look and the write is not seen.
    """
    persist(url, lambda: store_of(url).swap(url, old, new))


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
        return persist(url, lambda: store_of(url).remove(url, is_ours))
    except FileNotFoundError:
        return []


def probe_writable(url: str) -> None:
    """Writes, reads back and deletes a small object below `url`.

    Raises OutputError, PermissionDeniedError or StorageError when one of the three fails.
    """
    probe = join(url, f".probe-{uuid.uuid4().hex[:8]}")
    data = b"written, read and deleted by the pre-flight check"
    try:
        write_bytes(probe, data)
        if read_bytes(probe) != data:
            raise StorageError(f"{probe}: what was read differs from what was written.")
        remove(probe, url)
    except BaseException:  # also where the run is told to stop
        with suppress(JobError):  # what failed first is told
            remove(probe, url)
        raise


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
