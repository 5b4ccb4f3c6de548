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

from job.devices.data_parallel import RankStrategy
from job.devices.one_process import OneProcess
from job.devices.peers import ALONE, NoPeers
from job.devices.process_ranks import ProcessRanks
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


@dataclass(frozen=True)
class Hardware(ABC):
    """The devices of this run. `precision` is 32, bf16 or 16; `name` is for people. `devices` are
    those of one machine.

    `peers` are the other processes, each of which computes on one device; the cores of a TPU are
    ranks without them. `on_failure` is told of a rank's error before anybody waits for others.

    A new accelerator is a class that says what differs from a single device which Lightning knows
    by the same name, and a row of `table.ACCELERATORS`.
    """

    precision: str
    name: str
    devices: int = 1
    peers: NoPeers = ALONE
    on_failure: Callable[[BaseException], None] = _tell_nobody

    accelerator: ClassVar[str]  # as the argument ACCELERATOR has it
    # Where this process computes outside the Trainer.
    device: ClassVar[torch.device] = torch.device("cpu")
    # Of torch.distributed, between machines. What is agreed on lies on the host.
    backend: ClassVar[str] = "gloo"
    # Whether several of them average gradients of that precision in bf16: half the bytes.
    averages_in_bf16: ClassVar[bool] = False
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
    def choose(cls, precision: str, cores: int, peers: NoPeers) -> Self:
        """The device here that this process takes, or all cores of a TPU. `precision`: auto, 32,
        bf16 or 16; `cores`: 0 is all.

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
        return self.devices * self.peers.machines

    def ranks(self) -> Ranks:
        """The exchange between this rank and the others; to be asked on the rank."""
        return ProcessRanks() if self.peers.count > 1 else OneRank()

    def callbacks(self, rows_ES: np.ndarray | None, row_length: int) -> list[pl.Callback]:
        """The callbacks that come before every other. `rows_ES`: each step's rows, where shapes
        are planned."""
        return [StepNotes(self.peers)] if self.peers.count > 1 else []

    def plugins(self) -> list[Precision | ClusterEnvironment]:
        """Lightning's plugins beside the one for checkpoints."""
        return [] if self.peers.count > 1 else [OneProcess()]  # the strategy of several has its own

    def trainer_arguments(self) -> dict[str, Any]:
        """Keyword arguments of `pytorch_lightning.Trainer`."""
        in_bf16 = self.precision == "bf16" and self.averages_in_bf16
        several = {"strategy": RankStrategy(self.peers, in_bf16=in_bf16)}
        return {
            "accelerator": self.accelerator,
            "devices": self.trainer_devices(),
            "precision": TRAINER_PRECISION[self.precision],
            **(several if self.peers.count > 1 else {}),
        }

    def trainer_devices(self) -> int | list[int]:
        """Lightning's `devices`: those that this process computes on."""
        return 1

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
        """The smallest of the ranks' numbers; every one has to ask."""
        if self.peers.count == 1:
            return number
        self.peers.wait_for_all()
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


class StepNotes(pl.Callback):
    """Tells the peers how far this rank is, so that one which hangs is known."""

    def __init__(self, peers: NoPeers):
        self.peers = peers

    def on_train_start(self, *_: object) -> None:
        self.peers.begin_steps()

    def on_train_batch_start(self, *_: object) -> None:
        self.peers.note_step()

    def on_before_backward(self, *_: object) -> None:
        self.peers.note_step()  # from here on the ranks wait for each other

    def on_validation_batch_end(self, *_: object) -> None:
        self.peers.note_step()

    def on_train_end(self, *_: object) -> None:
        self.peers.end_steps()


def on_each(peers: NoPeers, one: str, several: str) -> str:
    """The name of the devices of all machines, which are alike."""
    here = one if peers.devices == 1 else f"{peers.devices} {several}"
    return f"{peers.machines} machines, {here} each" if peers.machines > 1 else here
