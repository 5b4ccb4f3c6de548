"""The one place that tries again, for storage, downloads, the hub and secrets alike."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import IO, ParamSpec, TypeVar

import requests
from google.api_core.retry import exponential_sleep_generator
from google.cloud.storage.exceptions import InvalidResponse

from job.machine import networks
from job.storage.faults import DAMAGED, GaveUpError, named, passes, reason_of
from job.storage.urls import masked

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

DAMAGED_AT_REST = 3  # times in a row


@dataclass(frozen=True)
class RetryPolicy:
    """The number of new attempts after a fault, and the time for them.

    `timeout_s`: a request without an answer for so long has failed. `deadline_s` and `attempts`
    (None: any number) count from the last byte that was received, or else from the start.
    """

    timeout_s: float = 60
    deadline_s: float = 300
    first_wait_s: float = 1
    longest_wait_s: float = 30
    attempts: int | None = None


_policy = RetryPolicy()


def set_retry_policy(policy: RetryPolicy) -> None:
    """Sets the policy of every later call of this process that is given no other."""
    global _policy
    _policy = policy


def retry_policy() -> RetryPolicy:
    """The policy of this process."""
    return _policy


class Received:
    """A stream that knows when the furthest byte of it was written: what came again is no news."""

    def __init__(self, stream: IO[bytes]):
        self.stream, self.furthest, self.at_s = stream, 0, time.monotonic()

    def restart(self) -> None:
        """Forgets the content, for an attempt that sends all of it again."""
        self.stream.seek(0)
        self.stream.truncate()

    def seek(self, position: int) -> int:
        """Google's client goes back to the start for an object that is stored compressed."""
        return self.stream.seek(position)

    def tell(self) -> int:
        """The bytes that are there."""
        return self.stream.tell()

    def write(self, data: bytes) -> int:
        """Takes what has just arrived."""
        written = self.stream.write(data)
        if (position := self.stream.tell()) > self.furthest:
            self.furthest, self.at_s = position, time.monotonic()
        return written


def _read_to_its_end(error: BaseException) -> None:
    """The client leaves the answer to a refused download unread, and its connection open."""
    if isinstance(error, InvalidResponse):
        with suppress(requests.RequestException):
            _ = error.response.content


class _Faults:
    """The faults of one request since something of it arrived."""

    def __init__(self, url: str, policy: RetryPolicy, received: Received | None):
        self.url, self.policy, self.received = url, policy, received
        self.damaged = 0
        self._count_from(time.monotonic())

    def _count_from(self, since_s: float) -> None:
        self.since_s, self.number = since_s, 0
        policy = self.policy
        self.waits = exponential_sleep_generator(policy.first_wait_s, policy.longest_wait_s)

    def may_pass(self, error: Exception, may_pass: Callable[[BaseException], bool]) -> bool:
        """Whether the request is worth another attempt."""
        _read_to_its_end(error)
        # Damaged on the way, it comes right the next time; damaged at rest, it never does.
        self.damaged += isinstance(error, DAMAGED)
        if _place(self.url) in _reached and networks.is_obstacle(error):
            return True  # it was not there before: a network of hours has such moments
        return self.damaged < DAMAGED_AT_REST and may_pass(error)

    def wait(self, error: Exception) -> None:
        """Waits for the next attempt. Raises GaveUpError where there is none."""
        if self.received and self.received.at_s > self.since_s:
            self._count_from(self.received.at_s)
        self.number += 1
        wait_s = min(_asked_wait_s(error) or next(self.waits), self.policy.longest_wait_s)
        is_late = time.monotonic() + wait_s > self.since_s + self.policy.deadline_s
        if is_late or self.number == self.policy.attempts:
            raise GaveUpError(error, self.number, self.policy.deadline_s) from error
        logger.warning(
            "%s: %s; trying again in %.1f s.", masked(self.url), reason_of(error), wait_s
        )
        time.sleep(wait_s)


def _asked_wait_s(error: Exception) -> float | None:
    """The seconds that a busy server asks for (RFC 9110, 10.2.3; a date is not heeded)."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    after = str(headers.get("Retry-After", ""))
    return float(after) if after.isdecimal() else None


def retrying(
    url: str,
    policy: RetryPolicy | None = None,
    *,
    received: Received | None = None,
    may_pass: Callable[[BaseException], bool] = passes,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Repeats a function while it fails in a way that may pass; each new attempt is logged.

    Exponential backoff with full jitter. `received`: where the bytes of all attempts arrive. The
    function raises the error that does not pass, or GaveUpError.
    """

    def decorate(action: Callable[P, T]) -> Callable[P, T]:
        @wraps(action)
        def repeat(*args: P.args, **options: P.kwargs) -> T:
            faults = _Faults(url, policy or _policy, received)
            while True:
                try:
                    result = action(*args, **options)
                except Exception as error:
                    if not faults.may_pass(error, may_pass):
                        raise
                    faults.wait(error)
                else:
                    _reached.add(_place(url))
                    return result

        return repeat

    return decorate


def persist(url: str, action: Callable[[], T], received: Received | None = None) -> T:
    """The result of `action`, which is repeated while it fails in a way that passes.

    Raises FileNotFoundError, FileExistsError, or a JobError that names `url`.
    """
    with named(url):
        return retrying(url, received=received)(action)()


_reached: set[str] = set()  # stores that have answered this process


def _place(url: str) -> str:
    return "/".join(url.split("/")[:3])
