"""A run on ranks: its machines are agents on this one, told of each other by CLUSTER_SPEC."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.runs import World

ROOT = Path(__file__).parents[2]
STEP = "job.model.classifier:TokenClassifier.training_step"
# Dropout, and a schedule that moves in each step: only an exact resume ends alike.
OPTIONS = {"epochs": 6, "save_every_steps": 4, "lr_scheduler": "linear", "warmup_ratio": 0.1}
PATIENCE_S = 180  # a test that waits longer has failed
LOOK_EVERY_S = 0.02


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def cluster_spec(port: int, machine: int, count: int = 2) -> str:
    """CLUSTER_SPEC as Vertex AI sets it; nobody ever asks for the others' ports."""
    others = [f"127.0.0.1:{port + other}" for other in range(1, count)]
    pools = {"workerpool0": [f"127.0.0.1:{port}"], "workerpool1": others}
    task = {"type": f"workerpool{min(machine, 1)}", "index": max(0, machine - 1), "trial": ""}
    return json.dumps({"cluster": pools, "environment": "cloud", "task": task, "job": "{}"})


@dataclass(frozen=True)
class Within:
    """Done in one rank: it waits, or raises, at its call of a function after `skip` calls."""

    at: str
    rank: int
    skip: int = 0
    breaks: bool = False


def start_agent(argv: list[str], log: Path, environ: Mapping[str, str]) -> subprocess.Popen:
    """`python -m job` in a session of its own, its log at the end of a file."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "job", *argv],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environ},
            stdout=stream,
            stderr=stream,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


class Machine:
    """An agent, in a session of its own, and the ranks below it."""

    def __init__(self, argv: list[str], log: Path, environ: Mapping[str, str]):
        self.argv, self.log, self.environ = argv, log, environ
        self.start()

    def start(self) -> None:
        """Also once more, as Vertex AI does with a machine that was lost."""
        self.process = start_agent(self.argv, self.log, self.environ)

    def text(self) -> str:
        return self.log.read_text("utf-8")

    def wait(self) -> int:
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running:\n{self.text()}") from None

    def kill(self) -> None:
        """kill -9 of the agent and all below it, as when the machine goes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ranks(self) -> list[int]:
        """The process numbers of the ranks, in their order."""
        servers = [pid for pid in children(self.process.pid) if "forkserver" in command(pid)]
        return sorted(pid for server in servers for pid in children(server))


def children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode()
    except OSError:
        return ""


class Machines:
    """A run; a machine that is not the first has an output of its own, where nothing may be."""

    def __init__(
        self,
        world: World,
        output: str,
        *,
        machines: int = 1,
        devices: int = 1,
        within: Within | None = None,
        others: Mapping[str, object] | None = None,
        environ: Mapping[str, str] | None = None,
        **changed: object,
    ):
        self.folder, self.port, self.devices = world.folder / output, free_port(), devices
        self.marks = world.folder / f"{output}-{self.port}"
        given: dict[str, str] = {"PYTHONPATH": str(ROOT / "tests/support/inside")}
        if within:
            given["INSIDE"] = json.dumps(vars(within) | {"file": str(self.marks)})
        flags = {"batch_size": 4, "log_format": "json", "max_attempts": 0, "devices": devices}
        self.all: list[Machine] = []
        for number in range(machines):
            told = {"CLUSTER_SPEC": cluster_spec(self.port, number, machines)}
            special = {"downstream_model_dir": self.elsewhere, **(others or {})} if number else {}
            self.all.append(
                Machine(
                    world.flags(output, **{**flags, **changed, **special}),
                    world.folder / f"{output}-{self.port}-{number}.log",
                    {**given, **(told if machines > 1 else {}), **(environ or {})},
                )
            )

    @property
    def elsewhere(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}-elsewhere")

    def until(self, is_so: Callable[[], bool]) -> None:
        ends_at = time.monotonic() + PATIENCE_S
        while not is_so():
            logs = "\n".join(machine.text() for machine in self.all)
            assert time.monotonic() < ends_at, logs
            assert any(machine.process.poll() is None for machine in self.all), logs
            time.sleep(LOOK_EVERY_S)

    def until_held(self) -> None:
        self.until(self.marks.with_name(f"{self.marks.name}.held").exists)

    def let_go(self) -> None:
        self.marks.with_name(f"{self.marks.name}.go").touch()

    def until_said(self, text: str) -> None:
        self.until(lambda: text in self.all[0].text())

    def rank(self, number: int) -> int:
        """The process of a rank."""
        return self.all[number // self.devices].ranks()[number % self.devices]

    def wait(self) -> tuple[list[int], list[str]]:
        """The exit codes and the logs."""
        try:
            codes = [machine.wait() for machine in self.all]
        finally:
            for machine in self.all:
                machine.kill()
        assert not self.elsewhere.exists(), "a machine that is not the first has written"
        return codes, [machine.text() for machine in self.all]


def errors(log: str) -> list[str]:
    """The messages of a JSON log that are errors; every line has to be JSON."""
    records = [json.loads(line) for line in log.splitlines()]
    return [each["message"] for each in records if each["severity"] in ("ERROR", "CRITICAL")]
