"""The tutorial's corpus: two files on Google Drive."""

import hashlib
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import requests

from job.corpus.download import google_drive
from job.corpus.download.cache import in_writable, is_there
from job.corpus.download.copies import Cache
from job.corpus.download.file import download
from job.errors import UnavailableError
from job.machine import networks

logger = logging.getLogger(__name__)

TUTORIAL_IDS = {
    "train": "1RP764owqs1kZeHcjFnCX7zXt2EcjGY1i",
    "val": "1bEPNWT5952rD3xjg0LfJBy3hLHry3yUL",
}


def fetch_tutorial(cache: Cache, sha256: Mapping[str, str], drive_url: str) -> dict[str, Path]:
    """Split -> its file, from Google Drive or from the cache."""
    files = {}
    for split, file_id in TUTORIAL_IDS.items():
        url = google_drive.file_url(file_id, drive_url)
        fetch = partial(_fetch, split, url, cache, sha256.get(split))
        files[split] = in_writable(cache.folder, fetch)
    return files


def _fetch(split: str, url: str, cache: Cache, sha256: str | None, folder: Path) -> Path:
    target = folder / "ner" / f"{split}.txt"
    if cache.force or not _is_good(target, sha256):
        logger.info("Downloading the %s split of `ner` from Google Drive to %s.", split, target)
        next_url = partial(google_drive.next_url, target=target)
        try:
            download(url, target, max_bytes=cache.max_bytes, next_url=next_url)
        except UnavailableError as error:
            if not _is_without_answer(error):
                raise
            raise UnavailableError(
                f"DOWNSTREAM_CORPUS_NAME=ner: Google Drive is not reached "
                f"({networks.short(error)}: no network?); put its {split}.txt at {target}, or name "
                "another corpus."
            ) from error
    return target


def _is_without_answer(error: UnavailableError) -> bool:
    """Whether nothing came at all; a proxy that is in the way has a sentence of its own."""
    is_unreached = isinstance(error.__cause__, requests.ConnectionError | requests.Timeout)
    return networks.is_unknown_name(error) or (is_unreached and not networks.is_obstacle(error))


def _is_good(file: Path, sha256: str | None) -> bool:
    """Whether the file is in the cache and is the pinned one, where one is pinned."""
    if not is_there(file):
        return False
    if sha256 and hashlib.sha256(file.read_bytes()).hexdigest() != sha256.lower():
        logger.warning("%s differs from CORPUS_SHA256; downloading it again.", file)
        return False
    return True
