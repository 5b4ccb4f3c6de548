"""Lightning on one core of a TPU: its XLA strategy and precision, put right for this job."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from lightning_fabric.utilities.types import Optimizable
from pytorch_lightning.plugins import XLAPrecision
from pytorch_lightning.plugins.io import CheckpointIO
from pytorch_lightning.strategies import XLAStrategy
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from job.devices.tpu.ranks import CoreRanks

HOST_KEYS = ("piece",)  # of a batch: read on the host only


class _RankOfThread(int):
    """Lightning keeps one rank a process, and two cores share a process: asks the thread."""

    def __eq__(self, other: object) -> bool:
        import torch_xla.runtime as xr

        return xr.global_ordinal() == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __bool__(self) -> bool:
        return self != 0

    __hash__ = int.__hash__


class CoreStrategy(XLAStrategy):
    """Lightning's XLA strategy for a Trainer that was made on its core, not before the launch.

    Takes any CheckpointIO; reduces by one collective where Lightning's pickles; and tells of a
    failure before Lightning's teardown, which would wait for the other cores.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        super().__init__(sync_module_states=False)  # every core read the same weights
        self._launched = True
        self._on_failure = on_failure
        self._ranks = CoreRanks()

    @property  # type: ignore[override]  # Lightning's takes nothing but its own XLACheckpointIO
    def checkpoint_io(self) -> CheckpointIO:
        assert self._checkpoint_io is not None, "the Trainer is given one"
        return self._checkpoint_io

    @checkpoint_io.setter
    def checkpoint_io(self, io: CheckpointIO | None) -> None:
        self._checkpoint_io = io

    def _configure_launcher(self) -> None:
        self._launcher = None

    def setup_distributed(self) -> None:
        rank_zero_only.rank = _RankOfThread()  # type: ignore[attr-defined]  # Lightning's own place

    def process_dataloader(self, dataloader: object) -> object:
        """As it is: torch_xla's loader thread would turn an error into an epoch's early end."""
        return dataloader

    def batch_to_device(
        self, batch: Any, device: torch.device | None = None, dataloader_idx: int = 0
    ) -> Any:
        kept = {name: batch[name] for name in HOST_KEYS if name in batch}
        moved = {name: value for name, value in batch.items() if name not in kept}
        return super().batch_to_device(moved, device, dataloader_idx) | kept

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        """Each rank's own: Lightning broadcasts the folder of its logs, which one rank has."""
        return obj

    def reduce(self, output: Any, group: Any = None, reduce_op: Any = "mean") -> torch.Tensor:
        total = self._ranks.total(torch.as_tensor(output))
        return total / self.world_size if str(reduce_op).lower() in ("mean", "avg") else total

    def barrier(self, name: str | None = None, *args: Any, **kwargs: Any) -> None:
        self._ranks.largest(0)

    def on_exception(self, exception: BaseException) -> None:
        self._on_failure(exception)

    def teardown(self) -> None:
        super().teardown()
        self._launched = True


class CorePrecision(XLAPrecision):
    """32 bits, or bf16 by autocast over 32-bit weights and moments: `bf16-true` rounds those."""

    def __init__(self, precision: str) -> None:
        super().__init__("32-true")
        self.autocasts = precision == "bf16"

    def forward_context(self) -> AbstractContextManager:
        return torch.autocast("xla", dtype=torch.bfloat16, enabled=self.autocasts)

    def _xla_wrap_closure(self, optimizer: Optimizable, closure: Callable[[], Any]) -> Any:
        """Averages the gradients over the cores. As copies: what reads an accumulated gradient
        after torch_xla has reduced it in place, as clipping does, finds the one before."""
        import torch_xla.core.xla_model as xm

        result = closure()
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    parameter.grad = parameter.grad.clone()
        xm.reduce_gradients(optimizer)
        return result
