"""Requests to the store as no client makes them, and data to send."""

import base64
import random

import google_crc32c
import requests

from tests.support.gcs import GcsServer

DATA = random.Random(7).randbytes(3_000_000)
LARGE = DATA * 3  # more than the clients send in one request
CHUNK = 256 * 1024
CONTENTS = [b"", b"\r", b"a\n", b"a\r\n", b"\r\n--==1==--\r\n", b"\0" * 9, DATA[:100_001]]


def url_of(server: GcsServer, name: str, start: str = "/storage/v1") -> str:
    """Of an object, for a request of one's own."""
    return f"{server.url}{start}/b/bucket/o/{name}"


def start_upload(server: GcsServer, name: str = "a", query: str = "", **metadata: str) -> str:
    """The URL of a new resumable session."""
    address = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=resumable&name={name}{query}"
    reply = requests.post(address, json=metadata, timeout=9)
    reply.raise_for_status()
    return reply.headers["Location"]


def send_chunk(session: str, data: bytes, span: str, **headers: str) -> requests.Response:
    """A part of a resumable session."""
    headers = {"Content-Range": f"bytes {span}", **headers}
    return requests.put(session, data=data, headers=headers, timeout=9)


def post_media(server: GcsServer, data: bytes, name: str = "a") -> requests.Response:
    """An upload in one request."""
    address = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=media&name={name}"
    return requests.post(address, data=data, timeout=9)


def crc32c(data: bytes) -> str:
    """As the service writes it."""
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()
