"""One question to a web server: redirects checked before they are followed, then repeated.

`job.corpus.download.file` makes files of the answers.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar
from urllib.parse import urljoin

import requests

from job.corpus.download.allowed_addresses import check_redirect, is_loopback
from job.errors import PermissionDeniedError, UnavailableError
from job.figures import counted
from job.machine import networks
from job.storage import (
    PASSING_STATUS,
    GaveUpError,
    Received,
    RetryPolicy,
    masked,
    retry_policy,
    retrying,
)

MAX_REDIRECTS = 10
ATTEMPTS = 5  # in a row that bring nothing new
CONNECT_S = 10.0
# Without compression a length counts the file's bytes; the language is that of Drive's pages.
HEADERS = {"Accept-Encoding": "identity", "Accept-Language": "en", "User-Agent": "korean-ner-job"}

T = TypeVar("T")


class MissingError(UnavailableError):
    """The server answers that there is no such file."""


def open_session() -> requests.Session:
    """A session with the headers that every download sends."""
    session = requests.Session()
    session.headers.update(HEADERS)
    return session


def request(
    session: requests.Session,
    method: str,
    url: str,
    policy: RetryPolicy | None,
    headers: Mapping[str, str] | None = None,
) -> requests.Response:
    """The answer after at most 10 redirects, its body not yet read. Raises UnavailableError."""
    from_loopback = is_loopback(url)
    timeout_s = (policy or retry_policy()).timeout_s
    for _ in range(MAX_REDIRECTS + 1):
        response = session.request(
            method,
            url,
            headers=dict(headers or {}),
            stream=True,
            allow_redirects=False,
            timeout=(min(CONNECT_S, timeout_s), timeout_s),
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
    if status in PASSING_STATUS:
        raise requests.HTTPError(f"HTTP {status}", response=response)
    raise UnavailableError(f"{masked(url)}: HTTP {status} {response.reason}; try another source.")


def answer_of(
    url: str, ask: Callable[[], T], policy: RetryPolicy | None, received: Received | None = None
) -> T:
    """The answer, asked for again while what fails may be passing. Raises UnavailableError."""
    policy = policy or replace(retry_policy(), attempts=ATTEMPTS)
    try:
        return retrying(url, policy, received=received)(ask)()
    except GaveUpError as error:
        raise UnavailableError(
            f"{masked(url)}: no whole answer in {counted(error.attempts, 'attempt')} "
            f"({networks.short(error.cause)}); check the network and try again later."
        ) from error.cause
    except requests.RequestException as error:
        raise networks.lasting(masked(url), error) or UnavailableError(
            f"{masked(url)} cannot be downloaded ({networks.short(error)}); check the address."
        ) from error
