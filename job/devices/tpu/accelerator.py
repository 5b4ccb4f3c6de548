"""The cores of a Cloud TPU, one of them or all."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.plugins.environments import ClusterEnvironment
from pytorch_lightning.plugins.precision import Precision

from job.devices.hardware import Hardware, PreparedT, RunT, TrainRank
from job.devices.peers import NoPeers
from job.devices.tpu import runtime
from job.devices.tpu.graphs import GraphBoundaries
from job.devices.tpu.ranks import CoreRanks
from job.devices.tpu.strategy import CorePrecision, CoreStrategy
from job.errors import ArgumentError, UnavailableError
from job.settings import Settings

if TYPE_CHECKING:
    from job.evaluation import EpochRecord

CORE_BYTES = 16 << 30  # of a v3 or v5e; v4, v5p and v6e have more


class Tpu(Hardware):
    """A TPU, whose cores belong to the ranks alone: what is outside the Trainer is on the host."""

    accelerator = "tpu"
    has_static_shapes = True
    where_to_get_one = (
        "v3-8 TPUs are in us-central1 and europe-west4; `gcloud compute tpus accelerator-types "
        "list --zone=ZONE` lists a zone's. A new project has a quota of few or none: ask for "
        "'TPU v3 cores' (or 'preemptible TPU v3 cores' for --spot) of the zone on the console's "
        "page IAM & Admin > Quotas."
    )

    @classmethod
    def is_here(cls) -> bool:
        if not runtime.is_installed():
            return False
        runtime.require_loadable()
        return runtime.count_cores() > 0

    @classmethod
    def choose(cls, precision: str, cores: int, peers: NoPeers) -> "Tpu":
        if peers.machines > 1:
            raise UnavailableError(
                f"CLUSTER_SPEC names {peers.machines} machines, and a TPU takes one; start it "
                "with one worker pool of one replica, or set ACCELERATOR=gpu."
            )
        present = _cores_present()
        if cores not in (0, 1, present):
            raise ArgumentError(
                f"TPU_CORES={cores}: this machine's TPU has {present} cores, of which one or all "
                f"can train; set it to 1 or {present}, or leave it out."
            )
        if precision == "16":
            raise ArgumentError("PRECISION=16 (or FP16) needs a GPU; use PRECISION=bf16 on a TPU.")
        devices = cores or present
        name = f"{devices} TPU core{'s' if devices > 1 else ''}"
        return cls("bf16" if precision == "auto" else precision, name, devices)

    def free_bytes(self) -> int:
        return CORE_BYTES

    @property
    def fused_optimizer(self) -> bool:
        return False

    def ranks(self) -> CoreRanks:
        return CoreRanks()

    def callbacks(self, rows_ES: np.ndarray | None, row_length: int) -> list[pl.Callback]:
        assert rows_ES is not None, "shapes are planned where they are static"
        return [GraphBoundaries(rows_ES, row_length)]

    def plugins(self) -> list[Precision | ClusterEnvironment]:
        return [CorePrecision(self.precision)]

    def trainer_arguments(self) -> dict[str, Any]:
        strategy = CoreStrategy(self.on_failure)
        return {"accelerator": "tpu", "devices": self.devices, "strategy": strategy}

    def launch(
        self,
        train_rank: TrainRank[PreparedT, RunT],
        prepared: PreparedT,
        settings: Settings,
        run: RunT,
        log_folder: Path,
    ) -> "list[EpochRecord]":
        from job.devices.tpu import spawn  # with all that a training needs; others do not train

        launch = spawn.on_one_core if self.devices == 1 else spawn.on_every_core
        return launch(train_rank, prepared, settings, self, run, log_folder)

    def describe(self) -> Iterator[str]:
        from job.devices.tpu.describe import describe

        return describe()

    def require_compiler(self) -> None:
        raise ArgumentError("COMPILE is for GPUs, and a TPU always compiles; leave it out.")


def _cores_present() -> int:
    """The cores of this machine's TPU. Raises UnavailableError where they cannot be used."""
    if not runtime.is_installed():
        raise UnavailableError(
            "ACCELERATOR=tpu: no TPU runtime is installed in this environment; use the image built "
            "with EXTRA=tpu (docker/tpu.txt), or ACCELERATOR=auto, cpu or gpu."
        )
    runtime.require_loadable()
    if (device := runtime.runtime_device()) != runtime.RUNTIME:
        raise UnavailableError(
            f"PJRT_DEVICE={device or ''}: torch_xla would not compute on the TPU; "
            f"set PJRT_DEVICE={runtime.RUNTIME}, or use ACCELERATOR=cpu."
        )
    cores = runtime.count_cores()
    if not cores:
        raise UnavailableError(
            "ACCELERATOR=tpu: this machine has no TPU that this process may see; start the "
            "container on a TPU VM with --privileged, or use ACCELERATOR=cpu."
        )
    return cores
