"""XLA's compilations, kept for the next start: in the cache, and beside an output in a bucket.

A file is named by the hash of its graph and of the compiler, so what was written is never wrong. A
store that fails here costs time and no more.
"""

import logging
import threading
from pathlib import Path

from job import storage
from job.errors import JobError

logger = logging.getLogger(__name__)


class Compiled:
    """The kept graphs of one output. Each process that compiles has a folder of its own."""

    def __init__(self, cache_dir: Path, output: str):
        self.folder = Path(cache_dir, "compiled")
        self.url = None if storage.is_local(output) else storage.join(output, "compiled")
        self._publishing: threading.Thread | None = None

    def fetch(self) -> None:
        """Brings here what earlier machines have left."""
        if self.url is None:
            return
        try:
            for process in storage.list_names(self.url):
                for name in storage.list_names(storage.join(self.url, process)):
                    file = self.folder / process / name
                    if not file.exists():
                        storage.download_file(storage.join(self.url, process, name), file)
        except JobError as error:
            logger.warning("What was compiled before is not used: %s", error)

    def publish_behind(self) -> None:
        """Uploads what there is, once, in a thread: when the first epoch has compiled it all."""
        if self.url is not None and self._publishing is None:
            self._publishing = threading.Thread(target=self._publish, name="compiled", daemon=True)
            self._publishing.start()

    def _publish(self) -> None:
        try:
            for folder in sorted(self.folder.glob("*")):
                there = set(storage.list_names(storage.join(self.url, folder.name)))
                for file in sorted(folder.iterdir()):
                    if file.name not in there:
                        storage.upload_file(file, storage.join(self.url, folder.name, file.name))
        except (JobError, OSError) as error:
            logger.warning("What was compiled is not kept beside the output: %s", error)
