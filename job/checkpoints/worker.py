"""A thread of its own for what training must not wait for."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Worker:
    """A thread that does what it is given, in order. It does not keep the process alive."""

    def __init__(self, name: str):
        self._tasks: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def submit(self, act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """The result or error of `act`, which runs once everything given before is done."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(act(*args, **kwargs))
            except BaseException as error:  # belongs to whoever asks the future
                future.set_exception(error)

        self._tasks.put(run)
        return future

    def _work(self) -> None:
        while True:
            self._tasks.get()()
