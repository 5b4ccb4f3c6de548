"""The JSON API: which request does what to the store."""

import base64
import email
import re
import secrets
from urllib.parse import unquote

from gcp_storage_emulator.exceptions import Conflict, NotFound
from gcp_storage_emulator.handlers import buckets
from gcp_storage_emulator.handlers import objects as emulated
from gcp_storage_emulator.server import HANDLERS

from tests.support.gcs import uploads
from tests.support.gcs.multipart import parts
from tests.support.gcs.store import ApiError, Hashes, Store, check_conditions
from tests.support.gcs.wire import Answer, Call


def find(call: Call, store: Store, reads: bool = False) -> dict:
    """The resource of the object that is asked for, if the conditions hold."""
    bucket, name = call.params["bucket_name"], call.params["object_id"]
    found = store.resource(bucket, name, call.option("generation"))
    check_conditions(call.query, found, reads=reads)
    return found


def get(call: Call, answer: Answer, store: Store) -> None:
    if call.option("alt") == "media":
        download(call, answer, store)
    else:
        answer.json(find(call, store, reads=True))


def download(call: Call, answer: Answer, store: Store) -> None:
    """The bytes, or a range of them, with the headers that clients verify by."""
    with store.lock:
        found = find(call, store, reads=True)
        content = memoryview(store.contents[found["bucket"], found["name"]])
    size = len(content)
    md5 = f",md5={found['md5Hash']}" if "md5Hash" in found else ""
    answer.headers |= {
        "Content-Type": found["contentType"],
        "ETag": found["etag"],
        "Accept-Ranges": "bytes",
        "X-Goog-Hash": f"crc32c={found['crc32c']}{md5}",
        "X-Goog-Generation": found["generation"],
        "X-Goog-Metageneration": found["metageneration"],
        "X-Goog-Storage-Class": found["storageClass"],
        "X-Goog-Stored-Content-Encoding": found.get("contentEncoding", "identity"),
        "X-Goog-Stored-Content-Length": found["size"],
    }
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", call.headers.get("Range", "").strip())
    if asked and any(asked.groups()):
        first, last = asked.groups()
        start = int(first) if first else max(0, size - int(last))
        end = min(size, int(last) + 1) if first and last else size
        if start >= size or end <= start:
            raise ApiError(416, f"The requested range cannot be satisfied: {asked[0]} of {size}")
        answer.status = 206
        answer["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        content = content[start:end]
    answer.body = content


def delete(call: Call, answer: Answer, store: Store) -> None:
    with store.lock:
        found = find(call, store)
        store.remove(found["bucket"], found["name"])
    answer.status = 204


def patch(call: Call, answer: Answer, store: Store) -> None:
    with store.lock:
        found = find(call, store)
        changes = call.data or {}
        custom = {**found.get("metadata", {}), **(changes.pop("metadata", None) or {})}
        emulated._patch_object(found, {**changes, "metadata": custom})
        found["metadata"] = {key: value for key, value in custom.items() if value is not None}
        found["updated"] = emulated._make_object_resource("", "", "", "", "0")["updated"]
        found["etag"] = f"{found['generation']}/{found['metageneration']}"
        answer.json(found)


def list_objects(call: Call, answer: Answer, store: Store) -> None:
    """A page, in the order of names; a page's token is the last name of the one before."""
    with store.lock:
        store.need_bucket(call.params["bucket_name"])
        items, folders = store.get_file_list(
            call.params["bucket_name"],
            call.option("prefix"),
            call.option("delimiter"),
            call.option("matchGlob"),
        )
        entries = sorted([(item["name"], item) for item in items] + [(f, None) for f in folders])
        last = base64.b64decode(call.option("pageToken") or "").decode()
        first, stop = call.option("startOffset") or "", call.option("endOffset")
        entries = [e for e in entries if e[0] > last and e[0] >= first]
        entries = [e for e in entries if not stop or e[0] < stop]
        page = entries[: int(call.option("maxResults") or 1000)]
        reply = {"kind": "storage#objects"}
        if len(page) < len(entries):
            reply["nextPageToken"] = base64.b64encode(page[-1][0].encode()).decode()
        if any(item is None for _, item in page):
            reply["prefixes"] = [name for name, item in page if item is None]
        if any(item is not None for _, item in page):
            reply["items"] = [item for _, item in page if item is not None]
        answer.json(reply)


def layout(call: Call, answer: Answer, store: Store) -> None:
    """What gcloud asks a bucket first: flat, not a tree of folders."""
    bucket = call.params["bucket_name"]
    store.need_bucket(bucket)
    flat = {"hierarchicalNamespace": {"enabled": False}}
    answer.json({"kind": "storage#storageLayout", "bucket": bucket, "location": "US", **flat})


def _copy(call: Call, store: Store, bucket: str, name: str) -> dict:
    """The destination's resource. Both objects have the same bytes in memory."""
    source = store.resource(
        call.params["bucket_name"], call.params["object_id"], call.option("sourceGeneration")
    )
    check_conditions(call.query, source, prefix="ifSource")
    kept = ("contentType", "contentEncoding", "cacheControl", "metadata", "customTime")
    metadata = {key: source[key] for key in kept if key in source} | (call.data or {})
    hashes = {key: source[key] for key in ("crc32c", "md5Hash") if key in source}
    content = store.contents[source["bucket"], source["name"]]
    return store.commit(bucket, name, content, hashes, metadata, call.query)


def copy(call: Call, answer: Answer, store: Store) -> None:
    with store.lock:
        made = _copy(call, store, call.params["to_bucket"], call.params["to_name"])
    if "/rewriteTo/" not in call.path:
        answer.json(made)
        return
    sizes = {"totalBytesRewritten": made["size"], "objectSize": made["size"], "done": True}
    answer.json({"kind": "storage#rewriteResponse", **sizes, "resource": made})


def move(call: Call, answer: Answer, store: Store) -> None:
    bucket = call.params["bucket_name"]
    with store.lock:
        answer.json(_copy(call, store, bucket, call.params["to_name"]))
        store.remove(bucket, call.params["object_id"])


def compose(call: Call, answer: Answer, store: Store) -> None:
    bucket = call.params["bucket_name"]
    with store.lock:
        names = [source["name"] for source in call.data["sourceObjects"]]
        first, *_ = [store.resource(bucket, name) for name in names]
        content = b"".join(store.contents[bucket, name] for name in names)
        hashes = {"crc32c": Hashes(content).values()["crc32c"]}  # a composite has no MD5
        metadata = {"contentType": first["contentType"]} | (call.data.get("destination") or {})
        name = call.params["object_id"]
        answer.json(store.commit(bucket, name, content, hashes, metadata, call.query))


def batch(call: Call, answer: Answer, store: Store) -> None:
    """Each part is a request of its own, with its own status."""
    boundary = f"batch_{secrets.token_hex(16)}"
    answer["Content-Type"] = f"multipart/mixed; boundary={boundary}"
    for headers, inner in parts(call.headers, call.body):
        line, _, rest = bytes(inner).decode().lstrip().partition("\n")
        method, target, *_ = line.split()
        message = email.message_from_string(rest)
        body = bytearray(message.get_payload().strip().encode())
        reply = dispatch(Call(method, target, message, body, call.base_url), store)
        answer.write(
            f"--{boundary}\r\nContent-Type: application/http\r\n"
            f"Content-ID: <response-{headers.get('content-id', '').strip('<>')}>\r\n\r\n"
            f"HTTP/1.1 {reply.status} {'OK' if reply.status < 400 else 'Error'}\r\n"
            f"Content-Type: application/json; charset=UTF-8\r\nContent-Length: {len(reply.body)}"
            f"\r\n\r\n{bytes(reply.body).decode()}\r\n"
        )
    answer.write(f"--{boundary}--\r\n")


# Client libraries put the object's name into the path with its slashes quoted.
_BUCKET = r"(?:/storage/v1)?/b/(?P<bucket_name>[^/]+)"
_OBJECT = rf"{_BUCKET}/o/(?P<object_id>[^/]+)"
_TO = r"/b/(?P<to_bucket>[^/]+)/o/(?P<to_name>[^/]+)"
ROUTES = [
    (rf"/upload{_BUCKET}/o", {"POST": uploads.insert, "PUT": uploads.insert}),
    (rf"/upload{_BUCKET}/o", {"DELETE": uploads.cancel}),
    (rf"/resumable/upload{_BUCKET}/o", {"POST": uploads.insert, "PUT": uploads.insert}),
    (rf"{_BUCKET}/storageLayout", {"GET": layout}),
    (rf"{_BUCKET}/o", {"GET": list_objects}),
    (rf"{_OBJECT}/(?:copyTo|rewriteTo){_TO}", {"POST": copy}),
    (rf"{_OBJECT}/moveTo/o/(?P<to_name>[^/]+)", {"POST": move}),
    (rf"{_OBJECT}/compose", {"POST": compose}),
    (rf"{_BUCKET}/o/(?P<object_id>.+)", {"GET": get, "DELETE": delete, "PATCH": patch}),
    (rf"/download{_BUCKET}/o/(?P<object_id>.+)", {"GET": download}),
    (r"/batch/storage/v1", {"POST": batch}),
]
# Buckets, their policies and access lists are the emulator's own.
_KEPT = {value for value in vars(buckets).values() if callable(value)} | {emulated.acl_list}
ROUTES = [
    *((rx, {m: h for m, h in handlers.items() if h in _KEPT}) for rx, handlers in HANDLERS),
    *ROUTES,
    (r"/(?P<bucket_name>[^/]+)/(?P<object_id>.+)", {"GET": download}),
]
ROUTES = [(re.compile(pattern), handlers) for pattern, handlers in ROUTES if handlers]


def dispatch(call: Call, store: Store) -> Answer:
    """Does what is asked and says how it went."""
    answer = Answer()
    try:
        for pattern, handlers in ROUTES:
            found = pattern.fullmatch(call.path)
            if found and call.method in handlers:
                call.params = {key: unquote(value) for key, value in found.groupdict().items()}
                handler = handlers[call.method]
                if handler in _KEPT:
                    with store.lock:
                        handler(call, answer, store)
                else:
                    handler(call, answer, store)
                break
        else:
            raise ApiError(501, f"{call.method} {call.path} is not served here.")
        if answer.status >= 400 and answer.status != 499 and not answer.body:
            raise ApiError(int(answer.status), f"Not found: {call.path}")
    except ApiError as error:
        answer = error_answer(error.status, error.message)
    except (NotFound, Conflict) as error:
        answer = error_answer(404 if isinstance(error, NotFound) else 409, str(error))
    return answer


def error_answer(status: int, message: str) -> Answer:
    answer = Answer(status)
    if status != 304:
        answer.json(ApiError(status, message).body())
    return answer
