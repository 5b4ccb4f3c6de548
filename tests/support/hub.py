"""A Hugging Face hub on loopback, faithful in what huggingface_hub asks of the real one.

It serves `/api/models/…` (information and tree) and `/<name>/resolve/<revision>/<file>`, and the
same for datasets, whose names begin with `datasets/` here as they do in their addresses. Weights
lie on a "CDN" (the same server under another host name), reached by a redirect, as on the real
hub. Requests are recorded; faults happen on demand.
"""

import hashlib
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

WEIGHTS = (".safetensors", ".bin", ".h5")
DENIALS = {
    "unknown": (401, "RepoNotFound", "Invalid username or password."),
    "gated": (403, "GatedRepo", "Access to this model is restricted."),
    "token": (401, None, "Invalid credentials in Authorization header"),
    "revision": (404, "RevisionNotFound", "Invalid rev id"),
    "entry": (404, "EntryNotFound", "Entry not found"),
}


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]  # names in lower case


@dataclass
class Fault:
    """Happens to the next `times` requests whose `METHOD path` holds `pattern`."""

    pattern: str
    times: int = 1
    status: int | None = None
    drop_after: int | None = None  # bytes of the body before the connection is closed
    stall_s: float = 0.0


@dataclass
class Repository:
    """Commits of a model or a dataset: commit → file name → content; `refs` names some of them."""

    commits: dict[str, dict[str, bytes]]
    refs: dict[str, str]
    gated: bool = False
    private: bool = False


@dataclass
class Hub:
    """Use as a context manager; `url` is what HF_ENDPOINT must be."""

    repositories: dict[str, Repository] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def add(
        self, name: str, files: dict[str, bytes], revision: str = "main", **rights: bool
    ) -> str:
        """Adds a commit to `name` and points `revision` to it. Returns the commit."""
        listing = json.dumps([name, {f: hashlib.sha1(c).hexdigest() for f, c in files.items()}])
        commit = hashlib.sha1(listing.encode()).hexdigest()
        repository = self.repositories.setdefault(name, Repository({}, {}, **rights))
        repository.commits[commit] = files
        repository.refs[revision] = commit
        return commit

    def __enter__(self) -> "Hub":
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def paths(self, method: str) -> list[str]:
        """The paths asked for by `method`, in order."""
        return [request.path for request in self.requests if request.method == method]

    def take_fault(self, line: str) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and re.search(fault.pattern, line):
                fault.times -= 1
                return fault
        return None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Tests read `hub.requests` instead."""

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.hub.requests.append(Request(self.command, self.path, headers))
        self.fault = self.hub.take_fault(f"{self.command} {self.path}")
        if self.fault and self.fault.stall_s:
            time.sleep(self.fault.stall_s)
        if self.fault and self.fault.status:
            self._answer(b"the fault that was asked for", status=self.fault.status)
            return
        path = urlsplit(self.path).path
        if info := re.fullmatch(
            r"/api/(?:models/|(?=datasets/))(.+?)(?:/(revision|tree)/([^/]+))?", path
        ):
            name, kind, revision = info.groups()
            self._api(name, kind or "revision", unquote(revision or "main"))
        elif file := re.fullmatch(r"/(.+?)/resolve/([^/]+)/(.+)", path):
            name, revision, filename = map(unquote, file.groups())
            self._resolve(name, revision, filename)
        elif cdn := re.fullmatch(r"/cdn/(.+?)/([0-9a-f]{40})/(.+)", path):
            name, commit, filename = map(unquote, cdn.groups())
            self._content(self.hub.repositories[name].commits[commit][filename], {})
        else:
            self._deny("entry")

    def _allowed(self, name: str, revision: str, *, content: bool) -> str | None:
        """The commit, or None after an error was answered."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        repository = self.hub.repositories.get(name)
        if token and token not in self.hub.tokens:
            self._deny("token")
        elif repository is None or (repository.private and not token):
            self._deny("unknown")
        elif content and repository.gated and not token:
            self._deny("gated")
        else:
            commit = repository.refs.get(revision, revision)
            if commit in repository.commits:
                return commit
            self._deny("revision")
        return None

    def _api(self, name: str, kind: str, revision: str) -> None:
        if not (commit := self._allowed(name, revision, content=kind == "tree")):
            return
        files = self.hub.repositories[name].commits[commit]
        if kind == "tree":
            answer: object = [
                {"type": "file", "path": path, "size": len(data), "oid": _etag(data)[:40]}
                for path, data in files.items()
            ]
        else:
            siblings = [{"rfilename": path, "size": len(data)} for path, data in files.items()]
            if "blobs=" not in self.path:  # sizes are told to those who ask for them
                siblings = [{"rfilename": path} for path in files]
            name = name.removeprefix("datasets/")
            answer = {"id": name, "modelId": name, "sha": commit, "siblings": siblings}
        self._answer(json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _resolve(self, name: str, revision: str, filename: str) -> None:
        if not (commit := self._allowed(name, revision, content=True)):
            return
        data = self.hub.repositories[name].commits[commit].get(filename)
        headers = {"X-Repo-Commit": commit}
        if data is None:
            self._deny("entry", headers)
        elif filename.endswith(WEIGHTS):
            location = f"http://localhost:{self.hub.port}/cdn/{name}/{commit}/{filename}"
            headers |= {"Location": location}
            headers |= {"X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{_etag(data)}"'}
            self._answer(b"", headers, status=302)
        else:
            self._content(data, headers)

    def _content(self, data: bytes, headers: dict[str, str]) -> None:
        headers = headers | {"ETag": f'"{_etag(data)}"', "Accept-Ranges": "bytes"}
        if wanted := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", "")):
            start = int(wanted[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            self._answer(data[start:], headers, status=206)
        else:
            self._answer(data, headers)

    def _deny(self, reason: str, headers: dict[str, str] | None = None) -> None:
        status, code, message = DENIALS[reason]
        told = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._answer(message.encode(), told | (headers or {}), status=status)

    def _answer(
        self, body: bytes, headers: dict[str, str] | None = None, *, status: int = 200
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.fault and self.fault.drop_after is not None:
            self.wfile.write(body[: self.fault.drop_after])
            self.close_connection = True
            return
        self.wfile.write(body)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
