"""TLS on loopback with a certificate that no public authority knows."""

import socket
import ssl
import threading
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def write_certificate(folder: Path, since: datetime) -> None:
    """authority.pem, for localhost and web.test, and both.pem, with its key; good for nine days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(since - timedelta(days=1))
        .not_valid_after(since + timedelta(days=9))
        .add_extension(
            x509.SubjectAlternativeName(list(map(x509.DNSName, ("localhost", "web.test")))),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "authority.pem").write_bytes(pem)
    (folder / "both.pem").write_bytes(pem + private(key))


def private(key) -> bytes:
    """The key as PEM."""
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())


class Tls:
    """A TLS server in front of a port of this machine; `hands` counts the tries to shake hands."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.hands = port, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "both.pem")
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self.listening.getsockname()[1]}"

    def __enter__(self) -> "Tls":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self.listening.accept()
            except OSError:
                return
            self.hands += 1
            threading.Thread(target=self._speak, args=(plain,), daemon=True).start()

    def _speak(self, plain: socket.socket) -> None:
        try:
            with self.context.wrap_socket(plain, server_side=True) as ours:
                upstream = socket.create_connection(("127.0.0.1", self.port))
                back = threading.Thread(target=self._copy, args=(upstream, ours), daemon=True)
                back.start()
                self._copy(ours, upstream)
                back.join()
                upstream.close()
        except OSError:
            plain.close()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(1 << 16):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return
