"""Kills ranks, agents and machines at random moments: `python -m tests.faults.rank_kills`."""

import argparse
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.faults.ledger import folder_place
from tests.support.machines import cluster_spec, start_agent
from tests.support.runs import World

SHAPES = ((1, 2), (2, 1), (2, 2))  # machines, ranks on each
KINDS = {"rank": 5, "agent": 2, "machine": 1}  # how often, among eight kills
DONE = "\nmodel    "  # in the last screen
START_S = 5.0  # from a start to the first step, about
BACK_WITHIN_S = 3.0  # a machine that was killed
LOOK_EVERY_S = 0.05
PATIENCE_S = 300  # for what hangs, far above what a busy machine takes
OPTIONS = {
    "batch_size": 4,
    "epochs": 30,
    "monitor": "min val_loss",  # the last epoch's weights are exported
    "save_every_steps": 4,
    "max_attempts": 0,
    "restarts": 1000,
    "log_format": "text",
}


class Machine:
    """`python -m job` as the first process of a container: started again with the same words."""

    def __init__(self, argv: list[str], log: Path, environ: dict[str, str]):
        self.argv, self.log, self.environ = argv, log, environ
        self.groups: list[int] = []  # of all starts
        self.back_at: float | None = 0.0  # when it is started, where it is down

    def start_if_due(self) -> None:
        if self.back_at is None or time.monotonic() < self.back_at:
            return
        self.back_at = None
        self.process = start_agent(self.argv, self.log, self.environ)
        self.groups.append(self.process.pid)

    def kill(self, kind: str, chance: random.Random) -> bool:
        """kill -9 of a rank, of the agent, or of all processes; False where there is none."""
        if self.back_at is not None or self.process.poll() is not None:
            return False
        if kind == "rank":
            if ranks := self.ranks():
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(ranks), signal.SIGKILL)
            return bool(ranks)
        if kind == "agent":
            self.process.kill()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        is_killed = self.process.wait() == -signal.SIGKILL
        if is_killed:
            self.back_at = time.monotonic() + chance.uniform(0, BACK_WITHIN_S)
        return is_killed

    def ranks(self) -> list[int]:
        """Their processes, which are forked off the agent's forkserver."""
        return _children(_children([self.process.pid]))

    def code(self) -> int | None:
        """The exit code, once it has ended by itself."""
        return None if self.back_at is not None else self.process.poll()

    def text(self) -> str:
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def left(self) -> list[int]:
        """Processes of any of its starts that are still there."""
        return [pid for pid, _, group in _processes() if group in self.groups]


class Cluster:
    """The machines of a run in a world; what it trains lies in `place`."""

    def __init__(self, world: World, output: str, machines: int, ranks: int, **changed: object):
        self.output = world.folder / output
        self.place = folder_place(self.output)
        port = _lasting_port()
        flags = world.flags(output, **{**OPTIONS, "devices": ranks, **changed})
        self.machines = []
        for number in range(machines):
            environ = {"CLUSTER_SPEC": cluster_spec(port, number)} if machines > 1 else {}
            log = world.folder / f"{output}-{number}.log"
            self.machines.append(Machine(flags, log, environ))

    def is_ending(self) -> bool:
        """Starts what is due; True once the run is over. A machine that ends has to end with 0.

        Whoever is killed when all is done, and the others gone, waits for them in vain.
        """
        for machine in self.machines:
            machine.start_if_due()
        codes = [machine.code() for machine in self.machines]
        assert set(codes) <= {None, 0}, f"{codes}\n{self.text()}"
        return 0 in codes or DONE in self.machines[0].text()

    def wait(self) -> None:
        """To the end of all machines, and of every process that they started."""
        machines = self.machines
        until(lambda: self.is_ending() and all(each.code() == 0 for each in machines), self)
        until(lambda: not any(each.left() for each in machines), self)

    def saved(self) -> set[str]:
        """The checkpoints that are there, or are being written."""
        return {folder.name for folder in self.output.glob("checkpoints/step=*")}

    def text(self) -> str:
        return "\n".join(machine.text() for machine in self.machines)

    def end(self) -> None:
        """Kills what is left of it, where something went wrong."""
        for machine in self.machines:
            for group in machine.groups:
                with suppress(ProcessLookupError):
                    os.killpg(group, signal.SIGKILL)
            if machine.groups:
                machine.process.wait()


def until(is_so: Callable[[], object], cluster: Cluster) -> None:
    """Starts what is due until it is so."""
    over_at = time.monotonic() + PATIENCE_S
    while not is_so():
        for machine in cluster.machines:
            machine.start_if_due()

        assert time.monotonic() < over_at, f"in vain:\n{cluster.text()}"
        time.sleep(LOOK_EVERY_S)


def kill_at_random(cluster: Cluster, chance: random.Random, times: int) -> Counter[str]:
    """Runs it to the end, and kills up to `times` in it; returns the kills by kind.

    Half of the kills are at a moment in time, half soon after a checkpoint was saved.
    """
    kills = Counter[str]()
    try:
        while kills.total() < times and not _fall(cluster, chance):
            number = chance.randrange(len(cluster.machines))
            [kind] = chance.choices(list(KINDS), KINDS.values())
            if cluster.machines[number].kill(kind, chance):
                kills[kind] += 1
                print(f"kill -9 of machine {number}: {kind}", flush=True)
        cluster.wait()
    finally:
        cluster.end()
    return kills


def differences(untouched: dict[str, object], outcome: dict[str, object]) -> dict[str, object]:
    """What ended otherwise, by name, as it is in both."""
    names = [name for name in untouched if outcome[name] != untouched[name]]
    return {name: (untouched[name], outcome[name]) for name in names}


def _fall(cluster: Cluster, chance: random.Random) -> bool:
    """Waits for the moment; True where the run ends before it."""
    saved = cluster.saved()
    at = time.monotonic() + chance.uniform(0, START_S)
    if chance.random() < 0.5:
        at = float("inf")
    while time.monotonic() < at:
        if cluster.is_ending():
            return True
        if at == float("inf") and cluster.saved() != saved:
            at = time.monotonic() + chance.uniform(0, 1)
        time.sleep(LOOK_EVERY_S)
    return cluster.is_ending()


def _children(parents: list[int]) -> list[int]:
    return [pid for pid, parent, _ in _processes() if parent in parents]


def _processes() -> list[tuple[int, int, int]]:
    """Number, parent and process group of all that are alive."""
    done = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,pgid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in done.stdout.splitlines()]
    return [(int(p), int(parent), int(g)) for p, parent, g, state in rows if state[0] != "Z"]


def _lasting_port() -> int:
    """A free port that no connection takes while the machine that listens there is down."""
    for port in itertools.count(random.SystemRandom().randrange(20_000, 30_000)):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rank_kills", description=__doc__)
    parser.add_argument("--times", type=int, default=300, help="kills in all")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    said = parser.parse_args(arguments)
    print(f"--seed={said.seed}")
    chance, kills, runs = random.Random(said.seed), Counter[str](), 0
    with tempfile.TemporaryDirectory() as folder:
        world, untouched = World(Path(folder, "world")), {}
        for shape in SHAPES:
            cluster = Cluster(world, "untouched-{}x{}".format(*shape), *shape)
            kill_at_random(cluster, chance, 0)
            untouched[shape] = cluster.place.outcome()
        while kills.total() < said.times:
            shape = SHAPES[runs % len(SHAPES)]
            cluster = Cluster(world, f"out-{runs}", *shape)
            times = min(said.times - kills.total(), chance.randint(4, 16))
            kills += kill_at_random(cluster, chance, times)
            runs += 1
            differing = differences(untouched[shape], cluster.place.outcome())
            assert not differing, f"{differing}\n{cluster.text()}"
            figures = ", ".join(f"{count} of {kind}s" for kind, count in kills.items())
            print(
                f"{shape}: as untouched; {runs} runs, {kills.total()} kills: {figures}", flush=True
            )


if __name__ == "__main__":
    main(sys.argv[1:])
