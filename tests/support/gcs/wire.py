"""A request and its answer, as the emulator's handlers and ours see them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import parse_qs, urlsplit

from tests.support.gcs.faults import Fault


@dataclass
class Call:
    """A request whose body has been read."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytearray
    base_url: str = ""
    fault: Fault = field(default_factory=Fault)
    params: dict[str, str] = field(default_factory=dict)

    @cached_property
    def path(self) -> str:
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @cached_property
    def data(self) -> dict | None:
        """The body as JSON."""
        return json.loads(self.body) if self.body else None

    def option(self, name: str) -> str | None:
        return self.query.get(name, [None])[0] or None

    def get_header(self, name: str, default: str | None = None) -> str | None:
        return self.headers.get(name, default)


@dataclass
class Answer:
    """What is sent back."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | memoryview = b""

    def __setitem__(self, name: str, value: str) -> None:
        self.headers[name] = value

    def json(self, value: object) -> None:
        self["Content-Type"] = "application/json; charset=UTF-8"
        self.body = json.dumps(value).encode()

    def write(self, text: str) -> None:
        self.body += text.encode()
