"""The end of a run on several machines: on all of them, for one reason, whichever machine has it.

    the first machine  ←  why this one leaves, or a connection that breaks  ←  each other machine
                       →  the first reason that there was, or "done"        →

Torch's collectives know nothing of each other's failures: a machine that waits in one for a machine
that is gone waits for the timeout, or for ever. So each other machine keeps a connection to the
first one, on which nothing is said but the end. The kernel tells when a process at its other end
dies, and asks now and then whether the machine is still there.
"""

import json
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass

from job.errors import UnavailableError
from job.signals import StopRequest

logger = logging.getLogger(__name__)

GRACE_S = 20.0  # for the main thread to leave by itself
ASK_EVERY_S, ASK_TIMES = 5, 5  # so a machine without power is missed after half a minute
LONGEST_SENTENCE = 4000  # characters, of six bytes at most
AGAIN = "start the job again, and it goes on from the last checkpoint"


@dataclass(frozen=True)
class EndReason:
    """The reason why the machines leave.

    `code`: 0 when all is done, 128 + a signal's number, an error's.
    """

    code: int
    sentence: str = ""

    @property
    def signal(self) -> int:
        """The signal that asked a machine to stop, or 0."""
        return max(0, self.code - 128)


class Watch:
    """This machine's part in it. `rank` is 0 on the first machine."""

    def __init__(self, rank: int, stop: StopRequest):
        self.rank, self.stop = rank, stop
        self.reason: EndReason | None = None
        self.is_leaving = False  # the main thread, which is then not to be interrupted
        self.heard, self.has_left = threading.Event(), threading.Event()
        self.before_forced_end: Callable[[], None] = lambda: None
        self._connections: dict[int, socket.socket] = {}
        self._lock = threading.Lock()

    def add(self, rank: int, connection: socket.socket) -> None:
        """Watches the machine at the other end from now on."""
        _notice_silence(connection)
        connection.settimeout(None)
        self._connections[rank] = connection
        threading.Thread(
            target=self._listen, args=(rank, connection), name=f"watch-{rank}", daemon=True
        ).start()

    def say(self, reason: EndReason) -> bool:
        """This machine's reason; whether it counts, as none was heard before. Then all are told."""
        if not self._take(reason):
            return False
        self._pass_on(reason)
        self._see_to_the_end(reason)
        return True

    def _listen(self, rank: int, connection: socket.socket) -> None:
        reason = _read(connection)
        if reason is None:
            died = f"Machine {rank} has died, or the connection to it has broken; {AGAIN}."
            reason = EndReason(UnavailableError.exit_code, died)
        elif reason.sentence and self.rank == 0:  # which passes on whose it was
            reason = EndReason(reason.code, f"Machine {rank}: {reason.sentence}")
        if not self._take(reason):
            return
        if self.rank == 0:
            self._pass_on(reason)
        if reason.code and not self.is_leaving:
            self.stop.hear_of(reason.signal or signal.SIGTERM)
        self._see_to_the_end(reason)

    def _take(self, reason: EndReason) -> bool:
        with self._lock:
            if self.reason is not None:
                return False
            self.reason = reason
        self.heard.set()
        return True

    def _pass_on(self, reason: EndReason) -> None:
        said = EndReason(reason.code, reason.sentence[:LONGEST_SENTENCE])
        line = json.dumps(asdict(said)).encode() + b"\n"
        for connection in self._connections.values():
            try:
                connection.sendall(line)
            except OSError:
                continue  # that machine has left

    def _see_to_the_end(self, reason: EndReason) -> None:
        if reason.code:
            threading.Thread(target=self._force, args=(reason,), name="end", daemon=True).start()

    def _force(self, reason: EndReason) -> None:
        """A main thread that waits inside of NCCL for a machine that is gone never comes back."""
        if self.has_left.wait(GRACE_S):
            return
        try:
            self.before_forced_end()
        except Exception as error:
            logger.error("The last checkpoint was not saved: %s", error)
        if self.has_left.wait(GRACE_S):
            return
        logger.error("%s", reason.sentence or f"Stopped by {signal.Signals(reason.signal).name}.")
        logging.shutdown()
        os._exit(reason.code)


def _read(connection: socket.socket) -> EndReason | None:
    """What was said, or None where the connection ended without that."""
    try:
        with connection.makefile("rb") as lines:
            return EndReason(**json.loads(lines.readline(8 * LONGEST_SENTENCE)))
    except (OSError, ValueError, TypeError):
        return None


def _notice_silence(connection: socket.socket) -> None:
    """Has the kernel ask whether the other machine is there; see tcp(7)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ASK_EVERY_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASK_EVERY_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, ASK_TIMES)
