"""Every byte to or from a URL: fsspec underneath, nothing half-written on top.

A URL is anything that fsspec knows (`gs://bucket/dir`, `memory://dir`) or a plain path. Functions
open the file system by URL where they use it, because a gcsfs object does not survive a fork.
Reference: https://filesystem-spec.readthedocs.io/en/latest/api.html
"""

import errno
import logging
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import fsspec

from job.errors import JobError, OutputError, PermissionDeniedError, StorageError
from job.manifest import MANIFEST

logger = logging.getLogger(__name__)


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
    if url.startswith(("gs://", "gcs://")):
        # Unset, gcsfs asks the bucket for its type by gRPC: a minute where that is unreachable.
        os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        return fsspec.core.url_to_fs(url, use_listings_cache=False)
    except (ValueError, ImportError) as error:
        raise OutputError(f"{url}: cannot be opened ({error}); use a path or gs://…") from error


@contextmanager
def _faults_named(url: str) -> Iterator[None]:
    """Turns a storage library's exception into the job's error that names the URL."""
    try:
        yield
    except (JobError, FileNotFoundError):
        raise
    except PermissionError as error:
        raise _denied(url, error) from error
    except OSError as error:
        if is_local(url):
            raise OutputError(f"{url}: cannot be written or read ({_reason(error)}).") from error
        if str(error).startswith("Forbidden"):  # how gcsfs tells of a 403
            raise _denied(url, error) from error
        raise StorageError(f"{url}: {_reason(error)}; the store did not recover.") from error
    except Exception as error:  # gcsfs and others raise classes of their own, with an HTTP status
        if getattr(error, "code", None) in (401, 403):
            raise _denied(url, error) from error
        if isinstance(getattr(error, "code", None), int):
            raise StorageError(f"{url}: {error}; the store did not recover.") from error
        raise


def _denied(url: str, error: Exception) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{url}: permission denied ({error}); give this user or service account access."
    )


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "no space left on the device: free some, or choose another output"
    return error.strerror or str(error) or type(error).__name__


def exists(url: str) -> bool:
    """Whether an object, file or directory lies at `url`."""
    with _faults_named(url):
        filesystem, path = open_filesystem(url)
        return filesystem.exists(path)


def list_names(url: str) -> list[str]:
    """The names directly below `url`, sorted; none where nothing lies there."""
    with _faults_named(url):
        filesystem, path = open_filesystem(url)
        try:
            below = filesystem.ls(path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {name.rstrip("/").rsplit("/", 1)[-1] for name in below if name.rstrip("/") != path}
        return sorted(names)


def read_bytes(url: str) -> bytes:
    """The content of one object. Raises FileNotFoundError when there is none."""
    with _faults_named(url):
        filesystem, path = open_filesystem(url)
        return filesystem.cat_file(path)


@contextmanager
def open_read(url: str) -> Iterator[BinaryIO]:
    """One object as a binary stream. Raises FileNotFoundError when there is none."""
    with _faults_named(url):
        filesystem, path = open_filesystem(url)
        with filesystem.open(path, "rb") as stream:
            yield stream


def write_bytes(url: str, data: bytes) -> None:
    """Publishes `data` at `url`, whole or not at all."""
    with _faults_named(url), tempfile.TemporaryDirectory(prefix="job-") as folder:
        file = Path(folder, "data")
        file.write_bytes(data)
        upload_file(file, url)


def upload_file(file: Path, url: str) -> None:
    """Publishes a local file at `url`, whole or not at all."""
    with _faults_named(url):
        if is_local(url):
            _publish_locally(file, local_path(url))
            return
        filesystem, path = open_filesystem(url)
        filesystem.put_file(str(file), path)
        size = filesystem.info(path)["size"]
        if size != file.stat().st_size:
            raise StorageError(f"{url}: {size} bytes arrived of {file.stat().st_size}.")


def _publish_locally(file: Path, target: Path) -> None:
    """Copies beside the target and renames: a reader sees the old file or the new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
    try:
        shutil.copyfile(file, staged)
        with staged.open("rb+") as stream:
            os.fsync(stream.fileno())
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)


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
    if not is_local(url):
        remove(join(url, MANIFEST))
        upload_dir(folder, url)
        return
    with _faults_named(url):
        target = local_path(url)
        target.parent.mkdir(parents=True, exist_ok=True)
        suffix = uuid.uuid4().hex[:8]
        staged, old = (target.with_name(f".{target.name}.{w}-{suffix}") for w in ("new", "old"))
        try:
            shutil.copytree(folder, staged)
            if target.exists():
                target.rename(old)
            staged.rename(target)
        finally:
            if old.exists() and not target.exists():
                old.rename(target)
            shutil.rmtree(staged, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


def download_file(url: str, file: Path) -> None:
    """Copies one object to a local file. Raises FileNotFoundError when there is none."""
    with _faults_named(url):
        filesystem, path = open_filesystem(url)
        file.parent.mkdir(parents=True, exist_ok=True)
        staged = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}")
        try:
            filesystem.get_file(path, str(staged))
            staged.replace(file)
        finally:
            staged.unlink(missing_ok=True)


def download_dir(url: str, folder: Path) -> None:
    """Copies every object below `url` to the same place below `folder`."""
    with _faults_named(url):
        filesystem, path = open_filesystem(url)
        for name in filesystem.find(path):
            relative = name.removeprefix(path.rstrip("/") + "/")
            download_file(join(url, relative), folder / relative)


def remove(url: str) -> None:
    """Deletes the object or the whole directory at `url`; nothing happens when it is absent."""
    with _faults_named(url):
        filesystem, path = open_filesystem(url)
        if filesystem.exists(path):
            filesystem.rm(path, recursive=True)


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
