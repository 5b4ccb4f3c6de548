"""The devices of a run: those of one accelerator, on one machine or several.

`cpu`, `gpu` and `tpu` each have a class of it; `table` lists them and chooses one.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import ClusterEnvironment
from pytorch_lightning.plugins.precision import Precision

from job.devices.cluster.ranks import MachineRanks
from job.devices.cluster.strategy import MachineStrategy
from job.devices.one_process import OneProcess
from job.errors import ArgumentError
from job.ranks import OneRank, Ranks
from job.settings import Settings

if TYPE_CHECKING:  # what only some accelerators need, and what takes long to import
    from job.devices.ranked_run import RankedRun
    from job.evaluation import EpochRecord


PreparedT = TypeVar("PreparedT")
RunT = TypeVar("RunT", bound="RankedRun")
# One device's part of a training; the first rank's is given back.
TrainRank = Callable[[PreparedT, Settings, "Hardware", RunT, Path], list["EpochRecord"]]

TRAINER_PRECISION = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


def _tell_nobody(error: BaseException) -> None:
    """The only process knows what happened to it."""


def _wait_for_nobody() -> None:
    """There is nobody."""


@dataclass(frozen=True)
class Hardware(ABC):
    """The devices of this run. `precision` is 32, bf16 or 16; `name` is for people. `devices` are
    those of one machine.

    `on_failure`, of a rank among several, is told of an error before anybody waits for others.
    `wait_for_all`, of several machines, returns when all have come as far as this one.

    A new accelerator is a class that says what differs from a single device which Lightning knows
    by the same name, and a row of `table.ACCELERATORS`.
    """

    precision: str
    name: str
    devices: int = 1
    machines: int = 1
    on_failure: Callable[[BaseException], None] = _tell_nobody
    wait_for_all: Callable[[], None] = _wait_for_nobody

    accelerator: ClassVar[str]  # as the argument ACCELERATOR has it
    # Where this process computes outside the Trainer.
    device: ClassVar[torch.device] = torch.device("cpu")
    # Of torch.distributed, between machines. What is agreed on lies on the host.
    backend: ClassVar[str] = "gloo"
    # Whether each new shape costs a compilation.
    has_static_shapes: ClassVar[bool] = False
    # What torch.compile calls: any of them will do.
    compilers: ClassVar[tuple[str, ...]] = ()
    # A sentence for people who have no such machine.
    where_to_get_one: ClassVar[str] = ""

    @classmethod
    @abstractmethod
    def is_here(cls) -> bool:
        """Whether ACCELERATOR=auto finds one on this machine."""

    @classmethod
    @abstractmethod
    def choose(cls, precision: str, cores: int, machines: int) -> Self:
        """The devices here that a run takes. `precision`: auto, 32, bf16 or 16; `cores`: 0 is all.

        Raises UnavailableError where there is none, and ArgumentError where it cannot do that.
        """

    @classmethod
    def note_absence(cls) -> None:
        """Warns where `auto` has found none and this machine should have one."""
        return  # most are not missed

    @abstractmethod
    def free_bytes(self) -> int:
        """Memory that a training step may take, on each device."""

    @property
    def fused_optimizer(self) -> bool:
        """One kernel for all weights; the scaler of 16-bit floats forbids it with clipping."""
        return self.precision != "16"

    @property
    def world_size(self) -> int:
        """The ranks of a run: its devices on all machines."""
        return self.devices * self.machines

    def ranks(self) -> Ranks:
        """The exchange between this rank and the others; to be asked on the rank."""
        return MachineRanks() if self.machines > 1 else OneRank()

    def callbacks(self, rows_ES: np.ndarray | None, row_length: int) -> list[pl.Callback]:
        """The callbacks that come before every other. `rows_ES`: each step's rows, where shapes
        are planned."""
        return []

    def plugins(self) -> list[Precision | ClusterEnvironment]:
        """Lightning's plugins beside the one for checkpoints."""
        return [] if self.machines > 1 else [OneProcess()]  # several machines' strategy has its own

    def trainer_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `pytorch_lightning.Trainer`."""
        strategies = {"strategy": MachineStrategy(self.on_failure)} if self.machines > 1 else {}
        return {
            "accelerator": self.accelerator,
            "devices": 1,
            "precision": TRAINER_PRECISION[self.precision],
            **strategies,
        }

    def launch(
        self,
        train_rank: "TrainRank[PreparedT, RunT]",
        prepared: PreparedT,
        settings: Settings,
        run: RunT,
        log_folder: Path,
    ) -> "list[EpochRecord]":
        """Calls `train_rank` for each device; the first rank's history."""
        return train_rank(prepared, settings, self, run, log_folder)

    def smallest(self, number: int) -> int:
        """The smallest of the machines' numbers; every machine has to ask."""
        if self.machines == 1:
            return number
        self.wait_for_all()
        return -self.ranks().largest(-number)

    def describe(self) -> Iterator[str]:
        """Lines of the pre-flight check: the machine, and what of it is not as tested."""
        yield from ()

    def require_compiler(self) -> None:
        """Raises ArgumentError where torch.compile would fail for want of a compiler."""
        if not any(shutil.which(name) for name in self.compilers):
            raise ArgumentError(
                f"COMPILE=true needs a compiler ({' or '.join(self.compilers)}), and none is "
                "installed here; unset COMPILE, or add one to the image."
            )


def on_each(machines: int, name: str) -> str:
    """The name of what several machines have alike."""
    return f"{machines} machines, {name} each" if machines > 1 else name
