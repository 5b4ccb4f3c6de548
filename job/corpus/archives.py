"""Archives, unpacked into the cache."""

import gzip
import hashlib
import zipfile
from pathlib import Path

from job.corpus.download.cache import in_writable, keep_first, staging
from job.errors import DataError


def unpack(file: Path, folder: Path, max_bytes: int) -> Path:
    """A folder below `folder` with the files of the archive. Raises DataError."""
    key = hashlib.sha256(file.read_bytes()).hexdigest()[:32]

    def make(cache: Path) -> Path:
        target = cache / "unpacked" / key
        if not target.exists():
            with staging(target.parent) as staged:
                inner = staged / "files"
                inner.mkdir()
                _unpack(file, inner, max_bytes)
                keep_first(inner, target)
        return target

    return in_writable(folder, make)


def _unpack(file: Path, target: Path, max_bytes: int) -> None:
    if file.suffix == ".gz":
        with gzip.open(file) as source:
            data = source.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise DataError(f"{file}: unpacks to more than {max_bytes:,} bytes.")
        (target / file.stem).write_bytes(data)
        return
    with zipfile.ZipFile(file) as archive:
        if sum(each.file_size for each in archive.infolist()) > max_bytes:
            raise DataError(f"{file}: unpacks to more than {max_bytes:,} bytes.")
        archive.extractall(target)
