"""Archives in the place of files: what they hold is taken as if it lay there."""

import re
from collections.abc import Sequence
from pathlib import Path

from job import storage
from job.corpus.archives import is_archive, unpack
from job.corpus.archives.unpacking import LOCAL_LEAST_BYTES, LOCAL_TIMES
from job.corpus.download.copies import Cache
from job.corpus.places.listing import Entry
from job.corpus.places.split_words import split_of
from job.errors import DataError

_ARCHIVE = re.compile(r"\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz)$", re.I)
_OF_ONE_FILE = re.compile(r"(?<!\.tar)\.(gz|bz2|xz)$", re.I)


def unpacked(entries: Sequence[Entry], cache: Cache, *, is_alone: bool) -> list[Entry]:
    """The entries with the files of archives in the place of the archives.

    The name of an archive is a folder's in their paths; but where it `is_alone` as the corpus, only
    if nothing in it names a split.
    """
    files: list[Entry] = []
    for entry in entries:
        files += _files_in(entry, cache, is_alone) if _is_archive(entry) else [entry]
    return files


def _is_archive(entry: Entry) -> bool:
    if "." in entry.inside.rpartition("/")[2] or entry.file is None:
        return bool(_ARCHIVE.search(entry.inside))
    return is_archive(entry.file)


def _files_in(entry: Entry, cache: Cache, is_alone: bool) -> list[Entry]:
    file = entry.fetched(cache)
    is_local = storage.is_local(entry.url)
    times = max(LOCAL_LEAST_BYTES, LOCAL_TIMES * file.stat().st_size)
    most = times if is_local else cache.max_bytes
    folder = unpack(file, cache.folder, most)
    names = [path.relative_to(folder).as_posix() for path in _files_below(folder)]
    if not names:
        raise DataError(f"{entry.shown}: the archive holds no file.")
    above = entry.inside.rpartition("/")[0] if _OF_ONE_FILE.search(entry.inside) else entry.inside
    if not above or (is_alone and any(map(split_of, names))):
        above = ""
    else:
        above += "/"
    return [
        Entry(f"{above}{name}", str(folder / name), f"{entry.shown}/{name}", folder / name)
        for name in names
    ]


def _files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
