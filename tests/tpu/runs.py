"""Whole runs on virtual cores, each in processes of its own: the runtime is one for a process."""

import os
import subprocess
import sys
from pathlib import Path

from tests.runs import World

VIRTUAL = {
    "PJRT_DEVICE": "CPU",
    "XLA_THREAD_POOL_SIZE": "32",
    "PJRT_CPU_ASYNC_CLIENT": "0",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v3-8",
    # What is compiled runs for a moment: that it compiles fast counts for more.
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "OMP_NUM_THREADS": "1",
}


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
    """The world of `tests.runs` for cores: a step takes the same sentences on 1, 2 and 8."""

    def flags(self, output: str = "out", cores: int = 8, **changed: object) -> list[str]:
        default = {"accelerator": "tpu", "batch_size": 16 // cores}
        default["tpu_cores"] = cores if cores in (1, 8) else 0  # 0: all that there are
        return super().flags(output, **default | changed)

    def on_cores(
        self, cores: int, output: str, module: str = "tests.tpu.virtual", **changed: object
    ) -> subprocess.Popen:
        return start(cores, self.flags(output, cores, **changed), module)


def finish(process: subprocess.Popen, timeout_s: float = 240) -> tuple[int, str]:
    """Waits for the end; exit code and log."""
    try:
        log, _ = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        log, _ = process.communicate()
        raise AssertionError(f"no end after {timeout_s:.0f} s:\n{log}") from None
    return process.returncode, log
