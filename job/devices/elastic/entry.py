"""The way of a machine into a round: all have to be here, and alike."""

import json
import logging
import time
import uuid
from collections.abc import Mapping
from functools import partial

from torch.distributed import Store

from job.devices.elastic.place import Place
from job.devices.elastic.reasons import EndReason, Round, listed, lost
from job.devices.elastic.store import COME_WITHIN_S, LOOK_EVERY_S, Connection
from job.errors import IncompatibleError, UnavailableError
from job.signals import StopRequest

logger = logging.getLogger(__name__)

LEFT_WITHIN_S = 5.0
TOKEN = uuid.uuid4().hex  # of this agent: another one may come in its place


class Entry:
    """One machine's, by its connection. `facts`: what has to be alike on all machines, by name."""

    def __init__(
        self, connection: Connection, place: Place, facts: Mapping[str, object], stop: StopRequest
    ):
        self.connection, self.place, self.facts, self.stop = connection, place, facts, stop
        self.token = TOKEN
        self.everybody: list[dict] = []

    def open(self, last: int, over_at: float) -> Round | EndReason:
        """The round after the last one, which machine 0 opens; or why there is none."""
        store, ask = self.connection.store, self.connection.ask
        if self.place.machine == 0:
            ask(lambda: store.set("round", str(last + 1)))
        while (number := ask(lambda: _opened(store))) <= last:
            if (reason := self._give_up([0], over_at)) is not None:
                ask(partial(Round(store, max(number, last) + 1).say, reason))
                return reason
            time.sleep(LOOK_EVERY_S)
        return Round(store, number)

    def enter(self, round_: Round, used: int, over_at: float) -> EndReason | None:
        """Returns when all machines are in the round; else why they are not, which is said to all.

        `used`: the restarts that this machine knows of.
        """
        ask, machine = self.connection.ask, self.place.machine
        keys = [round_.key("here", each) for each in range(self.place.machines)]
        mine = json.dumps({"token": self.token, "used": used, **self.facts})
        reason = None
        if self.place.machines > 1 and machine == 0:
            logger.info("Machine 0 is waiting for the others of %d.", self.place.machines)
        if ask(lambda: round_.store.compare_set(keys[machine], "", mine)) != mine.encode():
            reason = lost(f"Machine {machine} was started anew")
        while reason is None and not ask(lambda: round_.store.check(keys)):
            if (why := ask(round_.why)) is not None:
                return why
            late = [n for n, key in enumerate(keys) if not ask(partial(round_.store.check, [key]))]
            reason = self._give_up(late, over_at)
            time.sleep(LOOK_EVERY_S)
        if reason is None:
            said = ask(lambda: round_.store.multi_get(keys))
            self.everybody = [json.loads(each) for each in said]
            reason = self._difference()
            if self.place.machines > 1 and machine == 0:
                logger.info("All %d machines are here.", self.place.machines)
        if reason is not None:
            ask(lambda: round_.say(reason))
            return ask(round_.why)
        return None

    def leave(self, round_: Round) -> None:
        """Machine 0 keeps the store open until the others have read why, or are gone."""
        ask, store = self.connection.ask, round_.store
        keys = [round_.key("left", machine) for machine in range(self.place.machines)]
        over_at = time.monotonic() + LEFT_WITHIN_S
        ask(lambda: store.set(keys[self.place.machine], ""))
        while self.place.machine == 0 and time.monotonic() < over_at:
            if ask(lambda: store.check(keys)):
                return
            time.sleep(LOOK_EVERY_S)

    def _give_up(self, late: list[int], over_at: float) -> EndReason | None:
        """A signal, or that it has been long enough."""
        if self.stop.received is not None:
            return EndReason(128 + self.stop.received)
        if not late or time.monotonic() < over_at:
            return None
        names = f"{listed(late, 'Machine')} {'is' if len(late) == 1 else 'are'}"
        return EndReason(
            UnavailableError.exit_code,
            f"{names} not here after {COME_WITHIN_S:.0f} s, of the {self.place.machines} in "
            "CLUSTER_SPEC; look at the log there, and start all again.",
        )

    def _difference(self) -> EndReason | None:
        first = self.everybody[0]
        for machine, theirs in enumerate(self.everybody):
            differing = [
                f"{name} is {theirs.get(name)} there and {first.get(name)} on the first"
                for name in self.facts
                if theirs.get(name) != first.get(name)
            ]
            if differing:
                return EndReason(
                    IncompatibleError.exit_code,
                    f"Machine {machine} would train otherwise than the first: "
                    f"{'; '.join(differing)}. Start all of them alike.",
                )
        return None


def _opened(store: Store) -> int:
    return int(store.get("round")) if store.check(["round"]) else -1
