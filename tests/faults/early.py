"""Stops starts of every command at random moments: `python -m tests.faults.early`."""

import argparse
import json
import random
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.support.runs import World, finish, start

SIGNALS = (signal.SIGTERM, signal.SIGINT)
START_S = 4.0  # in which all is imported that will be, and the first things are held
PATIENCE_S = 60  # one that is not gone by then has swallowed the signal


@dataclass(frozen=True)
class Stop:
    """How one start ended. `heard`: the job's handlers stood when the signal was sent."""

    number: int
    after_s: float
    heard: bool
    code: int
    took_s: float
    log: str
    as_json: bool

    @property
    def wrong(self) -> str:
        """What is wrong with it, or nothing."""
        is_python_s = self.code < 0 or "KeyboardInterrupt" in self.log
        if not self.heard and is_python_s:
            return ""  # dead before the first line of job.__main__
        lines = self.log.splitlines()
        if self.code != 128 + self.number:
            return f"exit code {self.code}"
        if "Traceback" in self.log or "Exception ignored" in self.log:
            return "a traceback"
        if self.log.count("Stopped by") != 1:
            return f"{self.log.count('Stopped by')} lines that say so"
        if self.as_json and not all(_is_json(line) for line in lines):
            return "a line that is not JSON"
        return ""


class Starts:
    """Each command with arguments with which it succeeds, and how long that takes."""

    def __init__(self, folder: Path):
        self.world = world = World(folder)
        self.texts, self.tagged = folder / "texts.txt", folder / "tagged" / "tagged.txt"
        self.texts.write_text("김철은 서울에 왔다.\n" * 200, "utf-8")
        self.words = {
            "train": ["train", *world.flags("out", epochs=1)],
            "check": ["check", *world.flags("out-of-check")],
            "predict": ["predict", str(self.texts), str(self.tagged), *world.flags("out")],
            "spec": ["spec", "docker", "--image=a.b/c:1", "--downstream_model_dir=gs://bucket/run"],
        }
        self.seconds = {name: self._untouched(name) for name in self.words}
        self.words["train"] = ["train", *world.flags("stopped", epochs=1, resume="never")]
        self.tagged.unlink()

    def _untouched(self, command: str) -> float:
        started_at = time.monotonic()
        code, log = finish(start(self.words[command]))
        assert code == 0, log
        return time.monotonic() - started_at

    def stop(self, command: str, chance: random.Random) -> Stop:
        """Starts the command and sends a signal at a random moment of its life."""
        number, as_json = chance.choice(SIGNALS), chance.random() < 0.5
        environment = {"LOG_FORMAT": "json"} if as_json else {}
        while True:
            after_s = chance.uniform(0, min(START_S, self.seconds[command]))
            process = start(self.words[command], **environment)
            time.sleep(after_s)
            heard = process.poll() is None and _catches(process.pid)
            if heard or not _has_spoken(process):
                break
            finish(process)  # quicker than when it was measured
            self.tagged.unlink(missing_ok=True)
        sent_at = time.monotonic()
        process.send_signal(number)
        try:
            log, _ = process.communicate(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            log, _ = process.communicate()
        took_s = time.monotonic() - sent_at
        return Stop(number, after_s, heard, process.returncode, took_s, log, as_json)

    def left_behind(self) -> list[Path]:
        """Leases, probes and pieces of OUT, which nobody is to find."""
        return [
            path
            for path in self.world.folder.rglob("*")
            if path.name == "LEASE.json" or "tagged.txt" in path.name or ".probe-" in path.name
        ]


def _catches(pid: int) -> bool:
    """Whether a process has the job's handlers; Python itself has one for SIGINT."""
    status = Path(f"/proc/{pid}/status").read_text()
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt")]
    return bool(int(caught, 16) >> signal.SIGTERM - 1 & 1)  # the last that is installed


def _has_spoken(process: subprocess.Popen) -> bool:
    """Whether it has ended or written something. Where its handlers do not stand, it is at its end:
    they stand before the first line."""
    assert process.stdout
    return bool(select.select([process.stdout], [], [], 0)[0])


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.early", description=__doc__)
    parser.add_argument("--times", type=int, default=200, help="stops of each command")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    said = parser.parse_args(arguments)
    print(f"--seed={said.seed}")
    # A shell starts what it runs behind itself deaf to Ctrl-C, and that is handed on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chance, wrong = random.Random(said.seed), 0
    with tempfile.TemporaryDirectory() as folder:
        starts = Starts(Path(folder))
        for command in starts.words:
            stops = [starts.stop(command, chance) for _ in range(said.times)]
            codes = Counter(stop.code for stop in stops)
            slowest = max(stop.took_s for stop in stops)
            print(f"{command} ({starts.seconds[command]:.1f} s): {dict(codes)}, {slowest:.2f} s")
            for stop in filter(lambda stop: stop.wrong, stops):
                wrong += 1
                print(f"  {stop.wrong}: {stop.number} after {stop.after_s:.3f} s\n{stop.log}")
            print(f"  left behind: {starts.left_behind()}", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
