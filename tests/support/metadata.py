"""A Google Cloud VM's metadata server, on loopback: values with etags, and waiting for them."""

import json
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PREFIX = "/computeMetadata/v1/instance/"


class MetadataServer:
    """`values` is what it serves; `change` wakes whoever waits. `asked` are the paths in order."""

    def __init__(self) -> None:
        self.values = {"preempted": "FALSE", "maintenance-event": "NONE"}
        self.version, self.changed = 0, threading.Condition()
        self.asked: list[str] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.metadata, self.http.daemon_threads = self, True
        self.host = f"127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> "MetadataServer":
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()

    def change(self, name: str, value: str) -> None:
        with self.changed:
            self.values[name] = value
            self.version += 1
            self.changed.notify_all()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        served: MetadataServer = self.server.metadata
        url = urlsplit(self.path)
        options = {name: values[0] for name, values in parse_qs(url.query).items()}
        name = url.path.removeprefix(PREFIX)
        served.asked.append(self.path)
        if self.headers["Metadata-Flavor"] != "Google" or name not in served.values:
            self.send_error(403 if name in served.values else 404)
            return
        with served.changed:
            before = served.values[name]
            if options.get("wait_for_change") == "true":
                served.changed.wait_for(
                    lambda: served.values[name] != before, float(options["timeout_sec"])
                )
            body, etag = served.values[name].encode(), json.dumps(served.version)
        self.send_response(200)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # whoever waited has ended
            self.wfile.write(body)
