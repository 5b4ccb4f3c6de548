"""What a rank has in the place of the saver, the signals, the lease and the progress line."""

import time
from collections.abc import Mapping
from contextlib import nullcontext

from pytorch_lightning.plugins.io import CheckpointIO

from job.devices.tpu.coordinator import Desk

ASK_EVERY_S = 0.2


class Going:
    """Whether the run may go on, as the office last said; stands for StopRequest and for the lease.

    Only the first rank asks; the ranks then agree (`job.checkpoints.callback`).
    """

    def __init__(self, desk: Desk | None):
        self._desk, self._asked_at, self._received = desk, -ASK_EVERY_S, None

    @property
    def received(self) -> int | None:
        self.check()
        return self._received

    def check(self) -> None:
        """Raises what the lease raises when it is lost."""
        now = time.monotonic()
        if self._desk is not None and now - self._asked_at >= ASK_EVERY_S:
            self._asked_at = now
            self._received = self._desk.ask("going_on")

    def install(self) -> None:
        """Signals go to the office."""

    def deferred(self) -> nullcontext:
        return nullcontext()


class Line:
    """The progress line, which the office draws."""

    def __init__(self, desk: Desk):
        self._desk = desk

    def update(self, **values: object) -> None:
        self._desk.ask("show", values)


class NoSaver(CheckpointIO):
    """The saver of every rank but the first, whose state is the same."""

    is_busy = False

    def copy_of(self, state: Mapping) -> Mapping:
        return {"position": state["position"]}

    def save(self, copied: Mapping, step: int, facts: Mapping[str, object]) -> None:
        """The first rank does."""

    def reserve(self, state: Mapping) -> None:
        """There is nothing to copy."""

    def raise_if_failed(self) -> None:
        """The first rank does."""

    def wait(self) -> None:
        """The first rank does."""

    def finishing(self) -> nullcontext:
        return nullcontext()

    def save_checkpoint(self, checkpoint, path, storage_options=None) -> None:
        """The first rank does."""

    def load_checkpoint(self, path, map_location=None, weights_only=None) -> dict:
        raise AssertionError(
            "every rank starts from what job.training.identity.find_start has read"
        )

    def remove_checkpoint(self, path) -> None:
        """The first rank does."""
