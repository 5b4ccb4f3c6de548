"""Saving while training goes on: one copy in memory, one upload in flight, no failure hidden.

    copy (training waits for this) → file on this machine's disk → upload, verify, commit
                                     (a thread)                    (another thread, in order)

Also Lightning's CheckpointIO, so that `trainer.save_checkpoint(url)` goes the same way.
"""

import logging
import shutil
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.plugins.io import CheckpointIO

from job.checkpoints.state import State, StateCopy, load_state, tensors_of
from job.checkpoints.store import CheckpointStore, step_of
from job.checkpoints.worker import Worker
from job.errors import ArgumentError, IncompatibleError, JobError, OutputError, StorageError

logger = logging.getLogger(__name__)

MISSED_SAVES = 3  # in a row, each after its retries: then the store is taken to be gone
WAITING_SAVES = 1  # beside the one in flight; they wait on disk, not in memory


@dataclass(frozen=True)
class PendingSave:
    """One state on its way into the store."""

    step: int
    facts: Mapping[str, object]
    folder: Path
    written: Future[None]


class Saves(CheckpointIO):
    """The way a run saves, whichever rank it is. Lightning asks for the base class.

    A save is on its way when `save` returns. What it fails with comes up later, in the calls that
    say so.
    """

    @property
    @abstractmethod
    def is_busy(self) -> bool:
        """Whether an earlier save is still under way."""

    @abstractmethod
    def reserve(self, state: State) -> None:
        """Takes the memory for copies of such a state, without waiting for it."""

    @abstractmethod
    def copy_of(self, state: State) -> State:
        """A copy that stays as it is until the next one is made, which waits for `save`'s file."""

    @abstractmethod
    def save(self, copied: State, step: int, facts: Mapping[str, object]) -> None:
        """Sends what `copy_of` gave on its way. Raises what an earlier save failed with."""

    @abstractmethod
    def raise_if_failed(self) -> None:
        """Raises what an earlier save failed with. Waits for nothing."""

    @abstractmethod
    def wait(self) -> None:
        """Returns once everything is committed, and raises what kept it from being."""

    @abstractmethod
    def finishing(self) -> AbstractContextManager[None]:
        """Waits at the end of the block; where the block fails, that is what is raised."""


class Saver(Saves):
    """Commits states to a store. A failure comes up in `raise_if_failed`, `save` or `wait`.

    A save that fails after its retries is missed: training goes on, and it is tried again with the
    next one. MISSED_SAVES missed, or a fault that no waiting mends, end the run.
    """

    def __init__(self, store: CheckpointStore, scratch: Path):
        self.store, self.scratch = store, scratch
        self._copy = StateCopy()
        self._writer, self._uploader = Worker("checkpoint-writer"), Worker("checkpoint-uploader")
        self._uploads: list[Future[None]] = []  # not yet seen to have ended
        self._missed: list[PendingSave] = []
        self._saves = 0

    @property
    def is_busy(self) -> bool:
        return any(not upload.done() for upload in self._uploads)

    def reserve(self, state: State) -> None:
        self._copy.hold()
        shapes = [(path, torch.empty_like(t, device="meta")) for path, t in tensors_of(state)]
        self._writer.submit(self._copy.reserve, shapes)

    def copy_of(self, state: State) -> State:
        return self._copy.of(state)

    def save(self, copied: State, step: int, facts: Mapping[str, object]) -> None:
        """As `Saves.save`; waits while WAITING_SAVES are waiting already."""
        self.raise_if_failed()
        while len(self._uploads) > WAITING_SAVES:
            self._uploads[0].exception()  # that is: until it has ended
            self.raise_if_failed()
        self._saves += 1
        folder = self.scratch / f"save-{self._saves}"
        self._copy.hold()
        written = self._writer.submit(self._copy.write, copied, folder)
        upload = self._uploader.submit(self._upload, PendingSave(step, facts, folder, written))
        self._uploads.append(upload)

    def _upload(self, *new: PendingSave) -> None:
        self._missed += new
        while self._missed:
            try:
                self._commit(self._missed[0])
            except StorageError as error:
                if not new or len(self._missed) >= MISSED_SAVES:
                    raise
                logger.error(
                    "Checkpoint of step %d not saved; training goes on, and it is tried again with "
                    "the next one. %s",
                    *(self._missed[0].step, error),
                )
                return
            shutil.rmtree(self._missed.pop(0).folder)

    def _commit(self, save: PendingSave) -> None:
        try:
            save.written.result()
        except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError
            raise OutputError(
                f"{self.scratch}: the checkpoint cannot be written ({error}); free space for one "
                "checkpoint here, or set TMPDIR to a larger disk."
            ) from error
        logger.info("Saved %s.", self.store.commit(save.folder, step=save.step, facts=save.facts))

    def raise_if_failed(self) -> None:
        while self._uploads and self._uploads[0].done():
            self._uploads.pop(0).result()

    def wait(self) -> None:
        for upload in self._uploads:
            upload.result()
        self._uploads.clear()
        self._uploader.submit(self._upload).result()

    @contextmanager
    def finishing(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            try:
                self.wait()
            except JobError as error:
                logger.error("The last checkpoint was not saved: %s", error)
            raise
        self.wait()

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None
    ) -> None:
        """Lightning's way in: commits at `path`, a folder `step=…` of the store."""
        parent, _, name = str(path).rpartition("/")
        if parent.rstrip("/") != self.store.url.rstrip("/") or not name.startswith("step="):
            raise ArgumentError(f"{path}: checkpoints go to {self.store.url}/step=<number>.")
        facts = {"metrics": {}, "settings": {}, "labels": [], **(storage_options or {})}
        self.save(self.copy_of(checkpoint), step_of(name), facts)

    def load_checkpoint(
        self, path: str | Path, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """A committed checkpoint that verifies; never more than plain values and tensors."""
        checkpoint = self.store.read(str(path))
        if checkpoint is None or not self.store.fetch(checkpoint, self.scratch / "loaded"):
            raise IncompatibleError(f"{path}: there is no intact checkpoint there.")
        return load_state(self.scratch / "loaded")

    def remove_checkpoint(self, path: str | Path) -> None:
        """Deletes one checkpoint, its manifest first."""
        self.store.delete(str(path))
