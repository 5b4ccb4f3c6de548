"""A corpus by its place, or by its name and root → the files of its splits on this machine.

Local files are read in place; others are copied into the cache, and archives are unpacked there.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from unicodedata import is_normalized, normalize

from job import sample, storage
from job.corpus.download.copies import Cache, is_web
from job.corpus.download.file import find_version
from job.corpus.download.http import MissingError
from job.corpus.places.listing import Entry, Listing, list_place
from job.corpus.places.passed_over import parted
from job.corpus.places.split_words import choose, split_of
from job.corpus.places.tutorial import fetch_tutorial
from job.corpus.places.unpacked import unpacked
from job.corpus.places.web import ENDINGS
from job.errors import ArgumentError, DataError, JobError
from job.storage import masked

logger = logging.getLogger(__name__)

NAMES_SHOWN = 10
_AT_ONCE = 8


@dataclass(frozen=True)
class Source:
    """A file of a split: `file` to read, `shown` to name in messages, `inside` its path below the
    corpus. `folders` are where its companions may lie: its own, and those above it in the corpus.
    """

    file: Path
    shown: str
    inside: str
    folders: tuple[str, ...] = ()


Sources = dict[str, tuple[Source, ...]]


def find_sources(
    name: str, root_url: str | None, cache: Cache, sha256: Mapping[str, str], drive_url: str
) -> Sources:
    """Split → the files of the corpus `name`: that of `<root>/<name>` or, without a root, the
    embedded one, the tutorial's, or one in the cache. Raises DataError where there is no train."""
    if root_url is None and name == "ner":
        return _single(fetch_tutorial(cache, sha256, drive_url))
    if root_url is None and name == "sample":  # it lies beside the scripts that made it
        return _single({split: sample.FOLDER / f"{split}.txt" for split in ("train", "val")})
    folder_url = storage.join(root_url or str(cache.folder), name)
    listing = list_place(folder_url, cache, "DOWNSTREAM_CORPUS_ROOT_DIR")
    if not listing.entries and root_url is not None:
        _refuse_root_with_splits(root_url, name)
    return _with_train(
        _sources(listing, cache),
        *(folder_url, f"DOWNSTREAM_CORPUS_NAME={name}", "DOWNSTREAM_CORPUS_ROOT_DIR"),
    )


def _single(files: Mapping[str, Path]) -> Sources:
    return {split: (Source(file, str(file), file.name),) for split, file in files.items()}


def find_at(place: str, cache: Cache, said: str = "DOWNSTREAM_CORPUS") -> Sources:
    """Split → the files of the corpus at `place`, a file, a folder or a URL, which the user gave as
    `said`. Raises DataError where there are none."""
    listing = list_place(place, cache, said)
    sources = _sources(listing, cache)
    if not sources:
        raise DataError(
            f"{said}={masked(place)}: no file of a corpus is there; "
            f"{_what_is_there(place)} Correct the path."
        )
    return sources


def find_to_train(place: str, cache: Cache) -> Sources:
    """The same, with at least a train split."""
    found = find_at(place, cache)
    return _with_train(found, place, f"DOWNSTREAM_CORPUS={masked(place)}", "DOWNSTREAM_CORPUS")


def _with_train(found: Sources, url: str, said: str, variable: str) -> Sources:
    if "train" in found:
        return found
    others = [f"the {split} split ({files[0].shown})" for split, files in found.items()]
    there = f"there is {' and '.join(others)}." if others else _what_is_there(url)
    raise DataError(
        f"{said}: {masked(url)} has no train.*; {there} Put the train split there, or correct "
        f"{variable}."
    )


def _sources(listing: Listing, cache: Cache) -> Sources:
    """The files of each split, on this machine; what is left out is named in the log."""
    shown = masked(listing.url)
    entries, passed = list(listing.entries), list(listing.links)
    if listing.is_folder:
        entries, more = _parted(entries)
        passed += more
    opened = unpacked(entries, cache, is_alone=not listing.is_folder)
    if opened != entries:
        opened, more = _parted(opened)
        passed += more
    by_name = {entry.inside: entry for entry in opened}
    try:
        chosen = choose(list(by_name))
    except DataError as error:
        raise DataError(f"{shown}: {error}") from error
    if passed:
        logger.info("%s: passed over, as no part of the corpus: %s.", shown, _few(passed))
    if chosen.unnamed:
        logger.warning(
            "%s: left out, for their names say no split, and those of others do: %s.",
            *(shown, _few(chosen.unnamed)),
        )
    wanted = [by_name[name] for names in chosen.files.values() for name in names]
    files = dict(zip((entry.inside for entry in wanted), _fetched(wanted, cache), strict=True))
    return {
        split: tuple(_source(by_name[name], files[name], listing) for name in names)
        for split, names in chosen.files.items()
    }


def _parted(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    taken, passed = parted([entry.inside for entry in entries])
    names = set(taken)
    return [entry for entry in entries if entry.inside in names], passed


def _fetched(entries: Sequence[Entry], cache: Cache) -> list[Path]:
    """The files of all entries, several at a time after the first, which fails where all would."""
    first = [entry.fetched(cache) for entry in entries[:1]]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return first + list(pool.map(lambda entry: entry.fetched(cache), entries[1:]))


def _source(entry: Entry, file: Path, listing: Listing) -> Source:
    if storage.has_query(entry.url):
        return Source(file, entry.shown, entry.inside)
    above = entry.url.rpartition("/")[0]
    folders = [above or "."]
    while listing.is_folder and above.startswith(f"{listing.folder_url.rstrip('/')}/"):
        above = above.rpartition("/")[0]
        folders.append(above)
    return Source(file, entry.shown, entry.inside, tuple(folders))


def _refuse_root_with_splits(root_url: str, name: str) -> None:
    """Raises ArgumentError where the root is the corpus itself."""
    for below in _names_in(root_url) if not is_web(root_url) else ():
        try:
            names_split = split_of(below) is not None
        except JobError:
            names_split = True
        if names_split:
            raise ArgumentError(
                f"DOWNSTREAM_CORPUS_ROOT_DIR={masked(root_url)}: there is no folder {name} in it, "
                f"but {below}: it is the corpus itself. Set DOWNSTREAM_CORPUS={masked(root_url)} "
                "in its place, without DOWNSTREAM_CORPUS_ROOT_DIR and DOWNSTREAM_CORPUS_NAME."
            )


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more


def _what_is_there(url: str) -> str:
    """A sentence on what lies at a place where a split was not found."""
    if is_web(url):
        endings = ", ".join(f".{ending}" for ending in ENDINGS)
        return f"a web server has no listing, so that name was tried with {endings}."
    if names := _names_in(url):
        return f"it holds {_few(names)}."
    if storage.is_local(url) and storage.local_path(url).is_dir():
        return "the folder is empty."
    above, _, name = url.rstrip("/").rpartition("/")
    siblings = _names_in(above or ".")
    for sibling in siblings:
        if normalize("NFC", sibling) == normalize("NFC", name) and sibling != name:
            form = "decomposed (NFD)" if is_normalized("NFC", name) else "composed (NFC)"
            return (
                f"there is no such folder, but one of this name in {form} Unicode beside it: rename"
                " it, or copy its name."
            )
    beside = f", but {_few(siblings)} beside it" if siblings else ""
    return f"there is no such file or folder{beside}."


def _names_in(url: str) -> list[str]:
    is_missing = storage.is_local(url) and not storage.local_path(url).is_dir()
    return [] if is_missing else storage.list_names(url)


def read_companion(source: Source, name: str, cache: Cache) -> bytes | None:
    """The content of the file `name` beside a split or above it; None where there is none."""
    for folder in source.folders:
        beside = storage.join(folder, name)
        try:
            if storage.is_local(beside):
                return storage.local_path(beside).read_bytes()
            if not is_web(beside) or find_version(beside) is not None:
                return cache.copy(beside).read_bytes()
        except (FileNotFoundError, MissingError):
            continue
    return None
