"""A folder of a web server, which has no listing: each name that a split may have is asked for."""

from concurrent.futures import ThreadPoolExecutor

from job.corpus.download.file import find_version
from job.errors import PermissionDeniedError
from job.storage import join

STEMS = ("train", "val", "valid", "validation", "dev", "test")
ENDINGS = ("txt", "tsv", "conll", "jsonl", "json", "csv", "parquet")
_AT_ONCE = 8


def find_on_web(folder_url: str) -> dict[str, str]:
    """Name -> version of each file that is there."""
    names = [f"{stem}.{ending}" for stem in STEMS for ending in ENDINGS]
    denied: list[PermissionDeniedError] = []

    def probe(name: str) -> str | None:
        try:
            return find_version(join(folder_url, name))
        except PermissionDeniedError as error:  # some stores say so of what does not exist
            denied.append(error)
            return None

    versions = {names[0]: probe(names[0])}  # a server that is down is waited for once
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        versions |= dict(zip(names[1:], pool.map(probe, names[1:]), strict=True))
    found = {name: version for name, version in versions.items() if version is not None}
    if denied and not found:
        raise denied[0]
    return found
