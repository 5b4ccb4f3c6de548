"""What goes wrong and how often, and how fast the line is."""

import math
import re
import threading
import time
from dataclasses import dataclass, field

REASONS = {
    400: "invalid",
    401: "authError",
    403: "forbidden",
    404: "notFound",
    408: "requestTimeout",
    410: "uploadSessionGone",
    412: "conditionNotMet",
    429: "rateLimitExceeded",
    500: "internalError",
    501: "notImplemented",
    503: "backendError",
}


@dataclass
class Fault:
    """How the matching requests go wrong, and how many of them."""

    method: str = "."
    path: str = "."
    times: float = 1
    status: int | None = None
    drop_after: int | None = None
    stall_s: float = 0.0
    corrupt: str | None = None
    truncate: int | None = None
    commit_first: bool = False
    skip: int = 0
    hits: int = 0
    over: threading.Event = field(default_factory=threading.Event)  # ends its stalls

    def __post_init__(self) -> None:
        assert self.corrupt in (None, "up", "down"), self.corrupt
        self.times = float(self.times)

    def concerns(self, method: str, path: str, kind: str | None) -> bool:
        """Whether it can bite: `kind` is "up" or "down" for requests that carry an object."""
        if self.corrupt and self.corrupt != kind:
            return False
        if self.truncate is not None and kind is None:
            return False
        return bool(re.search(self.method, method) and re.search(self.path, path))


@dataclass
class Faults:
    """The faults to come, in the order they were added; the first that matches is taken."""

    waiting: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, method: str, path: str, kind: str | None) -> Fault:
        with self.lock:
            for fault in self.waiting:
                if fault.hits >= fault.times or not fault.concerns(method, path, kind):
                    continue
                if fault.skip:
                    fault.skip -= 1
                else:
                    fault.hits += 1
                    return fault
        return Fault()


class Line:
    """One token bucket for all bodies, both ways."""

    def __init__(self, closing: threading.Event) -> None:
        self.bytes_per_s = math.inf
        self.free_at = 0.0
        self.closing = closing
        self.lock = threading.Lock()

    def limit(self, megabytes_per_s: float) -> None:
        self.bytes_per_s = megabytes_per_s * 1e6 or math.inf

    def pass_through(self, count: int) -> None:
        """Returns when `count` bytes have had their turn."""
        if math.isinf(self.bytes_per_s):
            return
        with self.lock:
            now = time.monotonic()
            self.free_at = max(self.free_at, now) + count / self.bytes_per_s
            wait_s = self.free_at - now
        self.closing.wait(wait_s)


def flip(content: bytes | bytearray | memoryview, at: int | None = None) -> bytearray:
    """A copy with one bit of the byte at `at`, or of the middle byte, turned over."""
    changed = bytearray(content)
    if changed:
        changed[len(changed) // 2 if at is None else at] ^= 1
    return changed
