"""The server: what listens, and what a test does to it."""

import json
import socket
import struct
import sys
import threading
import time
from dataclasses import asdict
from http.server import ThreadingHTTPServer

from tests.support.gcs.api import error_answer
from tests.support.gcs.connection import Connection, Request
from tests.support.gcs.faults import Fault, Faults, Line, flip
from tests.support.gcs.store import Hashes, Store
from tests.support.gcs.wire import Answer


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
        self.listening = _Listening(("127.0.0.1", port), Connection)
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
        self.clear_faults()
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
        """Nothing more goes wrong, and requests that are stalled go on."""
        with self.faults.lock:
            for fault in self.faults.waiting:
                fault.over.set()
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

    def control(self, method: str, path: str, body: bytearray) -> Answer:
        """What the context manager does, over HTTP."""
        answer = Answer()
        try:
            said = json.loads(body or b"{}")
            match method, path.removeprefix("/_control/"):
                case "POST", "fault":
                    self.fault(**said)
                case "POST", "clear":
                    self.clear_faults()
                case "POST", "limit":
                    self.limit(**said)
                case "GET", "log":
                    answer.json([asdict(request) for request in self.log])
                case _:
                    return error_answer(404, f"{method} {path}")
        except (TypeError, ValueError) as error:
            return error_answer(400, str(error))
        return answer
