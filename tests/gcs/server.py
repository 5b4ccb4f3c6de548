"""The server: connections, bodies, faults on the wire, the log, and what a test does to it."""

import json
import re
import socket
import struct
import sys
import threading
import time
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from tests.gcs.api import dispatch, error_answer
from tests.gcs.faults import Fault, Faults, Line, flip
from tests.gcs.store import Hashes, Store
from tests.gcs.uploads import keep_received
from tests.gcs.wire import Answer, Call

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


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do(self) -> None:
        gcs: GcsServer = self.server.gcs
        self.at_s, self.up, self.down, self.recorded = gcs.clock(), 0, 0, False
        self.method = self.headers.get("X-HTTP-Method-Override", self.command)
        self.shown = unquote(self.path)
        if self.path.startswith("/_control/"):
            self.send(control(gcs, self.method, self.path, self.read_body()), Fault())
            return
        try:
            self.serve(gcs)
        except (_CutError, ConnectionError):
            self.record(0)
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do

    def serve(self, gcs: "GcsServer") -> None:
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
        if fault.stall_s and self.server.gcs.closing.wait(fault.stall_s):
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


def control(gcs: "GcsServer", method: str, path: str, body: bytearray) -> Answer:
    """What the context manager does, over HTTP."""
    answer = Answer()
    try:
        said = json.loads(body or b"{}")
        match method, path.removeprefix("/_control/"):
            case "POST", "fault":
                gcs.fault(**said)
            case "POST", "clear":
                gcs.clear_faults()
            case "POST", "limit":
                gcs.limit(**said)
            case "GET", "log":
                answer.json([asdict(request) for request in gcs.log])
            case _:
                return error_answer(404, f"{method} {path}")
    except (TypeError, ValueError) as error:
        return error_answer(400, str(error))
    return answer


class _Listening(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = False  # server_close waits for them, so that nothing outlives the block

    def get_request(self) -> tuple[socket.socket, tuple]:
        connection, address = super().get_request()
        self.gcs.connections.add(connection)
        return connection, address

    def shutdown_request(self, request: socket.socket) -> None:
        self.gcs.connections.discard(request)
        if struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))[0]:
            self.close_request(request)  # a reset, not a farewell
        else:
            super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Kept, so that a mistake of the server's own can be seen."""
        self.gcs.errors.append(sys.exc_info()[1])


class GcsServer:
    """A bucket store on loopback, while the block runs."""

    def __init__(self, buckets: tuple[str, ...] = ("bucket",), port: int = 0) -> None:
        self.store = Store(buckets)
        self.closing = threading.Event()
        self.faults, self.line = Faults(), Line(self.closing)
        self.log: list[Request] = []
        self.errors: list[BaseException] = []
        self.connections: set[socket.socket] = set()
        self.listening = _Listening(("127.0.0.1", port), _Handler)
        self.listening.gcs = self
        self.url = f"http://127.0.0.1:{self.listening.server_port}"
        self.store.url = self.url
        self.started = time.monotonic()

    def __enter__(self) -> "GcsServer":
        self.thread = threading.Thread(target=self.listening.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.closing.set()
        self.listening.shutdown()
        self.thread.join()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.connections.discard(connection)  # it has gone already
        self.listening.server_close()

    def clock(self) -> float:
        return time.monotonic() - self.started

    def fault(
        self,
        method: str = ".",
        path: str = ".",
        times: float = 1,
        *,
        status: int | None = None,
        drop_after: int | None = None,
        stall_s: float = 0.0,
        corrupt: str | None = None,
        truncate: int | None = None,
        commit_first: bool = False,
        skip: int = 0,
    ) -> Fault:
        """After `skip` requests that match, the next `times` go wrong.

        `path` is searched in the unquoted path and query, which has the object's name in all
        uploads, resumable ones too. status: answers it with a JSON error. drop_after: reads, or
        sends, so many bytes of the body and resets the connection. stall_s: reads the request,
        then waits. corrupt "up" or "down": one bit of the object on its way. truncate: so many
        bytes of it and no more. commit_first: does the work, then answers `status`, or with
        drop_after nothing.
        """
        fault = Fault(
            *(method, path, times, status, drop_after, stall_s),
            *(corrupt, truncate, commit_first, skip),
        )
        with self.faults.lock:
            self.faults.waiting.append(fault)
        return fault

    def clear_faults(self) -> None:
        with self.faults.lock:
            self.faults.waiting.clear()

    def limit(self, megabytes_per_s: float) -> None:
        """All bodies together pass at this rate; 0 is without limit."""
        self.line.limit(megabytes_per_s)

    def objects(self, bucket: str = "bucket") -> dict[str, bytes]:
        with self.store.lock:
            contents = {n: c for (b, n), c in self.store.contents.items() if b == bucket}
        return {name: bytes(content) for name, content in contents.items()}

    def put(self, name: str, data: bytes, bucket: str = "bucket") -> None:
        self.store.commit(bucket, name, data, Hashes(data).values())

    def delete(self, name: str, bucket: str = "bucket") -> None:
        self.store.remove(bucket, name)

    def flip_bit(self, name: str, at: int | None = None, bucket: str = "bucket") -> None:
        """Turns a bit of the byte at `at`, else of the middle one; its checksum stays."""
        with self.store.lock:
            self.store.contents[bucket, name] = flip(self.store.contents[bucket, name], at)
