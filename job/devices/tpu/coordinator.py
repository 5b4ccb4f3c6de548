"""The coordinator: the right to write, the log and the end of a run whose ranks are elsewhere.

    coordinator (a thread       ←  confirm, stop_signal, log, show, deliver, fail  ←  ranks
    for each connection)        →  an answer; to each process once: end now        →

The lease, the terminal and the signals belong to one process, so the ranks ask it. A rank that
fails tells it, and it ends all the others, who would wait for that rank for ever; a process that
dies is noticed by its closed connection, and so is, on the other side, the coordinator's own death.
"""

import logging
import logging.handlers
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Connection, Listener
from multiprocessing.process import BaseProcess
from typing import Any

from job.errors import JobError, UnavailableError
from job.evaluation import EpochRecord

logger = logging.getLogger(__name__)

GRACE_S = 20.0  # for an upload under way, once the run has failed
BEGIN_WITHIN_S = 300.0  # after the first rank has begun
LOOK_EVERY_S = 0.2  # less than a rank takes to start: a process that is gone is not listed
END = "end"
TPU_BUSY = "Is the TPU free? Another job may hold it."


class RankError(Exception):
    """An error of a rank, with its traceback as text."""


class Coordinator:
    """Serves so many ranks inside a `with` block, in the process that holds the lease, the terminal
    and the signals. `services` are what they may ask by name."""

    def __init__(self, services: Mapping[str, Callable[..., Any]], ranks: int = 0):
        self.failure: BaseException | None = None
        self._failed = threading.Event()
        self.history: list[EpochRecord] = []
        self._services: dict[str, Callable[..., Any]] = {**services, "deliver": self._deliver}
        self._services |= {"begin": self._begin, "done": self._done, "fail": self._fail}
        self._watching: dict[int, Connection] = {}
        self._working: Counter[int] = Counter()
        self._ranks = ranks
        self._begun_at: list[float] = []  # a moment for each rank
        self._begun: set[int] = set()  # processes
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self.key = os.urandom(16)
        self._listener = Listener(family="AF_UNIX", authkey=self.key)
        self.address = self._listener.address

    def __enter__(self) -> "Coordinator":
        threading.Thread(target=self._accept, name="coordinator", daemon=True).start()
        threading.Thread(target=self._look_after_children, name="children", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._listener.close()

    @property
    def has_begun(self) -> bool:
        """Whether any rank has begun to train."""
        return bool(self._begun_at)

    def _look_after_children(self) -> None:
        """One that ends before its ranks have begun has no connection here that would break."""
        children: dict[int | None, BaseProcess] = {}
        while not self._closed.wait(LOOK_EVERY_S):
            children |= {child.pid: child for child in multiprocessing.active_children()}
            for process, child in children.items():
                if child.exitcode and process not in self._begun:
                    self._fail(UnavailableError(f"Process {process} has died. {TPU_BUSY}"))
                    return
            begun = len(self._begun_at)
            if 0 < begun < self._ranks and time.monotonic() - self._begun_at[0] > BEGIN_WITHIN_S:
                late = f"Only {begun} of {self._ranks} cores have begun in {BEGIN_WITHIN_S:.0f} s."
                self._fail(UnavailableError(f"{late} {TPU_BUSY}"))
                return

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except (OSError, EOFError, multiprocessing.AuthenticationError):
                if self._closed.is_set():
                    return
                continue  # who came has died before it could say anything
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        watched = 0
        try:
            while True:
                name, arguments = connection.recv()
                if name == "watch":
                    (watched,) = arguments
                    self._watch(watched, connection)
                    continue
                connection.send(self._served(name, arguments))
        except (EOFError, OSError):
            if self._working[watched]:
                self._fail(UnavailableError(f"Process {watched}, which trained, has died."))

    def _watch(self, process: int, connection: Connection) -> None:
        """Ends the process when the run fails, or now where it has failed already."""
        with self._lock:
            self._watching[process] = connection
            has_failed = self.failure is not None
        if has_failed:
            connection.send(END)

    def _served(self, name: str, arguments: tuple) -> tuple[object, JobError | None]:
        """A service's answer, or its error. One that is a fault of ours ends the run, too."""
        try:
            return self._services[name](*arguments), None
        except JobError as error:
            return None, error
        except Exception as error:
            self._fail(error)
            return None, UnavailableError(f"The coordinator failed at {name}: {error!r}")

    def raise_failure(self, wait_s: float = 0.0) -> None:
        """Raises what ended the run, where something did; waits a little for a closed connection
        to be noticed."""
        if self._failed.wait(wait_s):
            assert self.failure is not None
            raise self.failure

    def _begin(self, process: int) -> None:
        with self._lock:
            self._working[process] += 1
            self._begun.add(process)
            self._begun_at.append(time.monotonic())

    def _done(self, process: int) -> None:
        with self._lock:
            self._working[process] -= 1

    def _deliver(self, history: list[EpochRecord]) -> None:
        self.history = history

    def _fail(self, error: BaseException) -> None:
        """The first failure is the one that is told; the others follow from it."""
        with self._lock:
            if self.failure is not None:
                return
            self.failure = error
            self._failed.set()
            watching = list(self._watching.values())
        threading.Thread(target=self._kill_late_children, name="grace", daemon=True).start()
        for connection in watching:
            try:
                connection.send(END)
            except OSError:
                continue  # it has ended

    def _kill_late_children(self) -> None:
        if not self._closed.wait(GRACE_S):
            for child in multiprocessing.active_children():
                child.kill()


class CoordinatorClient:
    """A rank's, or a process's, connection to the coordinator."""

    def __init__(self, address: str, key: bytes):
        self._connection = Client(address, authkey=key)
        self._lock = threading.Lock()

    def ask(self, name: str, *arguments: object) -> Any:
        """The answer of the coordinator's service. Raises the JobError that it raises."""
        with self._lock:
            self._connection.send((name, arguments))
            answer, error = self._connection.recv()
        if error is not None:
            raise error
        return answer

    def watch(self, before_the_end: Callable[[], None]) -> None:
        """From now on the coordinator ends this process, by saying so or by its own death."""
        self._connection.send(("watch", (os.getpid(),)))

        def wait() -> None:
            try:
                self._connection.recv()
                before_the_end()
            except (EOFError, OSError):
                pass  # the coordinator is gone, and the right to write with it
            finally:
                os._exit(1)

        threading.Thread(target=wait, name="watch", daemon=True).start()


class LogToCoordinator(logging.handlers.QueueHandler):
    """Sends records to the coordinator: the first rank's and background threads' all, of the other
    ranks what is a warning at least, with the core's number."""

    def __init__(self, client: CoordinatorClient):
        super().__init__(None)  # type: ignore[arg-type]  # `enqueue` needs no queue
        self.client = client
        self.rank_of_thread: dict[int | None, int] = {}

    def enqueue(self, record: logging.LogRecord) -> None:
        rank = self.rank_of_thread.get(record.thread, 0)
        if rank and record.levelno < logging.WARNING:
            return
        if rank:
            record.msg = record.message = f"core {rank}: {record.msg}"
            record.fields = {**getattr(record, "fields", {}), "core": rank}
        self.client.ask("log", record)


def ignore_signals() -> None:
    """Ctrl-C reaches every process of a terminal; the coordinator alone decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
