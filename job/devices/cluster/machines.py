"""The machines of a run on Vertex AI, each with one rank: they meet, agree, and end together.

They meet at the address of CLUSTER_SPEC (`rendezvous`), and make a process group for gradients
(`strategy`). Each other machine also keeps a connection to the first one for the end
(`failure_channel`).
What waits long waits here, where a signal is heard: torch hears none before it is done.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import torch.distributed as dist
from pytorch_lightning.utilities.exceptions import SIGTERMException

from job.cloud import VertexEnvironment
from job.devices.cluster import strategy
from job.devices.cluster.failure_channel import AGAIN, EndReason, Watch
from job.devices.cluster.rendezvous import host, join, listed
from job.errors import IncompatibleError, JobError, UnavailableError
from job.machine import explained
from job.signals import Stopped, StopRequest

T = TypeVar("T")

READY_WITHIN_S = 3600.0  # one machine may have to fetch what another has in its cache
LOOK_EVERY_S = 0.1
REASON_WITHIN_S = 10.0  # after a connection broke: why it did


class OneMachine:
    """The only machine there is."""

    rank, count = 0, 1

    def meet(self, backend: str) -> None:
        """Connects the devices. `backend`: torch's name for what connects them."""

    def refuse_differences(self, facts: Mapping[str, object]) -> None:
        """Raises IncompatibleError where a machine would train otherwise than the first."""

    def share(self, value: T | None) -> T | None:
        """The first machine's value, on every machine."""
        return value

    def wait_for_all(self) -> None:
        """Returns when every machine has come to this point."""

    def wait_for_the_end(self) -> None:
        """Returns when the first machine is done; raises why it is not."""

    def note_failure(self, error: BaseException) -> None:
        """Tells the others why this machine leaves, before anything waits for them."""

    def before_forced_end(self, act: Callable[[], None]) -> None:
        """Sets what is done where this process can only be ended from outside its main thread."""


class Cluster(OneMachine):
    """The machines of a run, for one of them, once they have met."""

    def __init__(self, vertex: VertexEnvironment, stop: StopRequest):
        self.rank, self.count = vertex.node_rank, vertex.node_count
        self.watch = Watch(self.rank, stop)
        self._store: dist.Store | None = None  # until the machines have met
        self.is_own_reason = False
        self.meetings = 0

    @property
    def store(self) -> dist.Store:
        """Torch's, which all machines read and write."""
        assert self._store is not None, "the machines have not met"
        return self._store

    def come_together(self, vertex: VertexEnvironment) -> None:
        """Raises UnavailableError when a machine does not come."""
        self._store = (host if self.rank == 0 else join)(vertex, self.watch)

    def meet(self, backend: str) -> None:
        self.wait_for_all()
        strategy.connect(backend, self.store, self.rank, self.count)

    def refuse_differences(self, facts: Mapping[str, object]) -> None:
        self.wait_for_all()
        everybodys: list[Any] = [None] * self.count
        dist.all_gather_object(everybodys, dict(facts))
        for rank, theirs in enumerate(everybodys):
            differing = [
                f"{name} is {theirs.get(name)!r} there and {value!r} on the first"
                for name, value in everybodys[0].items()
                if theirs.get(name) != value
            ]
            if differing:
                raise IncompatibleError(
                    f"Machine {rank} would train otherwise than the first: "
                    f"{'; '.join(differing)}. Start all of them alike."
                )

    def share(self, value: T | None) -> T | None:
        self.wait_for_all()
        values = [value]
        dist.broadcast_object_list(values)
        return values[0]

    def wait_for_the_end(self) -> None:
        self.watch.heard.wait()
        self._raise_reason()

    def wait_for_all(self) -> None:
        """Waits for every machine here, where signals are heard, before any of them waits in
        torch."""
        self.meetings += 1
        keys = [f"meeting-{self.meetings}-{rank}" for rank in range(self.count)]
        self.store.set(keys[self.rank], "here")
        over_at = time.monotonic() + READY_WITHIN_S
        while not self.store.check(keys):
            self._raise_reason()
            if time.monotonic() >= over_at:
                late = [rank for rank, key in enumerate(keys) if not self.store.check([key])]
                raise UnavailableError(
                    f"{listed(late)} not as far as the others after {READY_WITHIN_S:.0f} s; look "
                    f"at the log there, then {AGAIN}."
                )
            time.sleep(LOOK_EVERY_S)

    def _raise_reason(self) -> None:
        if self.watch.reason is not None and self.watch.reason.code:
            raise _as_exception(self.watch.reason)

    def note_failure(self, error: BaseException) -> None:
        self.watch.is_leaving = True
        if isinstance(error, SIGTERMException):  # Lightning's own, before the first step
            self._say(EndReason(128 + signal.SIGTERM))
        elif isinstance(error, Stopped):
            self._say(EndReason(error.exit_code))
        elif not _is_of_the_connection(error):
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            cause = explained(error) or JobError(f"{what} (its log says more)")
            self._say(EndReason(cause.exit_code, str(cause)))

    def _say(self, reason: EndReason) -> None:
        self.is_own_reason |= self.watch.say(reason)

    def before_forced_end(self, act: Callable[[], None]) -> None:
        self.watch.before_forced_end = act

    def explained(self, error: BaseException) -> BaseException:
        """The reason why the machines leave, where this error follows from it; else the error."""
        self.note_failure(error)
        if not self.watch.heard.wait(REASON_WITHIN_S):
            lost = f"The machines lost each other ({str(error).splitlines()[0]}); {AGAIN}."
            self.watch.say(EndReason(UnavailableError.exit_code, lost))
        reason = self.watch.reason
        if self.is_own_reason or reason is None or not reason.code:  # it came after all was done
            return error
        return _as_exception(reason)


class ElsewhereError(JobError):
    """Another machine's failure, with its exit code."""

    def __init__(self, reason: EndReason):
        super().__init__(reason.sentence)
        self.exit_code = reason.code


def _as_exception(reason: EndReason) -> BaseException:
    return Stopped(reason.signal) if reason.signal else ElsewhereError(reason)


def _is_of_the_connection(error: BaseException) -> bool:
    """Whether an error came of a machine that is gone, or is slow: gloo has no type for its own."""
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and ("gloo" in str(error) or "NCCL" in str(error))
    )


@contextmanager
def join_cluster(vertex: VertexEnvironment, stop: StopRequest) -> Iterator[OneMachine]:
    """The machines that CLUSTER_SPEC names, met; they leave together, for one reason.

    Raises UnavailableError when one does not come, and what ended any of them when it fails.
    """
    if vertex.node_count == 1:
        yield OneMachine()
        return
    cluster = Cluster(vertex, stop)
    try:
        cluster.come_together(vertex)
        yield cluster
    except BaseException as error:
        try:
            why = cluster.explained(error)
        except Stopped:  # a signal, of which there is one, came just then
            why = cluster.explained(error)
        raise why from (None if why is error else error)
    else:
        cluster.watch.say(EndReason(0))
        if dist.is_initialized():
            dist.destroy_process_group()
    finally:
        cluster.watch.has_left.set()
