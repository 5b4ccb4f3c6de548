"""Whole runs on virtual cores, each in processes of its own: the runtime is one for a process."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import torch
from safetensors.torch import load_file

from tests.support.runs import World
from tests.support.tiny import make_network
from tests.tpu.environment import VIRTUAL


def start(
    cores: int, argv: list[str], module: str = "tests.tpu.virtual", **environment: str
) -> subprocess.Popen:
    """`python -m job` with these words on so many virtual cores, stdout and stderr on one pipe."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *argv],
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, **VIRTUAL, "CPU_NUM_DEVICES": str(cores), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class CoreWorld(World):
    """The world of runs for cores: a step takes the same sentences on 1, 2 and 8."""

    def __init__(self, folder: Path, dropout: float = 0.1):
        super().__init__(folder)
        network = make_network(layers=1)
        network.config.hidden_dropout_prob = dropout
        network.config.attention_probs_dropout_prob = dropout
        network.save_pretrained(self.model)

    def report(self, output: str) -> dict:
        return json.loads((self.folder / output / "report/metrics.json").read_text())

    def weights(self, output: str) -> dict[str, torch.Tensor]:
        return load_file(self.folder / output / "model/model.safetensors")

    def flags(self, output: str = "out", cores: int = 8, **changed: object) -> list[str]:
        default = {"accelerator": "tpu", "batch_size": 16 // cores}
        default["tpu_cores"] = cores if cores in (1, 8) else 0  # 0: all that there are
        return super().flags(output, **default | changed)

    def on_cores(
        self, cores: int, output: str, module: str = "tests.tpu.virtual", **changed: object
    ) -> subprocess.Popen:
        return start(cores, self.flags(output, cores, **changed), module)


def finish(process: subprocess.Popen, timeout_s: float = 300) -> tuple[int, str]:
    """Waits for the end; exit code and log."""
    try:
        log, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        for pid in (*descendants(process.pid), process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # a child that waits for work outlives its parent
        log, _ = process.communicate()
        raise AssertionError(f"no end after {timeout_s:.0f} s:\n{log}") from None
    return process.returncode, log


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid for child in map(int, children) for pid in (child, *descendants(child))]


def compiled(log: str) -> list[int]:
    """The epochs at whose end more graphs had been compiled than before."""
    return [int(epoch) for epoch in re.findall(r"XLA compiled .*\(epoch (\d+)\)", log)]


def large_graphs(log: str) -> int:
    """Those of training and validation, as the log tells them last."""
    return int(re.findall(r"(\d+) of them large", log)[-1])


def largest_difference(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    assert one.keys() == other.keys()
    return max((one[name] - other[name]).abs().max().item() for name in one)
