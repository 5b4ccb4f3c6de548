"""What a run computes on: cpu | gpu | tpu × precision → the Trainer's arguments, one table.

Only this room knows devices. Reference for the CPU flags: Linux `Documentation/arch/x86/cpuinfo`.
"""

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch

from job.devices.cluster.strategy import MachineRanks, MachineStrategy
from job.devices.gpu import count_gpus, is_gpu_expected, why_no_gpu
from job.devices.one_process import OneProcess
from job.devices.tpu import graphs, runtime
from job.errors import ArgumentError, UnavailableError
from job.machine import free_host_bytes
from job.ranks import OneDevice

logger = logging.getLogger(__name__)

# On a CPU without one of these, bf16 is emulated: up to 44 times slower than 32 bits.
BF16_CPU_FLAGS = {"avx512_bf16", "amx_bf16"}
# What torch.compile calls: triton a C compiler, inductor on the CPU one for C++.
COMPILERS = {"gpu": ("cc", "gcc", "clang"), "cpu": ("g++", "clang++", "c++")}
CORE_BYTES = 16 << 30  # of a v3 or v5e; v4, v5p and v6e have more
TRAINER_PRECISION = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


@dataclass(frozen=True)
class Hardware:
    """The devices of this run. `precision` is 32, bf16 or 16; `name` is for people. `devices` are
    those of one machine.

    `on_failure`, of a rank among several, is told of an error before anybody waits for others.
    `wait_for_all`, of several machines, returns when all have come as far as this one.
    """

    accelerator: str
    precision: str
    name: str
    devices: int = 1
    machines: int = 1
    on_failure: Callable[[BaseException], None] | None = None
    wait_for_all: Callable[[], None] | None = None

    @property
    def device(self) -> torch.device:
        """Where this process computes outside the Trainer; a TPU's cores belong to it alone."""
        return torch.device("cuda" if self.accelerator == "gpu" else "cpu")

    @property
    def fused_optimizer(self) -> bool:
        """One kernel for all weights; the scaler of 16-bit floats forbids it with clipping."""
        return self.precision != "16" and self.accelerator != "tpu"

    @property
    def has_static_shapes(self) -> bool:
        """Whether each new shape costs a compilation."""
        return self.accelerator == "tpu"

    @property
    def world_size(self) -> int:
        """The ranks of a run: its devices on all machines."""
        return self.devices * self.machines

    def ranks(self) -> OneDevice:
        """What this rank and the others have to tell each other; to be asked on the rank."""
        if self.machines > 1:
            return MachineRanks()
        return runtime.CoreRanks() if self.accelerator == "tpu" else OneDevice()

    def callbacks(self, rows_ES: np.ndarray | None, row_length: int) -> list[pl.Callback]:
        """What has to come before every other callback."""
        return [graphs.Boundaries(rows_ES, row_length)] if self.accelerator == "tpu" else []

    def plugins(self) -> list:
        """Lightning's plugins beside the one for checkpoints."""
        if self.accelerator == "tpu":
            return [runtime.CorePrecision(self.precision)]
        return [] if self.machines > 1 else [OneProcess()]  # several machines' strategy has its own

    def trainer_arguments(self) -> dict:
        """Keyword arguments of `pytorch_lightning.Trainer`."""
        on_failure = self.on_failure or (lambda error: None)
        if self.accelerator == "tpu":
            strategy = runtime.CoreStrategy(on_failure)
            return {"accelerator": "tpu", "devices": self.devices, "strategy": strategy}
        strategies = {"strategy": MachineStrategy(on_failure)} if self.machines > 1 else {}
        return {
            "accelerator": self.accelerator,
            "devices": 1,
            "precision": TRAINER_PRECISION[self.precision],
            **strategies,
        }

    def smallest(self, number: int) -> int:
        """The smallest of the machines' numbers; every machine has to ask."""
        if self.machines == 1:
            return number
        self.wait_for_all()
        return -self.ranks().largest(-number)

    def free_bytes(self) -> int:
        """Memory that a training step may take, on each device."""
        if self.accelerator == "tpu":
            return CORE_BYTES
        if self.accelerator == "gpu":
            return torch.cuda.mem_get_info()[0]
        return free_host_bytes()


def choose_hardware(
    accelerator: str, precision: str, tpu_cores: int = 0, machines: int = 1
) -> Hardware:
    """Resolves `auto`. Raises UnavailableError where what was asked for is not there.

    `accelerator`: auto, cpu, gpu or tpu. `precision`: auto, 32, bf16 or 16. `tpu_cores`: 0 is all.
    """
    if accelerator == "tpu" or (accelerator == "auto" and _has_tpu()):
        if machines > 1:
            raise UnavailableError(
                f"CLUSTER_SPEC names {machines} machines, and a TPU takes one; start it with one "
                "worker pool of one replica, or set ACCELERATOR=gpu."
            )
        return _choose_tpu(precision, tpu_cores)
    gpus = count_gpus() if accelerator in ("auto", "gpu") else 0
    if accelerator == "gpu" and not gpus:
        raise UnavailableError(
            f"ACCELERATOR=gpu: torch {torch.__version__} finds no GPU ({why_no_gpu()}); "
            "use ACCELERATOR=cpu, or start the container with --gpus all."
        )
    if gpus:
        if gpus > 1:
            logger.warning("One of this machine's %d GPUs is used; the others idle.", gpus)
        name = _on_each(machines, torch.cuda.get_device_name())
        return Hardware("gpu", _gpu_precision(precision), name, machines=machines)
    if precision == "16":
        raise ArgumentError("PRECISION=16 (or FP16) needs a GPU; use PRECISION=auto on a CPU.")
    if accelerator == "auto" and is_gpu_expected():
        logger.warning(
            "No GPU is used (%s): computing on the CPU. Start the container with --gpus all, or "
            "set ACCELERATOR=cpu.",
            why_no_gpu(),
        )
    name = _on_each(machines, f"{torch.get_num_threads()} CPU threads")
    return Hardware("cpu", _cpu_precision(precision, cpu_flags()), name, machines=machines)


def require_compiler(accelerator: str) -> None:
    """Raises ArgumentError where torch.compile would fail for want of a compiler."""
    if accelerator == "tpu":
        raise ArgumentError("COMPILE is for GPUs, and a TPU always compiles; leave it out.")
    names = COMPILERS[accelerator]
    if not any(shutil.which(name) for name in names):
        raise ArgumentError(
            f"COMPILE=true needs a compiler ({' or '.join(names)}), and none is installed here; "
            "unset COMPILE, or add one to the image."
        )


def _has_tpu() -> bool:
    if not runtime.is_installed():
        return False
    runtime.require_loadable()
    return runtime.count_cores() > 0


def _choose_tpu(precision: str, wanted: int) -> Hardware:
    if not runtime.is_installed():
        raise UnavailableError(
            "ACCELERATOR=tpu: no TPU runtime is installed in this environment; use the image built "
            "with EXTRA=tpu (docker/tpu.txt), or ACCELERATOR=auto, cpu or gpu."
        )
    runtime.require_loadable()
    if (device := runtime.runtime_device()) != runtime.RUNTIME:
        raise UnavailableError(
            f"PJRT_DEVICE={device or ''}: torch_xla would compute on something else than the TPU; "
            f"set PJRT_DEVICE={runtime.RUNTIME}, or use ACCELERATOR=cpu."
        )
    cores = runtime.count_cores()
    if not cores:
        raise UnavailableError(
            "ACCELERATOR=tpu: this machine has no TPU that this process may see; start the "
            "container on a TPU VM with --privileged, or use ACCELERATOR=cpu."
        )
    if wanted not in (0, 1, cores):
        raise ArgumentError(
            f"TPU_CORES={wanted}: this machine's TPU has {cores} cores, of which one or all can "
            f"train; set it to 1 or {cores}, or leave it out."
        )
    if precision == "16":
        raise ArgumentError("PRECISION=16 (or FP16) needs a GPU; use PRECISION=bf16 on a TPU.")
    devices = wanted or cores
    name = f"{devices} TPU core{'s' if devices > 1 else ''}"
    return Hardware("tpu", "bf16" if precision == "auto" else precision, name, devices)


def _on_each(machines: int, name: str) -> str:
    return f"{machines} machines, {name} each" if machines > 1 else name


def _gpu_precision(precision: str) -> str:
    if precision == "auto":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "16"
    return precision


def _cpu_precision(precision: str, flags: frozenset[str]) -> str:
    has_bf16 = bool(flags & BF16_CPU_FLAGS)
    if precision == "bf16" and not has_bf16:
        logger.warning("PRECISION=bf16: this CPU emulates bf16, which is slow; 32 is faster.")
    if precision == "auto":
        return "bf16" if has_bf16 else "32"
    return precision


def cpu_flags(cpuinfo: Path = Path("/proc/cpuinfo")) -> frozenset[str]:
    """The feature flags of the first processor; none where the system does not tell."""
    try:
        lines = cpuinfo.read_text("utf-8", "replace").splitlines()
    except OSError:
        return frozenset()
    flags = (line.partition(":")[2] for line in lines if line.startswith("flags"))
    return frozenset(next(flags, "").split())
