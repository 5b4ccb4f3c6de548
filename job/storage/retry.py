"""Faults of a store: what passes by itself is tried again, the rest gets a name.

The one place that retries. Reference: https://cloud.google.com/storage/docs/retry-strategy
"""

import asyncio
import errno
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import requests
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from urllib3.exceptions import HTTPError

from job.errors import JobError, OutputError, PermissionDeniedError, StorageError
from job.machine import networks

logger = logging.getLogger(__name__)
T = TypeVar("T")

# 410: an upload session that the service has given up; the next attempt opens a new one.
PASSING_STATUS = {408, 410, 429, 500, 502, 503, 504}
PASSING = (
    *(ConnectionError, TimeoutError, asyncio.TimeoutError),
    *(requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError),
    *(aiohttp.ClientError, HTTPError, TransportError),
)


class CorruptedError(StorageError):
    """What arrived is not what was sent."""


DAMAGED = (CorruptedError, DataCorruption)
DAMAGED_AT_REST = 3  # times in a row
LONGEST_REASON = 130  # characters of what a service says
FULL = {errno.ENOSPC: "no space left on the device", errno.EDQUOT: "the disk quota is used up"}


@dataclass(frozen=True)
class Patience:
    """`timeout_s`: a request without an answer for so long has failed. `deadline_s`: a fault is
    met with new attempts for so long."""

    timeout_s: float = 60
    deadline_s: float = 300
    first_wait_s: float = 1
    longest_wait_s: float = 30


_patience = Patience()


def set_patience(patience: Patience) -> None:
    """What every later call of this process goes by."""
    global _patience
    _patience = patience


def patience() -> Patience:
    """What this process goes by."""
    return _patience


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an exception of one of the storage libraries carries."""
    if isinstance(error, InvalidResponse):
        return error.response.status_code
    for name in ("code", "status"):
        if isinstance(status := getattr(error, name, None), int):
            return int(status)
    return None


def passes(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, DAMAGED):
        return True
    if isinstance(error, JobError) or networks.is_lasting(error):
        return False
    if (status := status_of(error)) is not None:
        # 400 with a hash in its text: the service refuses a body that arrived damaged.
        damaged = status == 400 and ("crc32c" in str(error).lower() or "md5" in str(error).lower())
        return status in PASSING_STATUS or damaged
    if isinstance(error, GoogleAuthError):
        return bool(error.retryable) or is_unreachable(error)
    return isinstance(error, PASSING)


def is_unreachable(error: BaseException) -> bool:
    """Whether the server that renews a token did not answer: no word on whether it would."""
    causes = (error, error.__cause__, *error.args[:1])
    return any(isinstance(cause, TransportError) for cause in causes)


def _passes_within(error: BaseException) -> bool:
    """Whether a part of a transfer may be sent again; else the whole transfer has to be."""
    return passes(error) and not isinstance(error, DAMAGED) and status_of(error) != 410


def _read_to_its_end(error: BaseException) -> None:
    """The client leaves the answer to a refused download unread, and its connection open."""
    if isinstance(error, InvalidResponse):
        with suppress(requests.RequestException):
            _ = error.response.content


def retrying(url: str, *, part: bool = False) -> Retry:
    """Exponential backoff with full jitter up to the deadline; each new attempt is logged.

    `part`: for the requests within a transfer, not for the transfer as a whole.
    """
    damaged = 0

    def predicate(error: BaseException) -> bool:
        # Damaged on the way, it comes right the next time; damaged at rest, it never does.
        nonlocal damaged
        _read_to_its_end(error)
        damaged += isinstance(error, DAMAGED)
        if _place(url) in _reached and networks.is_obstacle(error):
            return True  # it was not there before: a network of hours has such moments
        return damaged < DAMAGED_AT_REST and (_passes_within if part else passes)(error)

    def tell(error: Exception) -> None:
        logger.warning("%s: %s; trying again.", url, _reason(error))

    return Retry(
        predicate=predicate,
        initial=_patience.first_wait_s,
        maximum=_patience.longest_wait_s,
        timeout=_patience.deadline_s,
        on_error=tell,
    )


def persist(url: str, action: Callable[[], T]) -> T:
    """The result of `action`, which is repeated while it fails in a way that passes.

    Raises FileNotFoundError, FileExistsError, or a JobError that names `url`.
    """
    with named(url):
        result = retrying(url)(action)()
    _reached.add(_place(url))
    return result


_reached: set[str] = set()  # stores that have answered this process


def _place(url: str) -> str:
    return "/".join(url.split("/")[:3])


@contextmanager
def named(url: str) -> Iterator[None]:
    """Turns a storage library's exception into the job's error that names the URL."""
    try:
        yield
    except RetryError as error:
        cause = error.cause or error
        raise StorageError(
            f"{url}: {_reason(cause)}, and the store did not recover within "
            f"{_patience.deadline_s:g} s; see STORAGE_DEADLINE_S."
        ) from cause
    except (JobError, FileNotFoundError, FileExistsError):
        raise
    except Exception as error:
        if (by_name := _named(url, error)) is None:
            raise
        raise by_name from error


def _named(url: str, error: Exception) -> JobError | None:
    if isinstance(error, DataCorruption):
        return CorruptedError(f"{url}: does not match its checksum ({_reason(error)}).")
    if lasting := networks.lasting(url, error):
        return lasting
    status = status_of(error)
    is_auth = isinstance(error, GoogleAuthError) and not is_unreachable(error)
    if status in (401, 403) or isinstance(error, PermissionError) or is_auth:
        return PermissionDeniedError(
            f"{url}: permission denied ({_reason(error)}); give this user or service account access"
            " (gcloud auth application-default login; role Storage Object User)."
            if url.startswith("gs://")
            else f"{url}: permission denied ({_reason(error)}); give this user access."
        )
    if status == 404 and "No such object" in str(error):
        return StorageError(f"{url}: was replaced or deleted while it was read; start this again.")
    if status == 404:
        return OutputError(f"{url}: there is no such bucket ({_reason(error)}); create it first.")
    if status is None and isinstance(error, OSError) and "://" not in url.removeprefix("file://"):
        return OutputError(f"{url}: cannot be written or read ({_reason(error)}).")
    if status is not None or isinstance(error, (OSError, GoogleAuthError, *PASSING)):
        return StorageError(f"{url}: {_reason(error)}; the store refused it.")
    return None  # a fault of ours


def _reason(error: BaseException) -> str:
    if isinstance(error, RetryError) and error.cause:
        error = error.cause
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{FULL[error.errno]}: free some, or choose another output"
    if isinstance(error, GoogleAPICallError):
        # The client's message holds the whole answer; what a person needs is the sentence in it.
        sentence = re.search(r'"message": ?"((?:[^"\\]|\\.)+)"', error.message)
        said = sentence[1].replace('\\"', "'") if sentence else error.message
        return " ".join(f"HTTP {int(error.code)}: {said}".split())[:LONGEST_REASON]
    return networks.short(error)
