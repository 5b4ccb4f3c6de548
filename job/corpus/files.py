"""A corpus's name and root → the files of its splits on this machine.

Local files are read in place; others are copied into the cache. `<root>/<name>/` holds
`train.*`, `val.*` (or valid, validation, dev) and perhaps `test.*`.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unicodedata import is_normalized, normalize

from job import sample, storage
from job.corpus.download import google_drive
from job.corpus.download.cache import cache_path, copy_object, in_writable, is_there
from job.corpus.download.file import download, find_version
from job.corpus.download.http import MissingError
from job.errors import ArgumentError, DataError, OutputError, PermissionDeniedError
from job.storage import masked

logger = logging.getLogger(__name__)

STEMS = {"train": ("train",), "val": ("val", "valid", "validation", "dev"), "test": ("test",)}
WEB_EXTENSIONS = ("txt", "tsv", "conll", "jsonl", "json")  # a web server has no listing
TUTORIAL_IDS = {
    "train": "1RP764owqs1kZeHcjFnCX7zXt2EcjGY1i",
    "val": "1bEPNWT5952rD3xjg0LfJBy3hLHry3yUL",
}
PROBES_AT_ONCE = 8
NAMES_SHOWN = 10


@dataclass(frozen=True)
class Source:
    """A file of a split: `file` to read, `shown` to name in messages, `url` of its origin."""

    file: Path
    shown: str
    url: str


@dataclass(frozen=True)
class Cache:
    """The folder for copies, and the rules for making one."""

    folder: Path
    max_bytes: int
    force: bool

    def copy(self, url: str, version: str | None = None) -> Path:
        """A local copy of the file at `url`. Raises MissingError or FileNotFoundError."""
        return in_writable(self.folder, lambda folder: self._copy(folder, url, version))

    def _copy(self, folder: Path, url: str, version: str | None) -> Path:
        if not is_web(url):
            return copy_object(url, folder, max_bytes=self.max_bytes, force=self.force)
        target = cache_path(folder, url, version or "")
        if version and is_there(target) and not self.force:
            logger.info("%s is unchanged: taken from %s.", masked(url), target)
        else:
            download(url, target, max_bytes=self.max_bytes)
        return target


def find_sources(
    name: str, root_url: str | None, cache: Cache, sha256: Mapping[str, str], drive_url: str
) -> dict[str, tuple[Source, ...]]:
    """Split → its files. Raises DataError where train or val is missing, or is there twice."""
    folder_url = storage.join(root_url or str(cache.folder), name)
    if name == "sample":
        folder_url = str(sample.FOLDER)
    found = _find(folder_url, cache)
    in_cache = folder_url == storage.join(str(cache.folder), name)
    if name == "ner" and (in_cache or "train" not in found):
        found = _fetch_tutorial(cache, sha256, drive_url)
    for split in ("train", "val"):
        if split not in found:
            names = " or ".join(f"{stem}.*" for stem in STEMS[split])
            raise DataError(
                f"DOWNSTREAM_CORPUS_NAME={name}: {masked(folder_url)} has no {names}; "
                f"{_what_is_there(folder_url)} Put the {split} split there, or correct "
                "DOWNSTREAM_CORPUS_ROOT_DIR."
            )
    return {split: (source,) for split, source in found.items()}


def _what_is_there(folder_url: str) -> str:
    """A sentence on what lies at a place where a split was not found."""
    if is_web(folder_url):
        endings = ", ".join(f".{extension}" for extension in WEB_EXTENSIONS)
        return f"a web server has no listing, so that name was tried with {endings}."
    names = storage.list_names(folder_url)
    if names:
        shown = ", ".join(names[:NAMES_SHOWN])
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return f"it holds {shown}{more}."
    if storage.is_local(folder_url) and storage.local_path(folder_url).is_dir():
        return "the folder is empty."
    above, _, name = folder_url.rstrip("/").rpartition("/")
    for sibling in storage.list_names(above):
        if normalize("NFC", sibling) == normalize("NFC", name) and sibling != name:
            form = "decomposed (NFD)" if is_normalized("NFC", name) else "composed (NFC)"
            return (
                f"there is no such folder, but one of this name in {form} Unicode beside it: rename"
                " it, or copy its name into DOWNSTREAM_CORPUS_NAME."
            )
    return "there is no such folder."


def read_companion(source: Source, name: str, cache: Cache) -> bytes | None:
    """The content of the file `name` beside a split; None where there is none."""
    beside = storage.join(source.url.rsplit("/", 1)[0], name)
    try:
        if storage.is_local(beside):
            return storage.local_path(beside).read_bytes()
        if is_web(beside) and find_version(beside) is None:
            return None
        return cache.copy(beside).read_bytes()
    except (FileNotFoundError, MissingError):
        return None


def is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _find(folder_url: str, cache: Cache) -> dict[str, Source]:
    if storage.is_local(folder_url):
        return _find_local(folder_url, storage.local_path(folder_url))
    if is_web(folder_url):
        return _find_on_web(folder_url, cache)
    try:
        storage.require_scheme(folder_url)
    except OutputError as error:  # the scheme is unknown
        raise ArgumentError(f"DOWNSTREAM_CORPUS_ROOT_DIR: {error}") from error
    found = {}
    for split, name in _choose(storage.list_names(folder_url), folder_url).items():
        url = storage.join(folder_url, name)
        try:
            found[split] = Source(cache.copy(url), masked(url), url)
        except FileNotFoundError as error:
            raise DataError(f"{masked(url)}: vanished before it was read; run again.") from error
    return found


def _find_local(folder_url: str, folder: Path) -> dict[str, Source]:
    try:
        names = sorted(file.name for file in folder.iterdir() if file.is_file())
    except (FileNotFoundError, NotADirectoryError):
        names = []
    except PermissionError as error:
        raise PermissionDeniedError(f"{folder}: cannot be read; give this user access.") from error
    return {
        split: Source(folder / name, str(folder / name), storage.join(folder_url, name))
        for split, name in _choose(names, folder_url).items()
    }


def _find_on_web(folder_url: str, cache: Cache) -> dict[str, Source]:
    names = [
        f"{stem}.{extension}"
        for stems in STEMS.values()
        for stem in stems
        for extension in WEB_EXTENSIONS
    ]
    denied: list[PermissionDeniedError] = []

    def probe(name: str) -> str | None:
        try:
            return find_version(storage.join(folder_url, name))
        except PermissionDeniedError as error:  # some stores say so of what does not exist
            denied.append(error)
            return None

    versions = {names[0]: probe(names[0])}  # a server that is down is waited for once
    with ThreadPoolExecutor(PROBES_AT_ONCE) as pool:
        versions |= dict(zip(names[1:], pool.map(probe, names[1:]), strict=True))
    found = {}
    for split, name in _choose([n for n in names if versions[n] is not None], folder_url).items():
        url = storage.join(folder_url, name)
        found[split] = Source(cache.copy(url, versions[name]), masked(url), url)
    if denied and not found:
        raise denied[0]
    return found


def _choose(names: Sequence[str], folder_url: str) -> dict[str, str]:
    """Split → the one name that is its file."""
    chosen = {}
    for split, stems in STEMS.items():
        candidates = [n for n in names if "." in n and n.split(".")[0] in stems and n[-1] != "~"]
        if len(candidates) > 1:
            raise DataError(
                f"{masked(folder_url)}: both {candidates[0]} and {candidates[1]} could be the "
                f"{split} split; remove or rename one."
            )
        if candidates:
            chosen[split] = candidates[0]
    return chosen


def _fetch_tutorial(cache: Cache, sha256: Mapping[str, str], drive_url: str) -> dict[str, Source]:
    """The tutorial's two files from Google Drive, or from the cache."""
    sources = {}
    for split, file_id in TUTORIAL_IDS.items():
        url = google_drive.file_url(file_id, drive_url)
        fetch = partial(_fetch_from_drive, split, url, cache, sha256.get(split))
        target = in_writable(cache.folder, fetch)
        sources[split] = Source(target, str(target), str(target))
    return sources


def _fetch_from_drive(split: str, url: str, cache: Cache, sha256: str | None, folder: Path) -> Path:
    target = folder / "ner" / f"{split}.txt"
    if cache.force or not _is_good(target, sha256):
        logger.info("Downloading the %s split of `ner` from Google Drive to %s.", split, target)
        next_url = partial(google_drive.next_url, target=target)
        download(url, target, max_bytes=cache.max_bytes, next_url=next_url)
    return target


def _is_good(file: Path, sha256: str | None) -> bool:
    """Whether the file is in the cache and is the pinned one, where one is pinned."""
    if not is_there(file):
        return False
    if sha256 and hashlib.sha256(file.read_bytes()).hexdigest() != sha256.lower():
        logger.warning("%s differs from CORPUS_SHA256; downloading it again.", file)
        return False
    return True
