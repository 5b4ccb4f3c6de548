"""The three ways to upload: media, multipart, and resumable in chunks."""

import base64
import json
import re
import secrets
from urllib.parse import quote

from gcp_storage_emulator.handlers.objects import _parse_resumable_content_range

from tests.support.gcs.faults import flip
from tests.support.gcs.multipart import parts
from tests.support.gcs.store import ApiError, Hashes, Session, Store, check_conditions
from tests.support.gcs.wire import Answer, Call

GRANULE = 256 * 1024  # what the service keeps of a chunk that breaks off is a multiple of this


def insert(call: Call, answer: Answer, store: Store) -> None:
    """POST or PUT …/upload/storage/v1/b/BUCKET/o"""
    if "upload_id" in call.query:
        continue_resumable(call, answer, store)
    elif call.option("uploadType") == "resumable":
        start_resumable(call, answer, store)
    else:
        upload_whole(call, answer, store)


def upload_whole(call: Call, answer: Answer, store: Store) -> None:
    metadata: dict = {"contentType": call.headers.get("Content-Type")}
    content = memoryview(call.body)
    if call.option("uploadType") == "multipart":
        try:
            (_, first), (headers, content) = parts(call.headers, call.body)
        except ValueError as error:
            raise ApiError(400, f"Malformed multipart body: {error}") from error
        metadata = {"contentType": headers.get("content-type"), **json.loads(bytes(first) or b"{}")}
    stored = bytes(spoil(call, content))
    metadata.update(hashes_claimed(call))
    name = call.option("name") or metadata.get("name")
    if not name:
        raise ApiError(400, "Required")
    bucket = call.params["bucket_name"]
    answer.json(store.commit(bucket, name, stored, Hashes(stored).values(), metadata, call.query))


def start_resumable(call: Call, answer: Answer, store: Store) -> None:
    metadata = call.data or {}
    if kind := call.headers.get("X-Upload-Content-Type"):
        metadata.setdefault("contentType", kind)
    bucket, name = call.params["bucket_name"], call.option("name") or metadata.get("name")
    if not name:
        raise ApiError(400, "Required")
    with store.lock:
        store.need_bucket(bucket)
        check_conditions(call.query, store.objects.get(bucket, {}).get(name))
    upload_id = secrets.token_urlsafe(24)
    store.sessions[upload_id] = Session(bucket, name, metadata, call.query)
    # The name is here for the eyes of whoever reads the log or matches a fault.
    query = f"uploadType=resumable&name={quote(name, safe='')}&upload_id={upload_id}"
    answer["Location"] = f"{call.base_url}{call.path}?{query}"
    answer["X-GUploader-UploadID"] = upload_id


def session_of(call: Call, store: Store) -> Session:
    session = store.sessions.get(call.option("upload_id"))
    if session is None:
        raise ApiError(404, "Upload session not found.")
    return session


def continue_resumable(call: Call, answer: Answer, store: Store) -> None:
    """A chunk, or a question how far it came; a finished upload answers as when it finished."""
    session = session_of(call, store)
    with session.lock:
        if session.resource is None:
            said = call.headers.get("Content-Range") or f"bytes 0-*/{len(call.body)}"
            asked = _parse_resumable_content_range(said)
            if asked is None:
                raise ApiError(400, f"Invalid Content-Range: {said}")
            if asked["kind"] != "status":
                receive(session, asked["start"], call)
            total = asked["total"]
            if asked["kind"] == "star_end" and total is None:
                total = session.position
            if total == session.position:
                finish(session, call, store)
        if session.resource is not None:
            answer.json(session.resource)
            return
        answer.status = 308
        if session.position:
            answer["Range"] = f"bytes=0-{session.position - 1}"


def receive(session: Session, start: int, call: Call, keep: int | None = None) -> None:
    """Appends what is new: the service ignores bytes that it has."""
    if start > session.position:
        raise ApiError(400, f"Expected byte {session.position}, got byte {start}.")
    new = memoryview(call.body)[session.position - start : keep]
    session.position += len(new)
    stored = spoil(call, new)
    session.content += stored
    session.hashes.update(stored)


def finish(session: Session, call: Call, store: Store) -> None:
    metadata = {**session.metadata, **hashes_claimed(call)}
    try:
        session.resource = store.commit(
            session.bucket,
            session.name,
            session.content,
            session.hashes.values(),
            metadata,
            session.query,
        )
    except ApiError:
        del store.sessions[call.option("upload_id")]
        raise
    session.content = bytearray()  # the object has it now


def keep_received(call: Call, store: Store) -> None:
    """What a chunk that broke off leaves in its session."""
    asked = _parse_resumable_content_range(call.headers.get("Content-Range"))
    session = store.sessions.get(call.option("upload_id"))
    if session is None or not asked or asked["start"] is None:
        return
    with session.lock:
        if session.resource is None and asked["start"] <= session.position:
            receive(session, asked["start"], call, len(call.body) // GRANULE * GRANULE)


def cancel(call: Call, answer: Answer, store: Store) -> None:
    """DELETE of an upload session."""
    session_of(call, store)
    del store.sessions[call.option("upload_id")]
    answer.status = 499


def hashes_claimed(call: Call) -> dict[str, str]:
    """The checksums that the client sent in headers."""
    found = dict(re.findall(r"(crc32c|md5)=([\w+/=]+)", call.headers.get("X-Goog-Hash", "")))
    claimed = {"crc32c": found.get("crc32c"), "md5Hash": found.get("md5")}
    claimed["md5Hash"] = claimed["md5Hash"] or call.headers.get("Content-MD5")
    for value in filter(None, claimed.values()):
        base64.b64decode(value)
    return {name: value for name, value in claimed.items() if value}


def spoil(call: Call, content: memoryview) -> memoryview | bytearray:
    """What is stored in place of `content` where a fault says so."""
    if call.fault.truncate is not None:
        return content[: call.fault.truncate]
    return flip(content) if call.fault.corrupt == "up" else content
