"""An end in the middle of work, after a number of calls, as when a process is killed."""

from collections.abc import Callable
from typing import Any


class CutOff(KeyboardInterrupt):
    """No Exception, so that no fallback takes it for a fault."""


def cut_off_after(calls: int) -> Callable[[Callable], Callable]:
    """Wraps functions that share a count: the call after `calls` of them ends by CutOff,
    and so does every later one."""
    left = [calls]

    def until_cut_off(act: Callable) -> Callable:
        def call(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise CutOff
            return act(*arguments, **options)

        return call

    return until_cut_off
