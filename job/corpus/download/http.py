"""One question to a web server: redirects checked before they are followed, then retried.

`job.corpus.download.file` makes files of the answers.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urljoin

import requests

from job.corpus.download.allowed_addresses import check_redirect, is_loopback
from job.errors import PermissionDeniedError, UnavailableError
from job.machine import networks
from job.storage import masked

logger = logging.getLogger(__name__)

MAX_REDIRECTS = 10
MAX_WAIT_S = 30.0
TRANSIENT = frozenset((408, 425, 429, 500, 502, 503, 504))
# Without compression a length counts the file's bytes; the language is that of Drive's pages.
HEADERS = {"Accept-Encoding": "identity", "Accept-Language": "en", "User-Agent": "korean-ner-job"}

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often to ask it again."""

    connect_s: float = 10.0
    read_s: float = 60.0
    attempts: int = 5
    first_wait_s: float = 1.0


PATIENCE = Patience()


class MissingError(UnavailableError):
    """The server answers that there is no such file."""


class TransientError(Exception):
    """Worth another attempt, after `wait_s` where the server said so."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def open_session() -> requests.Session:
    session = requests.Session()
    session.headers.update(HEADERS)
    return session


def request(
    session: requests.Session,
    method: str,
    url: str,
    patience: Patience,
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    """The answer after at most 10 redirects, its body not yet read. Raises UnavailableError."""
    from_loopback = is_loopback(url)
    for _ in range(MAX_REDIRECTS + 1):
        response = session.request(
            method,
            url,
            headers=dict(headers or {}),
            stream=True,
            allow_redirects=False,
            timeout=(patience.connect_s, patience.read_s),
        )
        location = session.get_redirect_target(response)
        if location is None:
            return response
        response.close()
        url = urljoin(url, location)
        check_redirect(url, from_loopback)
    raise UnavailableError(
        f"{masked(url)}: more than {MAX_REDIRECTS} redirects; use another source."
    )


def check_status(response: requests.Response, url: str) -> None:
    """Raises what a status other than 200 and 206 means."""
    status = response.status_code
    if status in (200, 206):
        return
    if status in (404, 410):
        raise MissingError(f"{masked(url)}: there is no such file (HTTP {status}).")
    if status in (401, 403):
        raise PermissionDeniedError(
            f"{masked(url)}: permission denied (HTTP {status}); ask for access, or download the "
            "file yourself and name its folder."
        )
    if status in TRANSIENT:
        after = response.headers.get("Retry-After", "")
        raise TransientError(f"HTTP {status}", float(after) if after.isdecimal() else None)
    raise UnavailableError(f"{masked(url)}: HTTP {status} {response.reason}; try another source.")


def persist(ask: Callable[[], Answer], patience: Patience, url: str) -> Answer:
    """The answer, asked for again while what fails may be passing. Raises UnavailableError."""
    problem: Exception | None = None
    for attempt in range(1, patience.attempts + 1):
        try:
            return ask()
        except (
            TransientError,
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            if lasting := networks.lasting(masked(url), error):
                raise lasting from error
            problem = error
        except requests.RequestException as error:
            lasting = networks.lasting(masked(url), error)
            reason = networks.short(error)
            raise lasting or UnavailableError(
                f"{masked(url)}: cannot be downloaded ({reason}); check the address."
            ) from error
        if attempt < patience.attempts:
            wait_s = getattr(problem, "wait_s", None) or patience.first_wait_s * 2 ** (attempt - 1)
            wait_s = min(wait_s, MAX_WAIT_S)
            reason = networks.short(problem)
            logger.warning("%s: %s; trying again in %.1f s.", masked(url), reason, wait_s)
            time.sleep(wait_s)
    raise UnavailableError(
        f"{masked(url)}: no whole answer in {patience.attempts} attempts "
        f"({networks.short(problem)}); check the network and try again later."
    ) from problem
