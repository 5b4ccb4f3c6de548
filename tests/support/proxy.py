"""A company's proxy on loopback: the only way to names that nobody else can resolve."""

import base64
import select
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Proxy:
    """`names` maps the hosts that it serves to ports of 127.0.0.1; others get 403.

    `asked` holds (method, host) of each request, `user` is "name:password" where it wants one.
    """

    def __init__(self, names: dict[str, int], user: str = "") -> None:
        self.names, self.user = names, user
        self.asked: list[tuple[str, str]] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.http.proxy, self.http.daemon_threads = self, True
        self.address = f"127.0.0.1:{self.http.server_port}"

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.http.shutdown()
        self.http.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_CONNECT(self) -> None:
        if upstream := self._reach(urlsplit(f"//{self.path}").hostname):
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._relay(upstream)

    def _forward(self) -> None:
        """A request with an absolute address goes on without the host; one a connection."""
        url = urlsplit(self.path)
        if upstream := self._reach(url.hostname):
            path = f"{url.path or '/'}{'?' if url.query else ''}{url.query}"
            del self.headers["Connection"]
            self.headers["Connection"] = "close"
            head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            upstream.sendall(f"{self.command} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"))
            self._relay(upstream, closing=True)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _forward

    def _reach(self, host: str | None) -> socket.socket | None:
        proxy: Proxy = self.server.proxy
        proxy.asked.append((self.command, host or ""))
        wanted = f"Basic {base64.b64encode(proxy.user.encode()).decode()}"
        self.close_connection = True
        if proxy.user and self.headers.get("Proxy-Authorization") != wanted:
            self.send_error(407)
        elif host not in proxy.names:
            self.send_error(403)
        else:
            return socket.create_connection(("127.0.0.1", proxy.names[host]))
        return None

    def _relay(self, upstream: socket.socket, closing: bool = False) -> None:
        """Bytes both ways until one side is done. `closing`: the head of the answer says so."""
        ours, head = self.connection, b""
        with suppress(OSError), upstream:
            if buffered := self._buffered():
                upstream.sendall(buffered)
            while True:
                for ready in select.select([ours, upstream], [], [], 60)[0]:
                    data = ready.recv(1 << 16)
                    if not data:
                        return
                    if closing and ready is upstream:
                        head += data
                        if b"\r\n\r\n" not in head:
                            continue
                        data = head.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
                        closing = False
                    (upstream if ready is ours else ours).sendall(data)

    def _buffered(self) -> bytes:
        """What of the body was read with the head."""
        self.connection.setblocking(False)
        try:
            return self.rfile.peek(1 << 16) and self.rfile.read1(1 << 16)
        except OSError:
            return b""
        finally:
            self.connection.setblocking(True)
