"""Faults of a store or a server: which may pass by themselves, and what each is called.

Reference: https://cloud.google.com/storage/docs/retry-strategy
"""

import asyncio
import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import requests
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage.exceptions import DataCorruption
from urllib3.exceptions import HTTPError

from job.errors import JobError, OutputError, PermissionDeniedError, StorageError
from job.machine import networks

# 410: an upload session that the service has given up; the next attempt opens a new one.
PASSING_STATUS = {408, 410, 425, 429, 500, 502, 503, 504}
PASSING = (
    *(ConnectionError, TimeoutError, asyncio.TimeoutError),
    *(requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError),
    *(aiohttp.ClientError, HTTPError, TransportError),
)


class CorruptedError(StorageError):
    """The data that arrived is not the data that was sent."""


DAMAGED = (CorruptedError, DataCorruption)
LONGEST_REASON = 130  # characters of what a service says
FULL = {errno.ENOSPC: "no space left on the device", errno.EDQUOT: "the disk quota is used up"}


class GaveUpError(Exception):
    """A fault that may pass did not, in so many attempts or seconds; `cause` is the last fault."""

    def __init__(self, cause: Exception, attempts: int, deadline_s: float):
        super().__init__(f"given up after {attempts} attempts")
        self.cause, self.attempts, self.deadline_s = cause, attempts, deadline_s


def status_of(error: BaseException) -> int | None:
    """The HTTP status that an exception of one of the clients carries."""
    for carrier in (getattr(error, "response", None), error):
        for name in ("status_code", "code", "status"):
            if isinstance(status := getattr(carrier, name, None), int):
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


def passes_within(error: BaseException) -> bool:
    """Whether a part of a transfer may be sent again; else the whole transfer has to be."""
    return passes(error) and not isinstance(error, DAMAGED) and status_of(error) != 410


@contextmanager
def named(url: str) -> Iterator[None]:
    """Turns a storage library's exception into the job's error that names the URL."""
    try:
        yield
    except GaveUpError as error:
        raise StorageError(
            f"{url}: {reason_of(error.cause)}, and the store did not recover within "
            f"{error.deadline_s:g} s; see STORAGE_DEADLINE_S."
        ) from error.cause
    except (JobError, FileNotFoundError, FileExistsError):
        raise
    except Exception as error:
        if (by_name := _named(url, error)) is None:
            raise
        raise by_name from error


def _absent(url: str, error: Exception) -> JobError:
    if "No such object" in str(error):
        return StorageError(f"{url} was replaced or deleted while it was read; start this again.")
    return OutputError(f"{url}: there is no such bucket ({reason_of(error)}); create it first.")


def _named(url: str, error: Exception) -> JobError | None:
    if isinstance(error, DataCorruption):
        return CorruptedError(f"{url} does not match its checksum ({reason_of(error)}).")
    if lasting := networks.lasting(url, error):
        return lasting
    status = status_of(error)
    is_auth = isinstance(error, GoogleAuthError) and not is_unreachable(error)
    if status in (401, 403) or isinstance(error, PermissionError) or is_auth:
        remedy = "give this user access."
        if url.startswith("gs://"):
            remedy = (
                "give this user or service account access (gcloud auth application-default login; "
                "role Storage Object User)."
            )
        return PermissionDeniedError(f"{url}: permission denied ({reason_of(error)}); {remedy}")
    if status == 404:
        return _absent(url, error)
    if status is None and isinstance(error, OSError) and "://" not in url.removeprefix("file://"):
        return OutputError(f"{url} cannot be written or read ({reason_of(error)}).")
    if status is not None or isinstance(error, (OSError, GoogleAuthError, *PASSING)):
        return StorageError(f"{url}: {reason_of(error)}; the store refused it.")
    return None  # a fault of ours


def reason_of(error: BaseException) -> str:
    """The reason that an error gives, in few words."""
    if isinstance(error, OSError) and error.errno in FULL:
        return f"{FULL[error.errno]}: free some, or choose another output"
    if isinstance(error, GoogleAPICallError):
        # The client's message holds the whole answer; what a person needs is the sentence in it.
        sentence = re.search(r'"message": ?"((?:[^"\\]|\\.)+)"', error.message)
        said = sentence[1].replace('\\"', "'") if sentence else error.message
        return " ".join(f"HTTP {status_of(error)}: {said}".split())[:LONGEST_REASON]
    if getattr(getattr(error, "response", None), "status_code", None):
        return f"HTTP {status_of(error)}"
    return networks.short(error)
