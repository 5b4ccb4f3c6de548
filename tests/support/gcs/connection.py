"""Requests off the wire and answers onto it, with the faults that lie there."""

import json
import re
import socket
import struct
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote

from tests.support.gcs.api import dispatch, error_answer
from tests.support.gcs.faults import Fault, flip
from tests.support.gcs.uploads import keep_received
from tests.support.gcs.wire import Answer, Call

PIECE = 256 * 1024
HEAD = 16 * 1024  # of a body: has the object's name, where the URL has none
PHRASES = {308: "Resume Incomplete", 499: "Client Closed Request"}


@dataclass(frozen=True)
class Request:
    """One request that was served. Status 0: its connection was cut."""

    method: str
    path: str  # with its query, unquoted; a name that is only in the body is added
    status: int
    bytes_up: int
    bytes_down: int
    at_s: float  # since the server started


class _CutError(Exception):
    """The connection ends here, without (the rest of) an answer."""


class Connection(BaseHTTPRequestHandler):
    """One client's connection, request after request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do(self) -> None:
        gcs = self.server.gcs
        self.at_s, self.up, self.down, self.recorded = gcs.clock(), 0, 0, False
        self.method = self.headers.get("X-HTTP-Method-Override", self.command)
        self.shown = unquote(self.path)
        if self.path.startswith("/_control/"):
            self.send(gcs.control(self.method, self.path, self.read_body()), Fault())
            return
        try:
            self.serve()
        except (_CutError, ConnectionError):
            self.record(0)
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

    def serve(self) -> None:
        gcs = self.server.gcs
        start = self.read_body(HEAD)
        kind = self.kind(start)
        fault = gcs.faults.take(self.method, self.shown, kind)
        call = Call(self.method, self.path, self.headers, start, f"http://{self.headers['Host']}")
        call.fault = fault
        drops = fault.drop_after is not None and not fault.commit_first and kind != "down"
        call.body = self.read_body(fault.drop_after if drops else None, start)
        if len(call.body) < self.length or drops:
            keep_received(call, gcs.store)
            self.cut()
        if not fault.commit_first:
            self.stall(fault)
            answer = failure(fault) if fault.status else dispatch(call, gcs.store)
        else:
            answer = dispatch(call, gcs.store)
            self.stall(fault)
            if fault.drop_after is not None:
                self.cut()
            answer = failure(fault) if fault.status else answer
        self.send(answer, fault if kind == "down" else Fault())

    def kind(self, start: bytearray) -> str | None:
        """Which way an object goes. Also finds the name that an upload has in its body only."""
        if self.command == "GET":
            path, _, query = self.path.partition("?")
            media = "alt=media" in query or not re.match(r"(/storage/v1)?/(b|batch)(/|$)", path)
            return "down" if media else None
        if "/upload/" not in self.path or self.command == "DELETE":
            return None
        if "upload_id=" in self.path:
            return "up" if self.length else None
        if "name=" not in self.path:
            found = re.search(rb'"name"\s*:\s*("(?:[^"\\]|\\.)*")', start)
            self.shown += f"&name={json.loads(found[1])}" if found else ""
        return None if "uploadType=resumable" in self.path else "up"

    def read_body(self, up_to: int | None = None, start: bytearray = b"") -> bytearray:
        """The body, or its first bytes; shorter where the client has gone."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return start or self.read_chunked()
        self.length = int(self.headers.get("Content-Length") or 0)
        wanted = self.length if up_to is None else min(up_to, self.length)
        if wanted <= len(start):
            return start[:wanted]
        body = bytearray(wanted)
        body[: len(start)] = start
        position = len(start)
        with memoryview(body) as view:
            while position < wanted:
                count = self.rfile.readinto(view[position : position + PIECE])
                if not count:
                    break
                position += count
                self.up += count
                self.server.gcs.line.pass_through(count)
        del body[position:]
        return body

    def read_chunked(self) -> bytearray:
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
            self.server.gcs.line.pass_through(size)
        self.rfile.readline()
        self.length = self.up = len(body)
        return body

    def stall(self, fault: Fault) -> None:
        if fault.stall_s:
            fault.over.wait(fault.stall_s)
            if self.server.gcs.closing.is_set():
                self.cut()

    def cut(self) -> None:
        """Resets the connection when this request's handling ends."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise _CutError

    def send(self, answer: Answer, fault: Fault) -> None:
        body = memoryview(answer.body)
        if fault.corrupt == "down":
            body = memoryview(flip(body))
        self.send_response(answer.status, PHRASES.get(answer.status))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        stops = [n for n in (fault.truncate, fault.drop_after) if n is not None]
        body = body[: min(stops)] if stops else body
        status = 0 if fault.drop_after is not None else int(answer.status)
        if not body:
            self.record(status)
        self.end_headers()
        for start in range(0, len(body), PIECE):
            piece = body[start : start + PIECE]
            self.server.gcs.line.pass_through(len(piece))
            self.down += len(piece)
            if self.down == len(body):
                self.record(status)
            self.wfile.write(piece)
        if fault.drop_after is not None:
            self.cut()
        if stops:
            self.close_connection = True

    def record(self, status: int) -> None:
        """Before the last byte goes: whoever has the answer finds the request in the log."""
        if not self.recorded and not self.path.startswith("/_control/"):
            self.recorded = True
            request = Request(self.method, self.shown, status, self.up, self.down, self.at_s)
            self.server.gcs.log.append(request)

    def log_message(self, *args: object) -> None:
        """Nothing: `log` has what was asked."""


def failure(fault: Fault) -> Answer:
    """The answer that a fault gives in place of the true one."""
    answer = error_answer(fault.status, f"A fault was asked for: {fault.status}.")
    if fault.status == 429:
        answer["Retry-After"] = "1"
    if fault.status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/"'
    return answer
