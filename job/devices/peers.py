"""The other processes of a run, as the story of the run needs them: none, on a single device.

`job.devices.elastic.peers` has those of a run on several devices or machines.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


class NoPeers:
    """The only rank there is."""

    rank, count, local_rank = 0, 1, 0
    machines, devices = 1, 1  # those of each machine

    def meet(self, backend: str, step_timeout_s: float) -> None:
        """Connects the devices. `backend`: torch's name for what connects them. A step of training
        that takes longer than so many seconds has hung."""

    def refuse_differences(self, facts: Mapping[str, object]) -> None:
        """Raises IncompatibleError where a rank would train otherwise than the first."""

    def share(self, value: T | None) -> T | None:
        """The first rank's value, on every rank."""
        return value

    def wait_for_all(self) -> None:
        """Returns when every rank has come to this point."""

    def wait_for_the_end(self) -> None:
        """Returns when the first rank is done; raises why it is not."""

    def note_failure(self, error: BaseException) -> None:
        """Tells the others why this rank leaves, before anything waits for them."""

    def before_forced_end(self, act: Callable[[], None]) -> None:
        """Sets what is done where this process can only be ended from outside its main thread."""

    def begin_steps(self) -> None:
        """From now on `note_step` is called for each step, or the run has hung."""

    def note_step(self) -> None:
        """Training has come further."""

    def end_steps(self) -> None:
        """From now on it need not be called."""

    @contextmanager
    def first_here_first(self) -> Iterator[None]:
        """Inside, the first rank of each machine is done before its others begin: what it fetches,
        they find in the cache."""
        yield

    @contextmanager
    def together(self) -> Iterator[None]:
        """Inside, what ends one rank ends all, for the same reason."""
        yield


ALONE = NoPeers()
