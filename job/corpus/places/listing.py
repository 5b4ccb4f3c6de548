"""The files at a place: a file or a folder of this machine or of a store, or a web server's.

A folder is walked to its end. Links to folders are not followed, for they may lead in a circle.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from job import storage
from job.corpus.download.copies import Cache, is_web
from job.corpus.download.file import find_version
from job.corpus.download.hub_dataset import fetch_dataset, is_hub_dataset
from job.corpus.places.passed_over import is_hidden
from job.corpus.places.web import find_on_web
from job.errors import ArgumentError, DataError, OutputError, PermissionDeniedError
from job.storage import masked

MOST_FILES = 100_000
_ENDING = re.compile(r"\.[A-Za-z]\w{0,9}$")


@dataclass(frozen=True)
class Entry:
    """A file. `inside` is its path below the place, `shown` its name in messages; `file` is where
    it lies on this machine, and `version` what a web server calls its content."""

    inside: str
    url: str
    shown: str
    file: Path | None = None
    version: str | None = None

    def fetched(self, cache: Cache) -> Path:
        """The file on this machine. Raises DataError where it is gone since it was listed."""
        try:
            return self.file or cache.copy(self.url, self.version)
        except FileNotFoundError as error:
            raise DataError(f"{self.shown} vanished before it was read; run again.") from error


@dataclass(frozen=True)
class Listing:
    """The files at the place `url`, which is a folder or one file; `links` lead to folders."""

    url: str
    entries: Sequence[Entry]
    is_folder: bool = True
    links: Sequence[str] = ()

    @property
    def folder_url(self) -> str:
        """The folder itself, or the one that the file lies in."""
        return self.url if self.is_folder else self.url.rstrip("/").rpartition("/")[0] or "."


def list_place(url: str, cache: Cache, variable: str) -> Listing:
    """What lies at `url`, the value of the argument `variable`; no entries where nothing does."""
    if is_web(url):
        return _on_web(url, cache)
    if is_hub_dataset(url):
        return _on_hub(url, cache)
    if storage.is_local(url):
        return _on_disk(url, storage.local_path(url))
    try:
        storage.require_scheme(url)
    except OutputError as error:  # the scheme is unknown
        raise ArgumentError(f"{variable}: {error}") from error
    return _in_store(url)


def last_part(url: str) -> str:
    """The name of a file or folder by its URL; of a web server's without what follows the path."""
    if is_web(url):
        parts = urlsplit(url)
        return unquote(parts.path.rstrip("/").rpartition("/")[2]) or parts.hostname or ""
    return url.rstrip("/").rpartition("/")[2]


def _on_disk(url: str, path: Path) -> Listing:
    try:
        if path.is_file():
            return Listing(url, [Entry(path.name, url, str(path), path)], is_folder=False)
        names = _limited(url, storage.files_below(url, MOST_FILES + 1)) if path.is_dir() else []
        entries, links = [], []
        for name in names:
            file = path / name
            if file.is_file():
                entries.append(Entry(name, storage.join(url, name), str(file), file))
            elif file.is_dir() and not is_hidden(name):
                links.append(name)
    except PermissionError as error:
        raise PermissionDeniedError(f"{path} cannot be read; give this user access.") from error
    return Listing(url, entries, links=links)


def _in_store(url: str) -> Listing:
    names = _limited(url, storage.files_below(url, MOST_FILES + 1))
    if names:
        places = [(name, storage.join(url, name)) for name in names]
        return Listing(url, [Entry(name, place, masked(place)) for name, place in places])
    if not url.endswith("/") and storage.exists(url) and not storage.list_names(url):
        return Listing(url, [Entry(last_part(url), url, masked(url))], is_folder=False)
    return Listing(url, [])


def _on_hub(url: str, cache: Cache) -> Listing:
    found = fetch_dataset(url, cache.folder, cache.token, cache.max_bytes, force=cache.force)
    folder = Path(found.folder)
    entries = [
        Entry(inside, str(folder / path), f"hf://datasets/{found.name}/{path}", folder / path)
        for inside, path in found.files.items()
    ]
    return Listing(found.folder, entries)


def _limited(url: str, names: list[str]) -> list[str]:
    if len(names) > MOST_FILES:
        raise DataError(
            f"{masked(url)}: more than {MOST_FILES:,} files lie there; name the folder that holds "
            "the corpus alone."
        )
    return names


def _on_web(url: str, cache: Cache) -> Listing:
    """One file, or of a folder the names that a split usually has: there is no listing."""
    if not url.endswith("/") and (_names_file(url) or _is_file(url)):
        # What the server answers in place of the file is told where it is asked for the file.
        file = cache.copy_checked(url)
        return Listing(url, [Entry(last_part(url), url, masked(url), file)], is_folder=False)
    places = [
        (name, storage.join(url, name), version) for name, version in find_on_web(url).items()
    ]
    return Listing(url, [Entry(n, place, masked(place), None, v) for n, place, v in places])


def _names_file(url: str) -> bool:
    return storage.has_query(url) or bool(_ENDING.search(last_part(url)))


def _is_file(url: str) -> bool:
    try:
        return find_version(url) is not None
    except PermissionDeniedError:  # usual for a folder
        return False
