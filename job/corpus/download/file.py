"""One file from a web server: whole or not at all, and never an HTML page in its place.

A broken transfer goes on where it broke when the server can say that the file is
still the same (`If-Range`), and starts again otherwise. Reference: RFC 9110, 13.1.5 and 14.
"""

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests

from job.corpus.download.allowed_addresses import check_redirect, check_start, is_loopback
from job.corpus.download.cache import kept, refuse_large
from job.corpus.download.html import looks_like_html
from job.corpus.download.http import (
    MissingError,
    answer_of,
    check_status,
    open_session,
    request,
)
from job.errors import UnavailableError
from job.storage import Received, RetryPolicy, masked

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 15  # of the last chunk, what had arrived is lost with the connection
PAGE_BYTES = 1 << 20  # of an HTML page that is read for its form
MAX_PAGES = 3
CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")

NextUrl = Callable[[str, str], str]


@dataclass
class _Partial:
    """What has arrived. `validator` is what the server calls this version of the file."""

    stream: Received
    validator: str | None = None
    total: int | None = None

    def restart(self) -> None:
        self.stream.restart()
        self.validator = self.total = None


def download(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    policy: RetryPolicy | None = None,
    next_url: NextUrl | None = None,
) -> None:
    """Puts the file at `url` at `target`, which is replaced only by a whole file.

    `next_url(page, its URL)` says where an HTML page leads; without it a page is an error. Raises
    ArgumentError, MissingError, UnavailableError, PermissionDeniedError or DataError (too large).
    """
    check_start(url)
    started = time.monotonic()
    with kept(target) as stream, open_session() as session:
        partial = _Partial(Received(stream))
        answer_of(
            url,
            lambda: _transfer(session, url, partial, max_bytes, policy, next_url),
            policy,
            partial.stream,
        )
        size = stream.tell()
    seconds = time.monotonic() - started
    logger.info("Downloaded %s: %.1f MB in %.1f s.", masked(url), size / 1e6, seconds)


def find_version(url: str, policy: RetryPolicy | None = None) -> str | None:
    """A mark of the file's version, "" where the server does not say; None if absent.

    A page of HTML counts as absent: some servers send one with status 200 for any name.
    """
    check_start(url)

    def ask() -> str | None:
        response = request(session, "HEAD", url, policy)
        if response.status_code in (400, 403, 405, 501):  # HEAD itself may be what is refused
            response.close()
            response = request(session, "GET", url, policy)
        with response:
            check_status(response, url)
            if _is_page(response):
                return None
            headers = response.headers
            version = headers.get("ETag") or headers.get("Last-Modified")
            return f"{version} {headers.get('Content-Length')}" if version else ""

    with open_session() as session:
        try:
            return answer_of(url, ask, policy)
        except MissingError:
            return None


def _transfer(
    session: requests.Session,
    url: str,
    partial: _Partial,
    max_bytes: int,
    policy: RetryPolicy | None,
    next_url: NextUrl | None,
) -> None:
    """One attempt to bring `partial` to its end."""
    from_loopback = is_loopback(url)
    for _ in range(MAX_PAGES):
        headers = {}
        if partial.validator and partial.stream.tell():
            headers = {"Range": f"bytes={partial.stream.tell()}-", "If-Range": partial.validator}
        with request(session, "GET", url, policy, headers) as response:
            if not _is_page(response):
                _check_part(response, url, partial)
                _receive(response, url, partial, max_bytes)
                return
            # Where someone can read the page, it says more than a status of refusal.
            if next_url is None or response.status_code not in (200, 401, 403, 404):
                check_status(response, url)
                raise _page_error(url)
            page = next(response.iter_content(PAGE_BYTES), b"").decode(errors="replace")
            url = next_url(page, response.url)
        check_redirect(url, from_loopback)
    raise UnavailableError(f"{masked(url)}: page after page in place of the file; try again later.")


def _check_part(response: requests.Response, url: str, partial: _Partial) -> None:
    """Also sees that what comes continues what is there."""
    if response.status_code == 416:
        partial.restart()
        raise ConnectionError("HTTP 416, the file has changed")
    check_status(response, url)
    if response.status_code == 200:
        partial.restart()
        return
    found = CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    wanted = (partial.stream.tell(), str(partial.total))
    if not found or (int(found[1]), found[2].replace("*", wanted[1])) != wanted:
        partial.restart()
        raise ConnectionError("HTTP 206 for another part than the one asked for")


def _receive(response: requests.Response, url: str, partial: _Partial, max_bytes: int) -> None:
    headers = response.headers
    stream = partial.stream
    if response.status_code == 200:
        length = headers.get("Content-Length", "")
        plain = headers.get("Content-Encoding", "identity") == "identity"
        partial.total = int(length) if plain and length.isdecimal() else None
        etag = headers.get("ETag", "")
        # A weak tag may stay the same while bytes change, so it cannot glue two parts.
        strong = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        partial.validator = strong if plain else None
        refuse_large(partial.total, max_bytes, url)
    for chunk in response.iter_content(CHUNK_BYTES):
        if stream.tell() == 0 and looks_like_html(chunk[:200].decode(errors="replace")):
            raise _page_error(url)
        stream.write(chunk)
        refuse_large(stream.tell(), max_bytes, url)
    if partial.total is not None and stream.tell() != partial.total:
        raise ConnectionError(
            f"the connection ended after {stream.tell()} of {partial.total} bytes"
        )


def _is_page(response: requests.Response) -> bool:
    return response.headers.get("Content-Type", "").lower().startswith("text/html")


def _page_error(url: str) -> UnavailableError:
    return UnavailableError(
        f"{masked(url)}: an HTML page came in place of the file; open the address in a browser to "
        "see what it says."
    )
