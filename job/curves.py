"""The curves of a run for TensorBoard: nice to have, and never a reason for a run to end.

Written event by event by the thread that trains. tensorboardX's own writer has a queue, which needs
/dev/shm, and a thread, without which the eleventh event would wait for ever.
"""

import logging
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pytorch_lightning.loggers.logger import Logger
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.summary import scalar

logger = logging.getLogger(__name__)


class Curves(Logger):
    """Lightning's logger of one event file below `folder`; what cannot be written is said once."""

    name, version = "", ""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder
        self._file: EventsWriter | None = None
        self._is_broken = False

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if self._is_broken:
            return
        try:
            if self._file is None:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._file = EventsWriter(str(self.folder / "events"), f".{os.getpid()}")
            for name, value in metrics.items():
                event = Event(summary=scalar(name, float(value)), wall_time=time.time(), step=step)
                self._file.write_event(event)
            self._file.flush()
        except OSError as error:
            self._is_broken = True
            logger.warning(
                "%s: no more curves for TensorBoard (%s); training goes on.", self.folder, error
            )

    def finalize(self, status: str) -> None:
        if self._file is not None:
            with suppress(OSError):  # it has been told
                self._file.close()
            self._file, self._is_broken = None, True

    def log_hyperparams(self, *_: object, **__: object) -> None:
        """The report has them."""
