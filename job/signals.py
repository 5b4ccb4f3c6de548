"""SIGTERM, SIGHUP and Ctrl-C, from the first line on.

While packages are imported nothing is held, and an exception could be lost in their C code: a
signal ends the process at once. Then it raises Stopped, so that what is held is given back; where
that would be lost, as soon as it would not. In training it waits for the end of the step, so that
one checkpoint can be saved. A second Ctrl-C does not wait, but on several cores of a TPU.
"""

import atexit
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import Protocol

LOOK_AGAIN_S = 0.1
WRITTEN_WITHIN_S = 0.5  # or not at all: a reader of the log may be stuck


class Stopped(BaseException):
    """The run was asked to stop. `exit_code` is 128 + the signal's number."""

    def __init__(self, number: int):
        super().__init__(f"Stopped by {signal.Signals(number).name}")
        self.number, self.exit_code = number, 128 + number


class StopSource(Protocol):
    """Whether a run was asked to stop: by a signal to this process, or as another one says."""

    @property
    def received(self) -> int | None:
        """The number of the signal that asked for it, or None."""

    def install(self) -> None:
        """Takes the signals' handlers back from whoever has replaced them."""

    def deferred(self) -> AbstractContextManager[None]:
        """Inside, nothing is raised: whoever is inside asks `received`."""


class StopRequest:
    """Remembers the first signal that asked this process to stop.

    `tell` writes the line with which it leaves at once.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.received: int | None = None
        self.tell: Callable[[str], None] = _tell_in_json if as_json else _tell
        self._holds = self._deferred = self._is_leaving = False
        self._due: int | None = None  # raised, or about to be, until it is not lost any more
        self._process = os.getpid()

    def install(self) -> None:
        """Takes over SIGTERM, SIGINT and SIGHUP. Call it before anything else is imported.

        A SIGHUP that is ignored stays so: the process was started with nohup.
        """
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._on_signal)

    def raise_from_here(self) -> None:
        """From now on something may be held: a signal raises Stopped in the main thread."""
        self._holds = True

    def leave_from_here(self) -> None:
        """From now on nothing is held: a signal ends the process at once."""
        self._holds = False
        if self._due is not None:
            self._due = None
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            _end_child(number)
            return
        is_first = self.received is None
        again = self.received == number == signal.SIGINT
        if is_first:
            self.received = number
        holds_nothing = not self._holds and not self._deferred
        # A second SIGTERM must not break off what the first has set going.
        if not (is_first or again) or (is_first and self._deferred):
            return
        if holds_nothing:
            self._leave(number, is_first)
        else:
            self._raise(number, frame)

    def _leave(self, number: int, is_first: bool) -> None:
        """Once: another signal must not cut the line off."""
        if self._is_leaving:
            return
        self._is_leaving = True
        try:
            if is_first:
                self.tell(f"{Stopped(number)}.")
        finally:
            os._exit(128 + number)

    def _raise(self, number: int, frame: FrameType | None) -> None:
        """Raises Stopped now, or when it would not be lost; and again where it was lost."""
        if self._due is None:
            self._due = number
            signal.signal(signal.SIGALRM, self._look_again)
            atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # Python gives it back then
            sys.unraisablehook = _without_stopped(sys.unraisablehook)
        signal.setitimer(signal.ITIMER_REAL, LOOK_AGAIN_S, LOOK_AGAIN_S)
        if not _would_be_lost(frame):
            raise Stopped(number)

    def _look_again(self, _: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process or self._due is None:
            return
        if not follows_from_stop(sys.exception()) and not _would_be_lost(frame):
            raise Stopped(self._due)

    def hear_of(self, number: int) -> None:
        """From another thread: as if the signal had come to this process."""
        if self.received is None and self._deferred:
            self.received = number
        elif self.received is None:
            os.kill(os.getpid(), number)

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, a signal is only remembered: whoever is inside asks `received` and stops.

        Stopped by another machine's signal, this one is not interrupted by its own any more.
        """
        if self._due is not None:
            raise Stopped(self._due)
        self._deferred = True
        try:
            yield
        except Stopped as stopped:
            self.received = self.received or stopped.number
            raise
        finally:
            self._deferred = False

    def raise_if_received(self) -> None:
        """Ends the run now when a signal has come."""
        if self.received is not None:
            raise Stopped(self.received)


def follows_from_stop(error: BaseException | None) -> bool:
    """Whether it is Stopped, or was raised while Stopped was on its way."""
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None


def write_past_locks(file: int, line: str) -> None:
    """One line to a file descriptor, past the buffers and locks that the interrupted code may hold.

    Nothing is written where nobody reads.
    """
    if select.select([], [file], [], WRITTEN_WITHIN_S)[1]:
        os.write(file, f"{line}\n".encode())


def _tell(text: str) -> None:
    write_past_locks(2, text)


def _tell_in_json(text: str) -> None:
    """As `job.log` does, which is not imported yet."""
    seconds, nanos = divmod(time.time_ns(), 10**9)
    write_past_locks(
        1,
        f'{{"severity": "WARNING", "message": "{text}", "timestampSeconds": {seconds}, '
        f'"timestampNanos": {nanos}, "logger": "job"}}',
    )


def _end_child(number: int) -> None:
    """A process that was forked off this one says nothing; Ctrl-C, which reaches all of a
    terminal's, is its parent's to answer."""
    if number != signal.SIGINT:
        os._exit(128 + number)


def _would_be_lost(frame: FrameType | None) -> bool:
    """Whether an import is going on: C code in it swallows any exception, or makes another of it,
    and what was half imported would be missing afterwards."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def _without_stopped(hook: Callable) -> Callable:
    """Python's report of exceptions that nobody can catch, without ours: it is raised again."""

    def show(lost: "sys.UnraisableHookArgs") -> None:
        if not isinstance(lost.exc_value, Stopped):
            hook(lost)

    return show
