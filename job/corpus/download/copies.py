"""Copies of corpus files on this machine, and the rules for making one."""

import logging
from dataclasses import dataclass
from pathlib import Path

from job.corpus.download.cache import cache_path, copy_object, in_writable, is_there
from job.corpus.download.file import download, find_version
from job.storage import masked, scheme_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cache:
    """The folder for copies, and the rules for making one."""

    folder: Path
    max_bytes: int
    force: bool

    def copy(self, url: str, version: str | None = None) -> Path:
        """A local copy of the file at `url`. Raises MissingError or FileNotFoundError."""
        return in_writable(self.folder, lambda folder: self._copy(folder, url, version))

    def copy_checked(self, url: str) -> Path:
        """A local copy of a web server's file, unless it is there and unchanged."""
        return self.copy(url, find_version(url))

    def _copy(self, folder: Path, url: str, version: str | None) -> Path:
        if not is_web(url):
            return copy_object(url, folder, max_bytes=self.max_bytes, force=self.force)
        target = cache_path(folder, url, version or "")
        if version and is_there(target) and not self.force:
            logger.info("%s is unchanged: taken from %s.", masked(url), target)
        else:
            download(url, target, max_bytes=self.max_bytes)
        return target


def is_web(url: str) -> bool:
    """Whether it is on a web server, which has no listing."""
    return (scheme_of(url) or "").lower() in ("http", "https")
