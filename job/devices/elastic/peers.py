"""The ranks of a run on several devices, for one of them: they meet, agree, and end together.

What waits long waits here, where a signal is heard: torch hears none before it is done.
"""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import torch.distributed as dist

from job.devices.elastic.nccl import try_nccl
from job.devices.elastic.place import Place
from job.devices.elastic.reasons import (
    AGAIN,
    EndReason,
    Round,
    as_exception,
    listed,
    lost,
)
from job.devices.elastic.store import client
from job.devices.elastic.watch import NEVER, Watch
from job.devices.peers import NoPeers
from job.errors import IncompatibleError, JobError, UnavailableError
from job.machine import explained
from job.signals import Stopped, StopRequest

T = TypeVar("T")

READY_WITHIN_S = 3600.0  # one machine may have to fetch what another has in its cache
LOOK_EVERY_S = 0.1
REASON_WITHIN_S = 10.0  # after a connection broke: why it did
AFTER_THE_WATCH_S = 60.0  # a collective gives up later than `Watch`, which knows who is late


class ElasticPeers(NoPeers):
    """The ranks of round `number`. `interface`: NCCL_SOCKET_IFNAME, or empty."""

    def __init__(
        self,
        place: Place,
        number: int,
        rank: int,
        local_rank: int,
        stop: StopRequest,
        interface: str = "",
    ):
        self.rank, self.local_rank, self.count = rank, local_rank, place.ranks
        self.place, self.interface = place, interface
        self.machine, self.machines, self.devices = place.machine, place.machines, place.devices
        self.round = Round(client(place.host, place.port), number)
        beside = Round(client(place.host, place.port), number)
        self.watch = Watch(beside, rank, self.count, stop)
        self.is_own_reason = False
        self.meetings = 0

    def name_of(self, rank: int) -> str:
        """`Rank 3`, or the machine where it is the only one there."""
        return f"Machine {rank}" if self.devices == 1 else f"Rank {rank}"

    def meet(self, backend: str, step_timeout_s: float) -> None:
        self.step_timeout_s = step_timeout_s
        self.wait_for_all()
        dist.init_process_group(
            backend,
            store=dist.PrefixStore(self.round.key("group"), self.round.store),
            rank=self.rank,
            world_size=self.count,
            timeout=timedelta(seconds=step_timeout_s + AFTER_THE_WATCH_S),
        )
        if "nccl" in backend:
            try_nccl(self.watch, self.place, self.local_rank, self.interface)

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
                raise DifferingError(
                    f"{self.name_of(rank)} would train otherwise than the first: "
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
        """Waits for every rank here, where signals are heard, before any of them waits in torch."""
        self.meetings += 1
        keys = [self.round.key("meeting", self.meetings, rank) for rank in range(self.count)]
        self.round.store.set(keys[self.rank], "here")
        self._wait_for(keys, "not as far as the others")

    @contextmanager
    def first_here_first(self) -> Iterator[None]:
        key = self.round.key("first", self.machine)
        if self.local_rank:
            self._wait_for([key], "still fetching")
        yield
        if not self.local_rank:
            self.round.store.set(key, "done")

    def _wait_for(self, keys: list[str], what: str) -> None:
        over_at = time.monotonic() + READY_WITHIN_S
        while not self.round.store.check(keys):
            self._raise_reason()
            if time.monotonic() >= over_at:
                late = [n for n, key in enumerate(keys) if not self.round.store.check([key])]
                raise UnavailableError(
                    f"{listed(late, 'Rank')} {'is' if len(late) == 1 else 'are'} {what} after "
                    f"{READY_WITHIN_S:.0f} s; look at the log there, then {AGAIN}."
                )
            time.sleep(LOOK_EVERY_S)

    def _raise_reason(self) -> None:
        if self.watch.reason is not None and self.watch.reason.code:
            raise as_exception(self.watch.reason)

    def note_failure(self, error: BaseException) -> None:
        from pytorch_lightning.utilities.exceptions import SIGTERMException  # not for the agent

        self.watch.is_leaving = True
        if isinstance(error, SIGTERMException):  # Lightning's own, before the first step
            self._say(EndReason(128 + signal.SIGTERM))
        elif isinstance(error, Stopped):
            self._say(EndReason(error.exit_code))
        elif not _is_of_the_connection(error):
            what = f"{type(error).__name__}: {error}".splitlines()[0]
            cause = explained(error) or JobError(f"{what} (its log says more)")
            # What the ranks differ in, each of them says of the one that differs.
            whose = "" if isinstance(cause, DifferingError) else f"{self.name_of(self.rank)}: "
            self._say(EndReason(cause.exit_code, f"{whose}{cause}", self.machine))

    def _say(self, reason: EndReason) -> None:
        with suppress(dist.DistError):  # machine 0 is gone, which `watch` notices
            self.is_own_reason |= self.round.say(reason)

    def before_forced_end(self, act: Callable[[], None]) -> None:
        self.watch.before_forced_end = act

    def begin_steps(self) -> None:
        self.watch.step_within(self.step_timeout_s)

    def note_step(self) -> None:
        self.watch.note_step()

    def end_steps(self) -> None:
        self.watch.step_within(NEVER)

    @contextmanager
    def together(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            try:
                why = self._explained(error)
            except Stopped:  # a signal, of which there is one, came just then
                why = self._explained(error)
            if isinstance(why, Stopped):
                self._leave_after_the_first()
            raise why from (None if why is error else error)
        else:
            if self.rank == 0:
                self.round.say(EndReason(0))
            if dist.is_initialized():
                dist.destroy_process_group()
        finally:
            self.watch.has_left.set()

    def _explained(self, error: BaseException) -> BaseException:
        """The reason why the ranks leave, where this error follows from it; else the error."""
        self.note_failure(error)
        if not self.watch.heard.wait(REASON_WITHIN_S):
            what = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0]
            gone = lost(f"The ranks lost each other ({what})")
            self._say(replace(gone, told_on=self.machine))
            self.watch.heard.wait(REASON_WITHIN_S)
        reason = self.watch.reason
        if reason is None or not reason.code:  # it came after all was done
            return error
        is_told_by_error = self.is_own_reason and not _is_of_the_connection(error)
        return error if is_told_by_error else as_exception(reason)

    def _leave_after_the_first(self) -> None:
        """Stopped, the first rank saves; as soon as one has ended, its agent ends the others."""
        key = self.round.key("saved")
        with suppress(dist.DistError):
            if self.rank == 0:
                self.round.store.set(key, "yes")
            while not self.round.store.check([key]):
                time.sleep(LOOK_EVERY_S)


class DifferingError(IncompatibleError):
    """A rank would train otherwise than the first; all of them raise it."""


def _is_of_the_connection(error: BaseException) -> bool:
    """Whether an error came of a rank that is gone, or is slow: gloo has no type for its own."""
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and ("gloo" in str(error) or "NCCL" in str(error))
    )
