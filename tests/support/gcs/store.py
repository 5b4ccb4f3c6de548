"""The objects in memory, their resources, and the conditions on their generations."""

import base64
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote

import google_crc32c
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.handlers.objects import _make_object_resource
from gcp_storage_emulator.storage import Storage

from tests.support.gcs.faults import REASONS

Content = bytes | bytearray


class ApiError(Exception):
    """An answer other than success, in the service's JSON format."""

    def __init__(self, status: int, message: str = "") -> None:
        self.status = status
        self.message = message or HTTPStatus(status).phrase
        super().__init__(self.message)

    def body(self) -> dict:
        reason = REASONS.get(self.status, "invalid")
        one = {"message": self.message, "domain": "global", "reason": reason}
        return {"error": {"code": self.status, "message": self.message, "errors": [one]}}


class Hashes:
    """CRC32C and MD5 of bytes as they come."""

    def __init__(self, content: Content = b"") -> None:
        self._crc32c = google_crc32c.Checksum()
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.update(content)

    def update(self, content: Content | memoryview) -> None:
        # google_crc32c takes bytes alone; a copy of a piece at a time stays small.
        view = memoryview(content)
        for start in range(0, len(view), 1 << 20):
            self._crc32c.update(bytes(view[start : start + (1 << 20)]))
        self._md5.update(view)

    def values(self) -> dict[str, str]:
        digests = {"crc32c": self._crc32c.digest(), "md5Hash": self._md5.digest()}
        return {name: base64.b64encode(digest).decode() for name, digest in digests.items()}


@dataclass
class Session:
    """A resumable upload: what it is to become, and what came so far."""

    bucket: str
    name: str
    metadata: dict
    query: Mapping[str, list[str]]
    content: bytearray = field(default_factory=bytearray)
    hashes: Hashes = field(default_factory=Hashes)
    position: int = 0  # of the sender; a fault may have stored less
    resource: dict | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


def check_conditions(
    query: Mapping[str, list[str]], found: dict | None, prefix: str = "if", reads: bool = False
) -> None:
    """Raises 412, or for reads 304, where ifGenerationMatch and its kin do not hold."""
    for field_name in ("Generation", "Metageneration"):
        value = int(found[field_name.lower()]) if found else 0
        [wanted] = query.get(f"{prefix}{field_name}Match", [None])
        [unwanted] = query.get(f"{prefix}{field_name}NotMatch", [None])
        if wanted is not None and int(wanted) != value:
            message = "At least one of the pre-conditions you specified did not hold."
            raise ApiError(412, message)
        if unwanted is not None and int(unwanted) == value:
            raise ApiError(304 if reads else 412)


class Store(Storage):
    """The emulator's buckets and listings, with contents that are kept as they are.

    The emulator writes a JSON file of everything at each change, takes `a` and `a/` for one
    object and keeps what was deleted.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(use_memory_fs=True, data_dir="/")
        self.lock = threading.RLock()
        self.contents: dict[tuple[str, str], Content] = {}
        self.sessions: dict[str, Session] = {}
        self.generation = 0
        self.url = ""  # where it is served
        for name in names:
            buckets.create_bucket(name, self)

    def _write_config_to_file(self) -> None:
        """Nothing: all is in memory."""

    def next_generation(self) -> int:
        self.generation = max(self.generation + 1, time.time_ns() // 1000)
        return self.generation

    def need_bucket(self, bucket: str) -> None:
        if bucket not in self.buckets:
            raise ApiError(404, "The specified bucket does not exist.")

    def resource(self, bucket: str, name: str, generation: str | None = None) -> dict:
        """An object's resource; raises 404 where it is not there in that generation."""
        self.need_bucket(bucket)
        found = self.objects.get(bucket, {}).get(name)
        if found is None or generation not in (None, found["generation"]):
            raise ApiError(404, f"No such object: {bucket}/{name}")
        return found

    def commit(
        self,
        bucket: str,
        name: str,
        content: Content,
        hashes: dict[str, str],
        metadata: dict | None = None,
        query: Mapping[str, list[str]] | None = None,
    ) -> dict:
        """Makes the object appear, whole, if its checksums and conditions hold."""
        metadata = {**(metadata or {}), "name": name}
        for kind, said in (("CRC32C", "crc32c"), ("MD5", "md5Hash")):
            claimed, true = metadata.pop(said, None), hashes.get(said)
            if claimed and true and claimed != true:
                message = f'Provided {kind} "{claimed}" doesn\'t match calculated {kind} "{true}".'
                raise ApiError(400, message)
        with self.lock:
            self.need_bucket(bucket)
            check_conditions(query or {}, self.objects.get(bucket, {}).get(name))
            generation = str(self.next_generation())
            kind = metadata.get("contentType") or "application/octet-stream"
            made = _make_object_resource(self.url, bucket, name, kind, str(len(content)), metadata)
            path = f"b/{bucket}/o/{quote(name, safe='')}"
            link = f"{self.url}/download/storage/v1/{path}?generation={generation}&alt=media"
            identity = {"id": f"{bucket}/{name}/{generation}", "etag": f"{generation}/1"}
            made.update(generation=generation, metageneration="1", mediaLink=link, **identity)
            made = {k: v for k, v in {**made, **hashes}.items() if v is not None}
            self.objects.setdefault(bucket, {})[name] = made
            self.contents[bucket, name] = content
            return made

    def remove(self, bucket: str, name: str) -> None:
        with self.lock:
            self.resource(bucket, name)
            del self.objects[bucket][name], self.contents[bucket, name]
