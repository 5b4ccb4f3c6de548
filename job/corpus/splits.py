"""The splits that lie at one place, each read and checked by itself, as a conversion needs them."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from job import storage
from job.corpus.checks import check_rejected
from job.corpus.files import Cache, Source, is_web
from job.corpus.split import Split, read_split
from job.errors import ArgumentError
from job.settings import TypesRule
from job.storage import masked

WORDS = {
    "train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
}


class Reading(Protocol):
    """The settings that say how a corpus is read."""

    @property
    def cache_dir(self) -> Path: ...
    @property
    def force_download(self) -> bool: ...
    @property
    def max_download_mb(self) -> int: ...
    @property
    def max_rejected_ratio(self) -> float: ...
    @property
    def normalize(self) -> str: ...
    @property
    def fields_by_role(self) -> Mapping[str, str]: ...
    @property
    def types_rule(self) -> TypesRule: ...


def read_splits(url: str, how: Reading) -> dict[str, Split]:
    """Split → its sentences, in order; a corpus without names of splits is one, called train.

    Raises ArgumentError where nothing lies there, and DataError where too much was rejected.
    """
    cache = Cache(how.cache_dir / "corpora", how.max_download_mb * 1_000_000, how.force_download)
    splits = {
        name: read_split(
            name, sources, cache, None, how.fields_by_role, how.normalize, how.types_rule
        )
        for name, sources in _find(url, cache).items()
    }
    for split in splits.values():
        check_rejected(split, how.max_rejected_ratio)
    return splits


def _find(url: str, cache: Cache) -> dict[str, tuple[Source, ...]]:
    if is_web(url):
        return {"train": (Source(cache.copy(url), masked(url), url),)}
    path = storage.local_path(url)
    if not path.exists():
        raise ArgumentError(f"{url}: there is no such file or folder; name a corpus as IN.")
    if path.is_file():
        return {"train": (Source(path, str(path), str(path)),)}
    found: dict[str, list[Source]] = defaultdict(list)
    for file in sorted(path.rglob("*")):
        if (
            not file.is_file()
            or file.name.startswith(".")
            or file.name in ("label_names.txt", "dataset_info.json", "README.md")
        ):
            continue
        parts = str(file.relative_to(path)).lower().replace("/", ".").replace("_", ".").split(".")
        name = next((WORDS[part] for part in parts if part in WORDS), "train")
        found[name].append(Source(file, str(file), str(file)))
    return {name: tuple(found[name]) for name in ("train", "val", "test") if name in found}
