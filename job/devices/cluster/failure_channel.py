"""How a run on several machines ends: on all of them, for one reason, whichever machine has it.

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
class Word:
    """Why the machines leave. `code`: 0 when all is done, 128 + a signal's number, an error's."""

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
        self.word: Word | None = None
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

    def say(self, word: Word) -> bool:
        """This machine's word; whether it counts, as none was heard before. Then all are told."""
        if not self._take(word):
            return False
        self._pass_on(word)
        self._see_to_the_end(word)
        return True

    def _listen(self, rank: int, connection: socket.socket) -> None:
        word = _read(connection)
        if word is None:
            died = f"Machine {rank} has died, or the connection to it has broken; {AGAIN}."
            word = Word(UnavailableError.exit_code, died)
        elif word.sentence and self.rank == 0:  # which passes on whose word it was
            word = Word(word.code, f"Machine {rank}: {word.sentence}")
        if not self._take(word):
            return
        if self.rank == 0:
            self._pass_on(word)
        if word.code and not self.is_leaving:
            self.stop.hear_of(word.signal or signal.SIGTERM)
        self._see_to_the_end(word)

    def _take(self, word: Word) -> bool:
        with self._lock:
            if self.word is not None:
                return False
            self.word = word
        self.heard.set()
        return True

    def _pass_on(self, word: Word) -> None:
        said = Word(word.code, word.sentence[:LONGEST_SENTENCE])
        line = json.dumps(asdict(said)).encode() + b"\n"
        for connection in self._connections.values():
            try:
                connection.sendall(line)
            except OSError:
                continue  # that machine has left

    def _see_to_the_end(self, word: Word) -> None:
        if word.code:
            threading.Thread(target=self._force, args=(word,), name="end", daemon=True).start()

    def _force(self, word: Word) -> None:
        """A main thread that waits inside of NCCL for a machine that is gone never comes back."""
        if self.has_left.wait(GRACE_S):
            return
        try:
            self.before_forced_end()
        except Exception as error:
            logger.error("The last checkpoint was not saved: %s", error)
        if self.has_left.wait(GRACE_S):
            return
        logger.error("%s", word.sentence or f"Stopped by {signal.Signals(word.signal).name}.")
        logging.shutdown()
        os._exit(word.code)


def _read(connection: socket.socket) -> Word | None:
    """What was said, or None where the connection ended without a word."""
    try:
        with connection.makefile("rb") as lines:
            return Word(**json.loads(lines.readline(8 * LONGEST_SENTENCE)))
    except (OSError, ValueError, TypeError):
        return None


def _notice_silence(connection: socket.socket) -> None:
    """Has the kernel ask whether the other machine is there; see tcp(7)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, ASK_EVERY_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, ASK_EVERY_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, ASK_TIMES)
