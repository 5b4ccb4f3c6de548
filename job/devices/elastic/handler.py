"""The rendezvous of elastic's agents, for machines whose order and number CLUSTER_SPEC gives.

A round is the ranks from one start to their end. Nobody leaves one before its reason stands in the
store, so that all machines know it and go on to the same next round, or end. A machine that is lost
may come back, under its number, for the next one: docs/decisions/elastic.md.
"""

import json
import logging
import time
import uuid
from collections.abc import Mapping

from torch.distributed import PrefixStore
from torch.distributed.elastic.rendezvous import RendezvousHandler, RendezvousInfo
from torch.distributed.elastic.rendezvous.api import RendezvousStoreInfo

from job.devices.elastic.place import Place
from job.devices.elastic.reasons import AGAIN, EndReason, Round, listed, lost
from job.devices.elastic.store import COME_WITHIN_S, LOOK_EVERY_S, Connection, LostError
from job.errors import IncompatibleError, JobError, UnavailableError
from job.signals import StopRequest

logger = logging.getLogger(__name__)

BEAT_EVERY_S, SILENT_AFTER_S = 2.0, 30.0
STARTED_WITHIN_S = 60.0  # before the first beat, while processes are started


class EndedError(Exception):
    """The run is over on all machines, for this reason."""

    def __init__(self, reason: EndReason):
        super().__init__(reason.sentence)
        self.reason = reason


class ClusterHandler(RendezvousHandler):
    """One machine's part. `facts`: what has to be alike on all machines, by name."""

    def __init__(
        self, place: Place, facts: Mapping[str, object], restarts: int, stop: StopRequest
    ) -> None:
        self.place, self.facts, self.restarts, self.stop = place, facts, restarts, stop
        self.token = uuid.uuid4().hex  # of this agent: another one may come in its place
        self.used = 0  # restarts, by all machines
        self.connection: Connection | None = None
        self.round: Round | None = None
        self.reason: EndReason | None = None  # of the last round
        self.beaten_at, self.seen = 0.0, dict[int, tuple[bytes, float]]()

    def next_rendezvous(self) -> RendezvousInfo:
        over_at = time.monotonic() + COME_WITHIN_S
        if self.round is not None:
            self.go_on_or_end()
        while True:
            try:
                if self._are_all_in(over_at):
                    break
            except LostError as error:
                self._lose_machine_0(error)
            self.go_on_or_end()
        assert self.round
        self.reason, self.seen = None, {}
        store = PrefixStore(self.round.key("agents"), self.round.store)
        place = self.place
        where = RendezvousStoreInfo(place.host, place.port)
        return RendezvousInfo(store, place.machine, place.machines, where)

    def num_nodes_waiting(self) -> int:
        """1 where the ranks are to be started again; asked ten times a second while they live."""
        if self.reason is None:
            try:
                self.reason = self._look()
            except LostError as error:
                self._lose_machine_0(error)
        if self.reason is None or not self.reason.code or self.reason.signal:
            return 0  # the ranks end by themselves
        if not self._may_go_on:
            raise EndedError(self.reason)
        return 1

    def say(self, reason: EndReason) -> None:
        """Ends the round, where nobody has before."""
        assert self.connection
        assert self.round
        try:
            self.connection.ask(lambda: self.round.say(reason))
            self.reason = self.connection.ask(self.round.why)
        except LostError as error:
            self._lose_machine_0(error)

    @property
    def _may_go_on(self) -> bool:
        return bool(self.reason and self.reason.may_pass and self.used < self.restarts)

    def go_on_or_end(self) -> None:
        """Counts a restart, or raises why there is none."""
        reason = self.reason or lost("The ranks have ended without a word")
        if not self._may_go_on:
            raise EndedError(reason)
        self.used += 1
        self.reason = None
        what = reason.sentence.removesuffix(".").removesuffix(f"; {AGAIN}")
        logger.warning("%s. All ranks start again (%d of %d).", what, self.used, self.restarts)

    def _lose_machine_0(self, error: LostError) -> None:
        self.reason = lost(f"Machine 0 has died, or the connection to it has broken ({error})")
        self.connection = None

    def _are_all_in(self, over_at: float) -> bool:
        """Enters the next round and waits for the others; False where it ends before it begins."""
        if self.connection is None:
            self.connection = Connection(self.place, self.stop)
            self.round = None
        self._enter(over_at)
        assert self.round
        keys = [self.round.key("here", machine) for machine in range(self.place.machines)]
        store, ask = self.round.store, self.connection.ask
        mine = json.dumps({"token": self.token, "used": self.used, **self.facts})
        machine = self.place.machine
        if ask(lambda: store.compare_set(keys[machine], "", mine)) != mine.encode():
            self.say(lost(f"Machine {machine} was started anew"))
        while self.reason is None and not ask(lambda: store.check(keys)):
            self._raise_if_stopped()
            if time.monotonic() >= over_at:
                late = [n for n, key in enumerate(keys) if not ask(lambda k=key: store.check([k]))]
                self._give_up(late)
            self.reason = ask(self.round.why)
            time.sleep(LOOK_EVERY_S)
        if self.reason is not None:
            return False
        everybody = [json.loads(each) for each in ask(lambda: store.multi_get(keys))]
        self.used = max(each["used"] for each in everybody)
        self._refuse_differences(everybody)
        return True

    def _enter(self, over_at: float) -> None:
        """The round after the last one, which machine 0 opens."""
        assert self.connection
        store, ask = self.connection.store, self.connection.ask
        last = self.round.number if self.round else -1
        if self.place.machine == 0:
            ask(lambda: store.set("round", str(last + 1)))

        def opened() -> int:
            return int(store.get("round")) if store.check(["round"]) else -1

        while (number := ask(opened)) <= last:
            self._raise_if_stopped()
            if time.monotonic() >= over_at:
                self._give_up([0])
            time.sleep(LOOK_EVERY_S)
        self.round = Round(store, number)

    def _give_up(self, late: list[int]) -> None:
        """It has been long enough, however many restarts are left."""
        names = listed(late, "Machine")
        sentence = (
            f"{names} {'is' if len(late) == 1 else 'are'} not here after {COME_WITHIN_S:.0f} s, "
            f"of the {self.place.machines} in CLUSTER_SPEC; look at the log there, and start all "
            "again."
        )
        reason = EndReason(UnavailableError.exit_code, sentence)
        if self.round and self.connection:
            self.say(reason)
        raise EndedError(self.reason or reason)

    def _raise_if_stopped(self) -> None:
        """A signal, while others are awaited."""
        if self.stop.received is None:
            return
        reason = EndReason(128 + self.stop.received)
        if self.round and self.connection:
            self.say(reason)
        raise EndedError(self.reason or reason)

    def _refuse_differences(self, everybody: list[dict[str, object]]) -> None:
        for machine, theirs in enumerate(everybody):
            differing = [
                f"{name} is {theirs.get(name)} there and {everybody[0].get(name)} on the first"
                for name in self.facts
                if theirs.get(name) != everybody[0].get(name)
            ]
            if differing:
                self.say(
                    EndReason(
                        IncompatibleError.exit_code,
                        f"Machine {machine} would train otherwise than the first: "
                        f"{'; '.join(differing)}. Start all of them alike.",
                    )
                )
                raise EndedError(self.reason or EndReason(JobError.exit_code))

    def _look(self) -> EndReason | None:
        assert self.connection
        assert self.round
        if self.stop.received is not None:
            self.say(EndReason(128 + self.stop.received))
        elif time.monotonic() - self.beaten_at > BEAT_EVERY_S:
            self.beaten_at = time.monotonic()
            self.connection.ask(self._beat)
        return self.reason or self.connection.ask(self.round.why)

    def _beat(self) -> None:
        """Shows that this machine lives; on machine 0, looks whether the others do."""
        assert self.round
        store, now = self.round.store, time.monotonic()
        store.set(self.round.key("beat", self.place.machine), str(now))
        for machine in range(1, self.place.machines if self.place.machine == 0 else 0):
            key = self.round.key("beat", machine)
            beat = store.get(key) if store.check([key]) else b""
            before, at = self.seen.setdefault(machine, (beat, now))
            if beat != before:
                self.seen[machine] = beat, now
            elif now - at > (SILENT_AFTER_S if beat else STARTED_WITHIN_S):
                self.round.say(lost(f"Machine {machine} has died: silent for {now - at:.0f} s"))

    def leave(self) -> None:
        """Machine 0 keeps the store open until the others have read why, or are gone."""
        if self.connection is None or self.round is None:
            return
        ask, store = self.connection.ask, self.round.store
        keys = [self.round.key("left", machine) for machine in range(self.place.machines)]
        over_at = time.monotonic() + 5
        ask(lambda: store.set(keys[self.place.machine], ""))
        while self.place.machine == 0 and time.monotonic() < over_at:
            if ask(lambda: store.check(keys)):
                return
            time.sleep(LOOK_EVERY_S)

    def get_backend(self) -> str:
        return "cluster"

    def get_run_id(self) -> str:
        return "run"

    def is_closed(self) -> bool:
        return False

    def set_closed(self) -> None:
        """Rounds follow each other as their reasons say."""

    def shutdown(self) -> bool:
        return True
