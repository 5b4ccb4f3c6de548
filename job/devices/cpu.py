"""The CPU. Reference for its flags: Linux `Documentation/arch/x86/cpuinfo`."""

import logging
from pathlib import Path

import torch

from job.devices.hardware import Hardware, on_each
from job.devices.peers import NoPeers
from job.errors import ArgumentError
from job.figures import counted
from job.machine import free_host_bytes

logger = logging.getLogger(__name__)

# On a CPU without one of these, bf16 is emulated: up to 44 times slower than 32 bits.
BF16_FLAGS = {"avx512_bf16", "amx_bf16"}


class Cpu(Hardware):
    """The threads of this machine's processors, which every machine has."""

    accelerator = "cpu"  # gloo adds up bf16 slowly: see BENCHMARKS.md
    compilers = ("g++", "clang++", "c++")

    @classmethod
    def is_here(cls) -> bool:
        return True

    @classmethod
    def choose(cls, precision: str, cores: int, peers: NoPeers) -> "Cpu":
        if precision == "16":
            raise ArgumentError("PRECISION=16 (or FP16) needs a GPU; use PRECISION=auto on a CPU.")
        threads = counted(torch.get_num_threads(), "CPU thread")
        name = on_each(peers, threads, f"ranks of {threads}")
        return cls(_precision(precision, cpu_flags()), name, peers.devices, peers)

    def free_bytes(self) -> int:
        return free_host_bytes() // self.devices


def _precision(wanted: str, flags: frozenset[str]) -> str:
    has_bf16 = bool(flags & BF16_FLAGS)
    if wanted == "bf16" and not has_bf16:
        logger.warning("PRECISION=bf16: this CPU emulates bf16, which is slow; 32 is faster.")
    if wanted == "auto":
        return "bf16" if has_bf16 else "32"
    return wanted


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The feature flags of the first processor; none where the system does not tell."""
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())
