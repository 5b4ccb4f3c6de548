"""Google Drive's public files: the address of one, and what to do with the pages it sends instead.

A small file comes at once. Before a large one stands a page with a form that says it was not
scanned for viruses; sent back, the file comes. Other pages are refusals and never the file.
"""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from job.errors import JobError, PermissionDeniedError, UnavailableError

DRIVE_URL = "https://drive.google.com"
QUOTA = ("quota exceeded", "too many users have viewed or downloaded")
NO_ACCESS = ("you need access", "request access", "sign in", "access denied")


def file_url(file_id: str, drive_url: str = DRIVE_URL) -> str:
    """The address of a public file."""
    return f"{drive_url}/uc?{urlencode({'export': 'download', 'id': file_id})}"


def next_url(page: str, page_url: str, target: Path) -> str:
    """The address that the confirm page leads to.

    `target` is where the file can be put by hand. Raises the JobError that says what any other
    page means.
    """
    parsed = _Page()
    parsed.feed(page)
    parsed.close()
    for action, fields in parsed.forms:
        if "confirm" in fields:
            to = urlsplit(urljoin(page_url, action))
            query = urlencode({**dict(parse_qsl(to.query)), **fields})
            return urlunsplit((to.scheme, to.netloc, to.path, query, ""))
    raise _refusal(
        page, page_url, parsed.title.strip(), f"or put a browser's download at {target}."
    )


def _refusal(page: str, page_url: str, title: str, by_hand: str) -> JobError:
    text = page.lower()
    host = urlsplit(page_url).hostname or ""
    if any(sign in text for sign in QUOTA):
        return UnavailableError(
            "Google Drive's download quota of this file is used up; try again tomorrow, " + by_hand
        )
    if host.startswith("accounts.") or any(sign in text for sign in NO_ACCESS):
        return PermissionDeniedError(
            "Google Drive wants a sign-in or a permission for this file; ask its owner to share it "
            "with anyone who has the link, " + by_hand
        )
    return UnavailableError(
        f"Google Drive sent an HTML page (`{title[:60]}`) in place of the file; try again later, "
        + by_hand
    )


class _Page(HTMLParser):
    """The title, and each form's action and named inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.forms: list[tuple[str, dict[str, str]]] = []
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((values.get("action", ""), {}))
        elif tag == "input" and self.forms and values.get("name"):
            self.forms[-1][1][values["name"]] = values.get("value", "")
        self._in_title = tag == "title"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
