"""Signs of life of the machines: each shows its own in the store, and machine 0 looks for them."""

import time

from job.devices.elastic.place import Place
from job.devices.elastic.reasons import Round, lost

BEAT_EVERY_S, SILENT_AFTER_S = 2.0, 30.0
STARTED_WITHIN_S = 60.0  # before the first beat, while processes are started


class Beats:
    """Those of one round, for one machine."""

    def __init__(self, round_: Round, place: Place):
        self.round, self.place, self.beaten_at = round_, place, 0.0
        self.seen: dict[int, tuple[bytes, float]] = {}

    @property
    def are_due(self) -> bool:
        return time.monotonic() - self.beaten_at > BEAT_EVERY_S

    def beat(self) -> None:
        """Shows that this machine lives. Machine 0 ends the round where another is silent."""
        now = self.beaten_at = time.monotonic()
        self.round.store.set(self.round.key("beat", self.place.machine), str(now))
        for machine in range(1, self.place.machines if self.place.machine == 0 else 0):
            self._look_at(machine, now)

    def _look_at(self, machine: int, now: float) -> None:
        store, key = self.round.store, self.round.key("beat", machine)
        beat = store.get(key) if store.check([key]) else b""
        before, at = self.seen.setdefault(machine, (beat, now))
        if beat != before:
            self.seen[machine] = beat, now
        elif now - at > (SILENT_AFTER_S if beat else STARTED_WITHIN_S):
            self.round.say(lost(f"Machine {machine} has died: silent for {now - at:.0f} s"))
