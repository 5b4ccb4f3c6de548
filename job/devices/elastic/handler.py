"""The rendezvous of elastic's agents, for machines whose order and number CLUSTER_SPEC gives.

A round is the ranks from one start to their end, whose reason stands in the store before anybody
leaves it: so all go on to the same next round, or end. See docs/decisions/elastic.md.
"""

import logging
import time
from collections.abc import Mapping

from torch.distributed import PrefixStore
from torch.distributed.elastic.rendezvous import RendezvousHandler, RendezvousInfo
from torch.distributed.elastic.rendezvous.api import RendezvousStoreInfo

from job.devices.elastic.beats import Beats
from job.devices.elastic.entry import Entry
from job.devices.elastic.place import Place
from job.devices.elastic.reasons import AGAIN, EndedError, EndReason, Round, lost
from job.devices.elastic.store import COME_WITHIN_S, Connection, LostError
from job.signals import StopRequest

logger = logging.getLogger(__name__)


class ClusterHandler(RendezvousHandler):
    """One machine's part. `facts`: what has to be alike on all machines, by name."""

    def __init__(
        self, place: Place, facts: Mapping[str, object], restarts: int, stop: StopRequest
    ) -> None:
        self.place, self.facts, self.restarts, self.stop = place, facts, restarts, stop
        self.used = 0  # restarts, by all machines
        self.entry: Entry | None = None
        self.round: Round | None = None
        self.reason: EndReason | None = None  # of the last round

    def next_rendezvous(self) -> RendezvousInfo:
        over_at = time.monotonic() + COME_WITHIN_S
        if self.round is not None:
            self.go_on_or_end()
        while not self._has_entered(over_at):
            self.go_on_or_end()
        assert self.round
        self.beats = Beats(self.round, self.place)
        store = PrefixStore(self.round.key("agents"), self.round.store)
        where = RendezvousStoreInfo(self.place.host, self.place.port)
        return RendezvousInfo(store, self.place.machine, self.place.machines, where)

    def _has_entered(self, over_at: float) -> bool:
        try:
            if self.entry is None:
                connection = Connection(self.place, self.stop)
                self.entry, self.round = Entry(connection, self.place, self.facts, self.stop), None
            opened = self.entry.open(self.round.number if self.round else -1, over_at)
            if isinstance(opened, EndReason):
                raise EndedError(opened)
            self.round = opened
            self.reason = self.entry.enter(opened, self.used, over_at)
        except LostError as error:
            self._lose_machine_0(error)
        if self.reason is None and self.entry is not None:
            self.used = max(each["used"] for each in self.entry.everybody)
        elif time.monotonic() >= over_at:  # however many restarts are left
            raise EndedError(self.reason or lost("Machine 0 has died"))
        return self.reason is None

    def num_nodes_waiting(self) -> int:
        """1 where the ranks are to be started again; asked ten times a second while they live."""
        if self.reason is None:
            try:
                self.reason = self._look()
            except LostError as error:
                self._lose_machine_0(error)
        if self.reason is None or not self.reason.code or self.reason.signal:
            return 0  # the ranks end by themselves
        if not (self.reason.may_pass and self.used < self.restarts):
            raise EndedError(self.reason)
        return 1

    def say(self, reason: EndReason) -> None:
        """Ends the round, where nobody has before."""
        if self.entry is None or self.round is None:
            return
        ask, round_ = self.entry.connection.ask, self.round
        try:
            ask(lambda: round_.say(reason))
            self.reason = ask(round_.why)
        except LostError as error:
            self._lose_machine_0(error)

    def go_on_or_end(self) -> None:
        """Counts a restart, or raises why there is none."""
        reason = self.reason or lost("The ranks have ended without a word")
        if not (reason.may_pass and self.used < self.restarts):
            raise EndedError(reason)
        self.used, self.reason = self.used + 1, None
        what = reason.sentence.removesuffix(".").removesuffix(f"; {AGAIN}")
        logger.warning("%s. All ranks start again (%d of %d).", what, self.used, self.restarts)

    def _lose_machine_0(self, error: LostError) -> None:
        self.reason = lost(f"Machine 0 has died, or the connection to it has broken ({error})")
        self.entry = None

    def _look(self) -> EndReason | None:
        if self.entry is None or self.round is None:
            return lost("The machines have not met")
        if self.stop.received is not None:
            self.say(EndReason(128 + self.stop.received))
        elif self.beats.are_due:
            self.entry.connection.ask(self.beats.beat)
        return self.reason or self.entry.connection.ask(self.round.why)

    def leave(self) -> None:
        """Machine 0 keeps the store open until the others have read why, or are gone."""
        if self.entry is not None and self.round is not None:
            self.entry.leave(self.round)

    def get_backend(self) -> str:
        return "cluster"

    get_run_id = get_backend

    def is_closed(self) -> bool:
        return False

    def set_closed(self) -> None:
        """Rounds follow each other as their reasons say."""

    def shutdown(self) -> bool:
        return True
