"""A rank's look at the others, in a thread: whether the round has ended, and why.

Its main thread may wait inside of a collective for a rank that is gone: gloo tells that at once,
NCCL never. Then this thread ends the process.
"""

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable

import torch.distributed as dist

from job.devices.elastic.reasons import EndReason, Round, listed, lost
from job.errors import UnavailableError
from job.signals import StopRequest

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
GRACE_S = 20.0  # for the main thread to leave by itself
NEVER = float("inf")


class Watch:
    """`round_` has a connection of its own to the store."""

    def __init__(self, round_: Round, rank: int, count: int, stop: StopRequest):
        self.round, self.rank, self.count, self.stop = round_, rank, count, stop
        self.reason: EndReason | None = None
        self.is_leaving = False  # the main thread, which is then not to be interrupted
        self.heard, self.has_left = threading.Event(), threading.Event()
        self.before_forced_end: Callable[[], None] = lambda: None
        self.steps, self.due_at, self.step_timeout_s = 0, NEVER, NEVER
        self._server, self._agent = os.getppid(), multiprocessing.parent_process()
        self.who_hangs: Callable[[], str] = self._who_hangs
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def step_within(self, seconds: float, otherwise: Callable[[], str] | None = None) -> None:
        """From now on the main thread calls `note_step` at least so often; NEVER: it need not.

        `otherwise`: the sentence that says what has hung.
        """
        self.step_timeout_s, self.who_hangs = seconds, otherwise or self._who_hangs
        self.note_step()

    def note_step(self) -> None:
        """The main thread has come further."""
        self.steps += 1
        self.due_at = time.monotonic() + self.step_timeout_s

    def _run(self) -> None:
        while not self.has_left.wait(LOOK_EVERY_S):
            try:
                reason = self._look()
            except dist.DistError:
                reason = lost("Machine 0 has died, or the connection to it has broken")
            if reason is None or (reason.signal and self.heard.is_set()):
                continue
            self._hear(reason)
            if not reason.code:
                break
            if not reason.signal:  # a stop is answered by a checkpoint, which takes its time
                self._force(reason)
                break
        self._end_with_the_agent()

    def _look(self) -> EndReason | None:
        if self._is_orphan:
            self.round.say(lost(f"The agent of rank {self.rank} has died"))
        self.round.store.set(self._step_of(self.rank), str(self.steps))
        if time.monotonic() < self.due_at:
            return self.round.why()
        hung = EndReason(UnavailableError.exit_code, self.who_hangs())
        self.round.say(hung)
        why = self.round.why()
        return hung if why is None or why.signal else why

    @property
    def _is_orphan(self) -> bool:
        """The parent is a forkserver, which lives on without the agent as long as a rank does."""
        is_agent_dead = self._agent is not None and not self._agent.is_alive()
        return is_agent_dead or os.getppid() != self._server

    def _end_with_the_agent(self) -> None:
        """Torch lets no rank end before the agent has taken its result; a dead one never does."""
        if self._agent is not None:
            self._agent.join()
            os._exit(0)

    def _step_of(self, rank: int) -> str:
        return self.round.key("step", rank)

    def _who_hangs(self) -> str:
        """The ranks that are behind: the others wait for them in a collective."""
        store = self.round.store
        steps = [
            int(store.get(key)) if store.check([key := self._step_of(rank)]) else 0
            for rank in range(self.count)
        ]
        late = [rank for rank, each in enumerate(steps) if each == min(steps)]
        who = f"{listed(late, 'Rank')} did not come as far as the others"
        if len(late) == self.count:
            who = "No rank came any further"
        return (
            f"{who} within {self.step_timeout_s:.0f} s, and training has hung; look at the "
            "log there, or set STEP_TIMEOUT_S higher where a step takes so long."
        )

    def _hear(self, reason: EndReason) -> None:
        self.reason = reason
        self.heard.set()
        if reason.code and not self.is_leaving:
            self.stop.hear_of(reason.signal or signal.SIGTERM)

    def _force(self, reason: EndReason) -> None:
        if self.has_left.wait(GRACE_S):
            return
        try:
            self.before_forced_end()
        except Exception as error:
            logger.error("The last checkpoint was not saved: %s", error)
        logging.shutdown()
        os._exit(reason.code)
