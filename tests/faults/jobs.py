"""Runs of the job that start in a moment: forked off a process that has imported everything.

What is forked runs `main` in a process of its own, which is killed, stopped and waited for like any
other; an import of torch in each would make the suite ten times as long.
"""

import itertools
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

import pytest

from tests.faults.ledger import Place
from tests.support.gcs import Fault
from tests.support.lacking import lack
from tests.support.runs import World

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.preload"])
LOOK_EVERY_S = 0.005
PATIENCE_S = 120  # a test that waits longer has failed
OPTIONS = {
    "save_every_steps": 4,
    "storage_timeout_s": 20,
    "storage_deadline_s": 60,
    "max_attempts": 0,
}


@dataclass(frozen=True)
class Inside:
    """What is done to a run from within: `hold` names a function
    ("job.training.preparation:encode_cached") that
    waits before it does its work, the first time or after `skip` calls, until `Job.let_go`;
    where it `breaks`, it raises what no function of the job raises. `day_jumps` turns the clock by
    a day, to and fro, at every look at it. Below the folder `below` a file system lacks what
    `lacks` says, see `tests.support.lacking`."""

    hold: str = ""
    skip: int = 0
    breaks: bool = False
    day_jumps: bool = False
    lacks: Mapping[str, str] = field(default_factory=dict)
    below: Path = Path("/nowhere")


class Job:
    """One run, its log in a file."""

    def __init__(self, argv: list[str], log: Path, inside: Inside | None = None, **environ):
        self.log = log
        self.process = FORKS.Process(target=_run, args=(argv, log, inside or Inside(), environ))
        self.process.start()

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, and the end of it."""
        self.process.kill()
        code, log = self.wait()
        assert code == -signal.SIGKILL, log

    def wait(self) -> tuple[int, str]:
        """The exit code and the log."""
        self.process.join(PATIENCE_S)
        assert self.process.exitcode is not None, f"still running:\n{self.text()}"
        return self.process.exitcode, self.text()

    def text(self) -> str:
        return self.log.read_text("utf-8") if self.log.exists() else ""

    def until(self, is_so: Callable[[], bool]) -> None:
        """Returns once it is so; fails where the run ends before."""
        ends_at = time.monotonic() + PATIENCE_S
        while not is_so():
            alive = self.process.is_alive()
            assert alive or is_so(), f"it ended with {self.process.exitcode}:\n{self.text()}"
            assert time.monotonic() < ends_at, self.text()
            time.sleep(LOOK_EVERY_S)

    def until_said(self, text: str) -> None:
        self.until(lambda: text in self.text())

    def until_hit(self, fault: Fault) -> None:
        """Until a request met the fault: with `stall_s`, the run waits at it now."""
        self.until(lambda: fault.hits > 0)

    def until_held(self) -> None:
        self.until(_held(self.log).exists)

    def let_go(self) -> None:
        _held(self.log).with_suffix(".go").touch()


class Runs:
    """Starts runs in a world; those that a test leaves behind are killed at its end."""

    def __init__(self, world: World, folder: Path, environ: dict[str, str | None]):
        self.world, self.folder = world, folder
        self.environ = {"TMPDIR": str(folder / "tmp"), **environ}
        (folder / "tmp").mkdir()
        self.number = itertools.count(1)
        self.jobs: list[Job] = []

    def start(
        self,
        place: Place | str,
        *,
        inside: Inside | None = None,
        words: tuple[str, ...] = (),
        **changed: object,
    ) -> Job:
        url = place if isinstance(place, str) else place.url
        flags = self.world.flags(**{**OPTIONS, "downstream_model_dir": url, **changed})
        log = self.folder / f"log-{next(self.number)}"
        self.jobs.append(Job([*words, *flags], log, inside, **self.environ))
        return self.jobs[-1]

    def finish(self, place: Place | str, **changed) -> tuple[int, str]:
        return self.start(place, **changed).wait()

    def end(self) -> None:
        for job in self.jobs:
            if job.process.is_alive():
                job.process.kill()
            job.process.join()
            job.process.close()
        self.jobs.clear()


def _held(log: Path) -> Path:
    return log.with_suffix(".held")


def _run(argv: list[str], log: Path, inside: Inside, environ: dict[str, str | None]) -> None:
    """In the forked process."""
    assert "tests.faults.preload" in sys.modules
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(file, stream)
    for name, value in environ.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    tempfile.tempdir = None  # known already to what was forked
    if inside.hold:
        _hold(inside, _held(log))
    lack(pytest.MonkeyPatch(), inside.lacks, inside.below)
    if inside.day_jumps:
        _jump(time.time)
    from job.__main__ import main

    sys.exit(main(argv))


def _hold(inside: Inside, held: Path) -> None:
    module, _, path = inside.hold.partition(":")
    *owners, name = path.split(".")
    owner = import_module(module)
    for each in owners:
        owner = getattr(owner, each)
    act = getattr(owner, name)

    calls = itertools.count()

    def slow(*arguments, **options):
        if next(calls) < inside.skip:
            return act(*arguments, **options)
        if inside.breaks:
            raise ZeroDivisionError("broken on purpose")
        held.touch()
        while not held.with_suffix(".go").exists():
            time.sleep(LOOK_EVERY_S)
        return act(*arguments, **options)

    setattr(owner, name, slow)


def _jump(true_time: Callable[[], float]) -> None:
    looks = 0

    def time_by_a_bad_clock() -> float:
        nonlocal looks
        looks += 1
        return true_time() + (86_400 if looks % 3 == 0 else -86_400)

    time.time = time_by_a_bad_clock
