"""SIGTERM, SIGHUP and Ctrl-C, from the first second on.

Outside training a signal ends the run at once. In training it waits for the end of the step, so
that one checkpoint can be saved. A second Ctrl-C does not wait, but on several cores of a TPU.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The run was asked to stop. `exit_code` is 128 + the signal's number."""

    def __init__(self, number: int):
        super().__init__(f"Stopped by {signal.Signals(number).name}")
        self.number, self.exit_code = number, 128 + number


class StopRequest:
    """Remembers the first signal that asked this process to stop."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._deferred = False

    def install(self) -> None:
        """Takes over SIGTERM, SIGINT and SIGHUP. Call it before anything heavy is imported.

        A SIGHUP that is ignored stays so: the process was started with nohup.
        """
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        is_first = self.received is None
        again = self.received == number == signal.SIGINT
        if is_first:
            self.received = number
        # A second SIGTERM must not break off what the first has set going.
        if (is_first and not self._deferred) or again:
            raise Stopped(number)

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
