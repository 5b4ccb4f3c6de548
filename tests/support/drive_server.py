"""A web server on loopback with files, and with a Google Drive in front of them.

`/files/NAME` is a file with a version, ranges and HEAD. `/uc?id=NAME` behaves like Drive: it
redirects to `/download`, which sends the file, or the page that stands before it or in its place.
Faults are served once each, in order.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

CONFIRM_PAGE = """<!DOCTYPE html><html><head><title>Google Drive - Virus scan warning</title></head>
<body><p>Google Drive can't scan this file for viruses. Would you still like to download it?</p>
<form id="download-form" action="/download" method="get">
<input type="submit" id="uc-download-link" value="Download anyway"/>
<input type="hidden" name="id" value="{id}"><input type="hidden" name="export" value="download">
<input type="hidden" name="confirm" value="t"><input type="hidden" name="uuid" value="a&amp;b-1">
</form></body></html>"""
QUOTA_PAGE = """<!DOCTYPE html><html><head><title>Google Drive - Quota exceeded</title></head><body>
<p>Sorry, you can't view or download this file at this time. Too many users have viewed or
downloaded this file recently.</p></body></html>"""
PERMISSION_PAGE = """<html><head><title>Google Drive: You need access</title></head><body>
<p>Ask for access, or switch to an account with access. <a href="/x">Request access</a></p>
</body></html>"""
ERROR_PAGE = "<!DOCTYPE html><html><head><title>Error 502</title></head><body>Oops</body></html>"


@dataclass(frozen=True)
class Fault:
    """One answer that goes wrong. What is None or 0 is as it should be."""

    status: int = 200
    location: str | None = None
    drop_after: int | None = None
    stall_s: float = 0.0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    page: str | None = None


@dataclass
class Server:
    """What it serves, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)  # Drive's page before, or for, a file
    faults: dict[str, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    requests: list[tuple[str, str, dict]] = field(default_factory=list)
    has_versions: bool = True
    has_lengths: bool = True
    has_head: bool = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        server: Server = self.server.served
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        server.requests.append((self.command, self.path, dict(self.headers)))
        faults = server.faults[parts.path]
        fault = faults.pop(0) if faults else Fault()
        time.sleep(fault.stall_s)
        if self.command == "HEAD" and not server.has_head:
            self.answer(405, b"")
        elif fault.location:
            self.answer(302, b"", {"Location": fault.location})
        elif fault.page is not None:
            self.answer(fault.status, fault.page.encode(), {"Content-Type": "text/html"})
        elif fault.status != 200:
            self.answer(fault.status, fault.body, fault.headers)
        elif parts.path == "/uc":
            location = f"/download?id={query['id']}&export=download"
            self.answer(303, b"", {"Location": location})
        elif parts.path == "/download":
            page = server.pages.get(query["id"])
            if page and not (page == CONFIRM_PAGE and query.get("uuid") == "a&b-1"):
                page = page.replace("{id}", query["id"])
                self.answer(200, page.encode(), {"Content-Type": "text/html; charset=utf-8"})
            else:
                self.send_file(server.files.get(query["id"]), fault)
        else:
            self.send_file(server.files.get(parts.path.removeprefix("/files/")), fault)

    def send_file(self, data: bytes | None, fault: Fault) -> None:
        server: Server = self.server.served
        if data is None:
            self.answer(404, ERROR_PAGE.encode(), {"Content-Type": "text/html"})
            return
        headers = {"Content-Type": "application/octet-stream", **fault.headers}
        status = 200
        if server.has_versions:
            headers.setdefault("ETag", f'"{sha256(data).hexdigest()[:8]}"')
            headers["Last-Modified"] = formatdate(0, usegmt=True)
            asked = self.headers.get("Range", "")
            if asked and self.headers.get("If-Range") == headers["ETag"]:
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                status, data = 206, data[start:]
        self.answer(status, data, headers, fault.drop_after)

    def answer(
        self, status: int, body: bytes, headers: dict | None = None, drop_after: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if self.server.served.has_lengths:
            self.send_header("Content-Length", str(len(body)))
        else:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:drop_after])
        if drop_after is not None:
            self.wfile.flush()
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Nothing: `requests` has what was asked."""


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that hangs up early is what some tests are about."""


@contextmanager
def drive_server() -> Iterator[Server]:
    """The server, while the block runs."""
    listening = _QuietServer(("127.0.0.1", 0), _Handler)
    listening.served = Server(url=f"http://127.0.0.1:{listening.server_port}")
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield listening.served
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
