"""Kills runs at random moments, goes on, and compares the end: `python -m tests.faults.kill`."""

import argparse
import itertools
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.jobs import Job, Runs
from tests.faults.ledger import Ledger, Place, bucket_place, folder_place, sound_steps
from tests.support.gcs import GcsServer
from tests.support.runs import World

REQUESTS = 150  # that an untouched run makes, about
RUN_S = 1.5  # that it takes, about; longer than most lives


def kill_at_random(
    runs: Runs, place: Place, server: GcsServer | None, chance: random.Random, times: int
) -> int:
    """Starts runs and kills them, `times` or until one ends by itself; then lets one end.

    Half of the kills are at a moment in time, half at a request to the store: before it is done or
    after. Returns the number of kills.
    """
    kills, had = 0, set()
    while True:
        job = runs.start(place)
        if kills < times:
            fall = _fall(job, server, chance)
            job.process.kill()
            if job.wait()[0] == -signal.SIGKILL:
                kills += 1
                print(f"kill -9 {fall}", flush=True)
            if server:
                server.clear_faults()
        code, log = job.wait()
        steps = sound_steps(place.files())
        assert steps or not had, f"of the checkpoints {had} none is left"
        had = steps
        if code == 0:
            return kills
        assert code == -signal.SIGKILL, log


def _fall(job: Job, server: GcsServer | None, chance: random.Random) -> str:
    """Waits for the moment, and says which it was."""
    if server is None or chance.random() < 0.5:
        after_s = chance.uniform(0, RUN_S)
        job.process.join(after_s)
        return f"after {after_s:.3f} s"
    skip, is_done = chance.randrange(REQUESTS), chance.random() < 0.5
    fault = server.fault(skip=skip, stall_s=60, status=503, commit_first=is_done)
    while not fault.hits and job.process.is_alive():
        job.process.join(0.005)
    return f"{'after' if is_done else 'before'} its request {skip + 1}"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill", description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="kills in all")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    said = parser.parse_args(arguments)
    print(f"--seed={said.seed}")
    chance, kills = random.Random(said.seed), 0
    with tempfile.TemporaryDirectory() as folder, GcsServer() as server:
        world, ledger = World(Path(folder, "world")), Ledger(server)
        runs = Runs(world, Path(folder), {"STORAGE_EMULATOR_HOST": server.url})
        first = folder_place(Path(folder, "untouched"))
        assert runs.finish(first)[0] == 0
        for number in itertools.count():
            if kills >= said.times:
                break
            in_bucket = number % 2 == 0
            name = f"out-{number}"
            place = bucket_place(server, name) if in_bucket else folder_place(Path(folder, name))
            left = min(said.times - kills, chance.randint(1, 9))
            kills += kill_at_random(runs, place, server if in_bucket else None, chance, left)
            assert place.outcome() == first.outcome(), f"{place.url} ended otherwise"
            assert ledger.wrong == []
            print(f"{place.url}: {kills} kills so far, ended bit for bit as the untouched run")
            runs.end()


if __name__ == "__main__":
    main(sys.argv[1:])
