"""The job as a guest in another program, which finds its process as it was before.

A command may take over its process: signals, the log, variables that libraries read. A function
gives all of that back.
"""

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from job.errors import JobError
from job.log import LogHandler, set_up_logging
from job.machine import explained, networks, share_out_threads, take_out_launchers, tell_libraries
from job.settings import Settings
from job.signals import Stopped, StopRequest
from job.storage import RetryPolicy, retry_policy, set_retry_policy

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)
LOGGERS = ("", "job", "__main__", "pytorch_lightning")


class Guest(NamedTuple):
    """What the functions of a command are given."""

    stop: StopRequest
    handler: LogHandler


@contextmanager
def as_guest(settings: Settings) -> Iterator[Guest]:
    """Inside, the process is set up as for a command, but for its streams; then all is as before.

    The log goes to stderr. In the main thread a signal stops a run as it does that of a command;
    it is raised as KeyboardInterrupt. What is no fault of the job is raised as a JobError.
    """
    stop = StopRequest()
    with ExitStack() as stack:
        for give_back in (_environment(), _logging(), _warnings(), _hooks(), _retrying()):
            stack.callback(give_back)
        if threading.current_thread() is threading.main_thread():
            stack.callback(_signals(stop))
            stop.raise_from_here()
            stop.install()
        token = settings.hf_token.get_secret_value() if settings.hf_token else ""
        root = logging.getLogger()  # a notebook's own handler would say everything twice
        root.handlers[:] = [h for h in root.handlers if not _is_shown(h)]
        handler = set_up_logging(settings.log_format, sys.stderr, False, secrets=[token])
        tell_libraries(os.environ)
        take_out_launchers(os.environ)
        share_out_threads(os.environ, settings.cpu_workers)
        networks.prepare(os.environ)
        set_retry_policy(RetryPolicy(settings.storage_timeout_s, settings.storage_deadline_s))
        try:
            yield Guest(stop, handler)
        except JobError:
            raise
        except Stopped as stopped:
            raise KeyboardInterrupt(str(stopped)) from stopped
        except Exception as error:
            if (cause := explained(error, settings.sizes)) is None:
                raise
            raise cause from error


def _is_shown(handler: logging.Handler) -> bool:
    return getattr(handler, "stream", None) in (sys.stdout, sys.stderr)


Undo = Callable[[], None]


def _environment() -> Undo:
    before = dict(os.environ)

    def give_back() -> None:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)

    return give_back


def _logging() -> Undo:
    root = logging.getLogger()
    handlers, levels = list(root.handlers), {n: logging.getLogger(n).level for n in LOGGERS}

    def give_back() -> None:
        root.handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)

    return give_back


def _warnings() -> Undo:
    show, filters = warnings.showwarning, list(warnings.filters)

    def give_back() -> None:
        if warnings.showwarning is not show:
            logging.captureWarnings(False)
        warnings.filters[:] = filters  # type: ignore[index]  # a list, though declared a Sequence

    return give_back


def _hooks() -> Undo:
    before = sys.excepthook, threading.excepthook, sys.unraisablehook

    def give_back() -> None:
        sys.excepthook, threading.excepthook, sys.unraisablehook = before

    return give_back


def _retrying() -> Undo:
    before = retry_policy()
    return lambda: set_retry_policy(before)


def _signals(stop: StopRequest) -> Undo:
    before = {number: signal.getsignal(number) for number in SIGNALS}

    def give_back() -> None:
        for number in (*SIGNALS[:3], None, SIGNALS[3]):
            if number is None:
                stop.leave_from_here()  # its timer ends before who hears it
            else:
                signal.signal(number, before[number])

    return give_back
