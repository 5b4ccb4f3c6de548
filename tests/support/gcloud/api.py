"""Google's APIs on loopback, as far as gcloud asks them: what it sends is recorded.

Every answer is the least that lets gcloud go on. What has no route here is answered with 404, so
that a command which needs more fails its test instead of passing by accident.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

NOW = "2026-01-01T00:00:00Z"
# Each API's own variable, and the path under which it is served here.
APIS = {
    "AIPLATFORM": "",
    "ARTIFACTREGISTRY": "",
    "CLOUDBUILD": "",
    "CLOUDRESOURCEMANAGER": "",
    "COMPUTE": "compute/v1/",
    "IAM": "",
    "LOGGING": "",
    "SECRETMANAGER": "",
    "SERVICEUSAGE": "",
    "STORAGE": "storage/v1/",
    "TPU": "",
}


@dataclass(frozen=True)
class Request:
    """What gcloud sent. `path` is without the query."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any


@dataclass
class GoogleApi:
    """The server's address, what it was sent, and what it keeps between calls."""

    port: int
    requests: list[Request] = field(default_factory=list)
    tpus: dict[str, dict] = field(default_factory=dict)  # nodes and queued resources, by name
    result: dict = field(default_factory=dict)  # of the operation that is asked for next
    policies: dict[str, dict] = field(default_factory=dict)  # by the resource's name
    objects: dict[str, bytes] = field(default_factory=dict)  # by their gs:// URL

    def environment(self, config: Path) -> dict[str, str]:
        """The variables that send gcloud here, without credentials and without questions."""
        return {
            "CLOUDSDK_CONFIG": str(config),
            "CLOUDSDK_CORE_PROJECT": "my-project",
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
            "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
            "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **{
                f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{name}": f"http://127.0.0.1:{self.port}/{path}"
                for name, path in APIS.items()
            },
        }

    def sent(self, method: str, pattern: str) -> list[Request]:
        """The requests whose whole path matches the regular expression."""
        return [
            each
            for each in self.requests
            if each.method == method and re.fullmatch(pattern, each.path)
        ]


@contextmanager
def serve() -> Iterator[GoogleApi]:
    """The API, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.api = GoogleApi(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_PLACE = r"(projects/[^/]+/locations/[^/]+)"


def _answer(api: GoogleApi, request: Request) -> dict[str, Any] | bytes | None:
    """The body of the answer; None where there is no such route."""
    for method, pattern, respond in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match and request.method == method:
            return respond(api, request, *match.groups())
    return None


def _created(identity: str) -> Callable:
    def respond(api, request, place, collection):
        state = {"state": "JOB_STATE_PENDING", "createTime": NOW}
        return {**request.body, "name": f"{place}/{collection}/{identity}", **state}

    return respond


def _done(api, request, place, *_):
    """Anything that Google answers with an operation is done at once."""
    return {"name": f"{place}/operations/1", "done": True, "response": api.result}


def _empty(api, request, *_):
    return {}


def _job(api, request, name):
    states = {"state": "JOB_STATE_SUCCEEDED", "createTime": NOW, "endTime": NOW}
    return {"name": name, "displayName": "korean-ner", **states}


def _build(api, request, project, *_):
    facts = {"id": "11111111-2222-3333-4444-555555555555", "projectId": project}
    build = {**(request.body or {}), **facts, "status": "QUEUED", "createTime": NOW}
    kind = "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata"
    return {"name": "operations/build/1", "metadata": {"@type": kind, "build": build}}


def _policy(api, request, name):
    return api.policies.get(name, {"version": 1, "etag": "AA==", "bindings": []})


def _set_policy(api, request, name):
    api.policies[name] = request.body.get("policy", request.body)
    return api.policies[name]


def _tpu_create(api, request, place, collection):
    """A node, or a queued resource that has got its node at once."""
    node = request.body
    identity = request.query.get("nodeId")
    if collection == "queuedResources":
        name = f"{place}/{collection}/{request.query['queuedResourceId']}"
        api.tpus[name] = {**request.body, "name": name, "state": {"state": "ACTIVE"}}
        [spec] = request.body["tpu"]["nodeSpec"]
        node, identity = spec["node"], spec["nodeId"]
    address = {"ipAddress": "10.0.0.2", "accessConfig": {"externalIp": "203.0.113.5"}}
    facts = {"name": f"{place}/nodes/{identity}", "state": "READY", "networkEndpoints": [address]}
    api.tpus[facts["name"]] = {**node, **facts}
    return _done(api, request, place)


def _tpu_list(api, request, place, collection):
    below = f"{place}/{collection}/"
    return {collection: [each for name, each in api.tpus.items() if name.startswith(below)]}


def _tpu_get(api, request, place, collection, identity):
    return api.tpus.get(f"{place}/{collection}/{identity}")


def _tpu_patch(api, request, place, collection, identity):
    node = api.tpus[f"{place}/{collection}/{identity}"]
    node.update(request.body)
    api.result = node
    return _done(api, request, place)


def _tpu_delete(api, request, place, collection, identity):
    for kind in (collection, "nodes"):
        api.tpus.pop(f"{place}/{kind}/{identity}", None)
    return _done(api, request, place)


def _project(api, request, project):
    return {"projectId": project, "projectNumber": "123456789012", "lifecycleState": "ACTIVE"}


def _compute_project(api, request, project):
    return {"name": project, "commonInstanceMetadata": {"fingerprint": "AA==", "items": []}}


def _compute_done(api, request, project):
    link = f"http://127.0.0.1:{api.port}/compute/v1/projects/{project}/global/operations/1"
    return {"name": "1", "status": "DONE", "selfLink": link}


def _account(api, request, project):
    email = f"{request.body['accountId']}@{project}.iam.gserviceaccount.com"
    return {"name": f"projects/{project}/serviceAccounts/{email}", "email": email}


def _version(api, request, secret):
    return {
        "name": f"{secret}/versions/1",
        "state": "ENABLED",
        "clientSpecifiedPayloadChecksum": True,
    }


def _named(api, request, *parts):
    return {"name": "/".join(parts), **(request.body or {})}


def _bucket(api, request, name=None):
    name = name or request.body["name"]
    return {"name": name, "id": name, "location": "US-CENTRAL1", "projectNumber": "123456789012"}


def _upload(api, request, bucket):
    """One object by a multipart upload. gcloud ends its lines now with CR LF, now with LF."""
    boundary = request.body.split(b"\n", 1)[0].strip()
    metadata, data = (
        re.split(rb"\r?\n\r?\n", part, maxsplit=1)[1] for part in request.body.split(boundary)[1:3]
    )
    data = re.sub(rb"\r?\n\Z", b"", data)
    name = request.query.get("name") or json.loads(metadata)["name"]
    api.objects[f"gs://{bucket}/{name}"] = data
    return _facts(api, bucket, name, data)


def _facts(api: GoogleApi, bucket: str, name: str, data: bytes) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.md5(data).digest()).decode()
    facts = {"bucket": bucket, "name": name, "generation": "1", "md5Hash": digest}
    link = f"http://127.0.0.1:{api.port}/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media"
    times = {"timeCreated": NOW, "updated": NOW}
    return {**facts, **times, "size": str(len(data)), "mediaLink": link}


def _objects(api, request, bucket):
    """A listing; below a delimiter only the folders are named."""
    below, prefix = f"gs://{bucket}/", request.query.get("prefix", "")
    found = {u.removeprefix(below): d for u, d in api.objects.items() if u.startswith(below)}
    items, folders = [], set()
    for name, data in found.items():
        rest = name.removeprefix(prefix)
        if not name.startswith(prefix):
            continue
        if "delimiter" in request.query and "/" in rest:
            folders.add(f"{prefix}{rest.partition('/')[0]}/")
        else:
            items.append(_facts(api, bucket, name, data))
    return {"items": items, "prefixes": sorted(folders)}


def _object(api, request, bucket, name):
    data = api.objects.get(f"gs://{bucket}/{unquote(name)}")
    if data is None or request.query.get("alt") == "media":
        return data
    return _facts(api, bucket, unquote(name), data)


def _object_delete(api, request, bucket, name):
    del api.objects[f"gs://{bucket}/{unquote(name)}"]
    return {}


_JOB = rf"/v1/({_PLACE[1:-1]}/(?:customJobs|hyperparameterTuningJobs)/\d+)"
_TPUS = rf"/v2/{_PLACE}/(nodes|queuedResources)"
_ROUTES = [
    ("POST", rf"/v1/{_PLACE}/(customJobs)", _created("123")),
    ("POST", rf"/v1/{_PLACE}/(hyperparameterTuningJobs)", _created("77")),
    ("GET", _JOB, _job),
    ("POST", f"{_JOB}:cancel", _empty),
    ("POST", r"/v2/entries:list", _empty),
    ("POST", r"/v1/projects/([^/]+)(/locations/[^/]+)?/builds", _build),
    ("GET", r"/v\w+/projects/([^/]+)", _project),
    ("POST", r"/v1/(projects/[^/]+)/services:batchEnable", _done),
    ("POST", r"/v1/projects/([^/]+)/serviceAccounts", _account),
    ("DELETE", r"/v1/(projects/[^/]+/serviceAccounts/[^/]+)", _empty),
    ("GET", r"/v\w+/(.+):getIamPolicy", _policy),
    ("POST", r"/v\w+/(.+):getIamPolicy", _policy),
    ("POST", r"/v\w+/(.+):setIamPolicy", _set_policy),
    ("POST", rf"/v1/{_PLACE}/repositories", _done),
    ("GET", rf"/v1/({_PLACE[1:-1]}/repositories/[^/]+)", _named),
    ("DELETE", rf"/v1/{_PLACE}/repositories/([^/]+)", _done),
    ("POST", r"/v1/(projects/[^/]+)/(secrets)", _named),
    ("POST", r"/v1/(projects/[^/]+/secrets/[^/]+):addVersion", _version),
    ("GET", r"/v1/(projects/[^/]+/secrets/[^/]+)/versions", _empty),
    ("DELETE", r"/v1/(projects/[^/]+/secrets/[^/]+)", _empty),
    ("POST", _TPUS, _tpu_create),
    ("GET", _TPUS, _tpu_list),
    ("GET", f"{_TPUS}/([^/]+)", _tpu_get),
    ("PATCH", f"{_TPUS}/([^/]+)", _tpu_patch),
    ("DELETE", f"{_TPUS}/([^/]+)", _tpu_delete),
    ("GET", rf"/v2/{_PLACE}/operations/.*", _done),
    # For `tpu-vm ssh`: the public key goes into the project's metadata.
    ("POST", f"{_TPUS}/([^/]+):getGuestAttributes", _empty),
    ("GET", r"/compute/v1/projects/([^/]+)", _compute_project),
    ("POST", r"/compute/v1/projects/([^/]+)/setCommonInstanceMetadata", _compute_done),
    ("GET", r"/compute/v1/projects/([^/]+)/global/operations/1", _compute_done),
    ("POST", r"/storage/v1/b", _bucket),
    ("GET", r"/storage/v1/b/([^/]+)", _bucket),
    ("PATCH", r"/storage/v1/b/([^/]+)", _bucket),
    ("DELETE", r"/storage/v1/b/([^/]+)", _empty),
    ("GET", r"/storage/v1/b/([^/]+)/storageLayout", _bucket),
    ("GET", r"/storage/v1/b/([^/]+)/iam", _policy),
    ("PUT", r"/storage/v1/b/([^/]+)/iam", _set_policy),
    ("POST", r"/upload/storage/v1/b/([^/]+)/o", _upload),
    ("GET", r"/storage/v1/b/([^/]+)/o", _objects),
    ("GET", r"/storage/v1/b/([^/]+)/managedFolders", _empty),
    ("GET", r"(?:/download)?/storage/v1/b/([^/]+)/o/([^/]+)", _object),
    ("DELETE", r"/storage/v1/b/([^/]+)/o/([^/]+)", _object_delete),
]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        try:
            body = json.loads(data) if data else None
        except ValueError:
            body = data
        request = Request(self.command, url.path, query, body)
        self.server.api.requests.append(request)
        answer = _answer(self.server.api, request)
        text = f"no route for {self.command} {self.path}"
        missing = {"error": {"code": 404, "message": text, "status": "NOT_FOUND"}}
        sent = answer
        if not isinstance(answer, bytes):
            sent = json.dumps(missing if answer is None else answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def log_message(self, *_: object) -> None:
        """The requests are recorded; stderr stays clean."""
