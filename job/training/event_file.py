"""TensorBoard's event file; a run does not fail because of it. It is written synchronously: the
queue and thread of tensorboardX need shared memory, and training would wait for ever for a thread
that has failed.

Reference: https://github.com/tensorflow/tensorboard/blob/master/docs/design/on_disk_format.md
"""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pytorch_lightning.loggers import Logger
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import RecordWriter
from tensorboardX.summary import scalar

from job.machine import Dispensable


class Curves(Logger):
    """Lightning's way to a new event file in `folder`."""

    def __init__(self, folder: Path):
        super().__init__()
        self.folder = folder
        self._writer: RecordWriter | None = None
        self._spare = Dispensable(f"The TensorBoard log in {folder} cannot be written")

    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    def log_hyperparams(self, params: object, *more: object, **others: object) -> None:
        """The report has them."""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        if self._spare.is_lost:
            return
        with self._spare:
            if self._writer is None:
                self._writer = self._open()
            for name, value in metrics.items():
                summary = scalar(name, float(value))
                event = Event(wall_time=time.time(), step=step or 0, summary=summary)
                self._writer.write(event.SerializeToString())
            self._writer.flush()

    def _open(self) -> RecordWriter:
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time():.0f}.{socket.gethostname()}"
        writer = RecordWriter(str(self.folder / name))
        writer.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        return writer

    def finalize(self, status: str) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):  # what a full disk did not take has been told of
                writer.close()
