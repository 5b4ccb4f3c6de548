"""A run as its launch on several ranks sees it."""

from collections.abc import Callable
from typing import Protocol, Self

from job.checkpoints import Saves
from job.devices.tpu.remote import RemoteProgressLine, RemoteStop
from job.signals import StopSource


class Line(Protocol):
    """A progress line."""

    @property
    def update(self) -> Callable[..., None]: ...


class RankedRun(Protocol):
    """In the process that starts the ranks: it holds the Saver and the Lease for all of them."""

    @property
    def saver(self) -> object: ...

    @property
    def lease(self) -> object: ...

    @property
    def stop(self) -> StopSource: ...

    @property
    def line(self) -> Line: ...

    def on_rank(self, saver: Saves, stop: RemoteStop, line: RemoteProgressLine) -> Self:
        """The same run, with what one rank has in the place of these; `stop` is its lease, too."""
