"""Objects of Google Cloud Storage, by its own client.

Transfers are checked by CRC32C, writes can be made to happen only if nobody else wrote, and a name
is nothing but a name: not a pattern, and not a version's.

Every function may raise what the client raises; `job.storage.retry` retries and names it.
Reference: https://cloud.google.com/storage/docs/request-preconditions
"""

import base64
import io
import itertools
import os
import threading
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import google_crc32c
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.api_core.page_iterator import HTTPIterator
from google.cloud.storage import Blob, Bucket, Client
from google.cloud.storage.fileio import BlobReader

from job.storage.faults import CorruptedError, passes_within
from job.storage.retry import Received, retry_policy, retrying

# A failed part is sent again, and one send() may take no longer than the time-out.
CHUNK_BYTES = 32 << 20
READ_BYTES = 4 << 20  # of a stream, kept in memory
_asking = threading.Lock()
ABSENT = 0  # the generation of an object that is not there


@lru_cache(maxsize=1)
def client_of(process: int) -> Client:
    """A client's sockets must not be shared with a forked child: one client a process."""
    # Else a thread asks for the bucket's metadata, which only traces need and not all may read.
    os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    return Client(project=None)


def _place(url: str) -> tuple[Bucket, str]:
    """The bucket and the name in it; slashes at its end are nothing."""
    bucket, _, name = url.split("://", 1)[1].partition("/")
    with _asking:  # two threads that ask first would get two, of which one is dropped unclosed
        client = client_of(os.getpid())
    return Bucket(client, bucket), name.rstrip("/")


def _blob(url: str) -> Blob:
    bucket, name = _place(url)
    return Blob(name, bucket, chunk_size=CHUNK_BYTES)


def _below(url: str, **options: object) -> HTTPIterator:
    """The objects below `url`, asked for page by page."""
    bucket, name = _place(url)
    return bucket.client.list_blobs(
        bucket,
        prefix=f"{name}/" if name else None,
        timeout=retry_policy().timeout_s,
        retry=None,
        **options,
    )


def exists(url: str) -> bool:
    """Whether an object lies there or below."""
    blob = _blob(url)
    try:
        if blob.name and blob.exists(timeout=retry_policy().timeout_s, retry=None):
            return True
        return any(_below(url, max_results=1)) or not blob.name
    except NotFound:  # the bucket
        return False


def names(url: str) -> set[str]:
    """The names directly below `url`. Raises FileNotFoundError where there is no such bucket."""
    start = len(_place(url)[1] + "/") if _place(url)[1] else 0
    found = _below(url, delimiter="/")
    try:
        objects = [blob.name for blob in found]
    except NotFound as error:
        raise FileNotFoundError(url) from error
    prefixes = found.prefixes  # type: ignore[attr-defined]  # the client sets it on a listing
    return {name[start:].rstrip("/") for name in (*objects, *prefixes)} - {""}


def files_below(url: str, most: int) -> list[str]:
    """The names of the objects below `url`, from there. Raises FileNotFoundError."""
    start = len(_place(url)[1] + "/") if _place(url)[1] else 0
    try:
        inside = (blob.name[start:] for blob in _below(url) if not blob.name.endswith("/"))
        return list(itertools.islice(inside, most))
    except NotFound as error:
        raise FileNotFoundError(url) from error


def _found(url: str) -> Blob:
    """The object with what the store says of it. Raises FileNotFoundError."""
    blob = _blob(url)
    try:
        blob.reload(timeout=retry_policy().timeout_s, retry=None)
    except NotFound as error:
        raise FileNotFoundError(url) from error
    return blob


def modified_at(url: str) -> float:
    """By the store's clock. Raises FileNotFoundError."""
    return _found(url).updated.timestamp()


def size_and_version(url: str) -> tuple[int | None, str]:
    """The size in bytes, and a text that changes with the content. Raises FileNotFoundError."""
    blob = _found(url)
    return blob.size, blob.etag


def open_read(url: str) -> BinaryIO:
    """An object as a stream, asked for in parts, all of one version. Raises FileNotFoundError."""
    return BlobReader(
        _found(url),
        chunk_size=READ_BYTES,
        timeout=retry_policy().timeout_s,
        retry=retrying(url, may_pass=passes_within),
    )


def remove(url: str, is_ours: Callable[[str], bool]) -> list[str]:
    """Deletes the objects below `url` that are ours, or the object at `url` where none lies below;
    returns the names of those that are not, from `url`."""
    bucket, name = _place(url)
    left = []
    below = [blob.name for blob in _below(url)] if name else []
    for found in below or [name]:
        inside = found[len(name) + 1 :]
        if inside and not is_ours(inside):
            left.append(inside)
            continue
        try:
            Blob(found, bucket).delete(timeout=retry_policy().timeout_s, retry=None)
        except NotFound:
            continue
    return left


def write(file: Path, url: str) -> None:
    """Publishes a file, verified by CRC32C: the object appears whole or not at all."""
    with file.open("rb") as stream:
        _send(stream, file.stat().st_size, _checksum(file), url)


def _send(
    stream: BinaryIO, size: int, crc32c: str, url: str, if_generation: int | None = None
) -> None:
    blob = _blob(url)
    try:
        blob.upload_from_file(
            stream,
            size=size,
            rewind=True,
            checksum="crc32c",
            if_generation_match=if_generation,
            timeout=retry_policy().timeout_s,
            retry=retrying(url, may_pass=passes_within),
        )
    except PreconditionFailed as error:
        raise FileExistsError(url) from error
    if (blob.size, blob.crc32c) != (size, crc32c):
        raise CorruptedError(
            f"{url}: {blob.size} bytes with CRC32C {blob.crc32c} arrived of {size} with {crc32c}"
        )


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        checksum = google_crc32c.Checksum()
        while block := stream.read(1 << 20):
            checksum.update(block)
    return _base64(checksum)


def _base64(checksum: google_crc32c.Checksum) -> str:
    return base64.b64encode(checksum.digest()).decode()


def read(url: str, stream: Received) -> int:
    """Copies an object, verified by CRC32C, and returns its generation.

    Raises FileNotFoundError.
    """
    blob = _blob(url)
    blob.chunk_size = None  # one request; what is cut off is asked for again from there
    stream.restart()
    try:
        blob.download_to_file(
            stream,
            checksum="crc32c",
            timeout=retry_policy().timeout_s,
            retry=retrying(url, received=stream, may_pass=passes_within),
        )
    except NotFound as error:
        raise FileNotFoundError(url) from error
    return int(blob.generation)


def create(url: str, data: bytes) -> None:
    """Publishes `data` where nothing lies. Raises FileExistsError where something does.

    A write that was done, but whose answer was lost, is told from another's by its content.
    """
    _write(url, data, ABSENT)


def swap(url: str, old: bytes, new: bytes) -> None:
    """Publishes `new` in the place of `old`. Raises FileExistsError where something else lies,
    FileNotFoundError where nothing does."""
    content, generation = _content(url)
    if content == new:
        return
    if content != old:
        raise FileExistsError(url)
    _write(url, new, generation)


def _write(url: str, data: bytes, if_generation: int) -> None:
    crc32c = _base64(google_crc32c.Checksum(data))
    try:
        _send(io.BytesIO(data), len(data), crc32c, url, if_generation)
    except FileExistsError:
        if _content(url)[0] != data:
            raise


def _content(url: str) -> tuple[bytes, int]:
    stream = io.BytesIO()
    generation = read(url, Received(stream))
    return stream.getvalue(), generation
