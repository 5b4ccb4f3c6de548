"""Lightning and torch_xla on the cores of a TPU. No room but this and `job.tpu` imports torch_xla.

Every core is a rank of its own, with its own Trainer, in a thread of one of the processes that
`launch` starts: on v2 and v3 two threads in each of four processes, later one a process.
Reference: https://docs.pytorch.org/xla/release/r2.9/learn/xla-overview.html
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins import XLAPrecision
from pytorch_lightning.plugins.io import CheckpointIO
from pytorch_lightning.strategies import XLAStrategy
from pytorch_lightning.utilities.rank_zero import rank_zero_only

logger = logging.getLogger(__name__)

RUNTIME = "TPU"  # what PJRT_DEVICE has to be
HOST_KEYS = ("piece",)  # of a batch: read on the host only


def is_installed() -> bool:
    """Whether this environment has torch_xla; it is not imported."""
    return find_spec("torch_xla") is not None


def runtime_device() -> str | None:
    """PJRT_DEVICE as torch_xla read it; None where it is not set."""
    import torch_xla.runtime as xr

    return xr.device_type()


def count_cores() -> int:
    """The cores of this machine's TPU, 0 without one. Does not open the device."""
    from torch_xla._internal import tpu

    return tpu.num_available_devices() if tpu.num_available_chips() else 0


def launch(train_rank: Callable[..., None], arguments: tuple, cores: int) -> None:
    """Calls `train_rank(rank, *arguments)` on every core, in other processes; one core: in this."""
    import torch_xla.distributed.xla_multiprocessing as xmp

    xmp.spawn(train_rank, arguments, nprocs=1 if cores == 1 else None, start_method="spawn")


def keep_compiled(folder: Path) -> None:
    """Before the first graph: what is compiled in this process is kept, and found again, there."""
    import torch_xla.runtime as xr

    own = folder / str(xr.process_index())
    own.mkdir(parents=True, exist_ok=True)
    xr.initialize_cache(str(own))


class CoreRanks:
    """The cores of a TPU, as `job.ranks.OneDevice` for one of them."""

    def __init__(self) -> None:
        import torch_xla.runtime as xr

        self.rank, self.count = xr.global_ordinal(), xr.world_size()

    def largest(self, number: int) -> int:
        import torch_xla.core.xla_model as xm

        return int(self._reduced(xm.REDUCE_MAX, torch.tensor([number])).item())

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        import torch_xla.core.xla_model as xm

        return self._reduced(xm.REDUCE_SUM, tensor)

    def _reduced(self, how: str, tensor: torch.Tensor) -> torch.Tensor:
        """Alone in a graph of its own: what was computed before is synchronised first."""
        import torch_xla
        import torch_xla.core.xla_model as xm

        torch_xla.sync()
        reduced = xm.all_reduce(how, tensor.to(torch_xla.device()))
        torch_xla.sync()
        return reduced.cpu()

    def seed(self, number: int) -> None:
        import torch_xla

        torch_xla.manual_seed(number)


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

    @property
    def checkpoint_io(self) -> CheckpointIO:
        return self._checkpoint_io

    @checkpoint_io.setter
    def checkpoint_io(self, io: CheckpointIO | None) -> None:
        self._checkpoint_io = io

    def _configure_launcher(self) -> None:
        self._launcher = None

    def setup_distributed(self) -> None:
        rank_zero_only.rank = _RankOfThread()

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

    def _xla_wrap_closure(self, optimizer: torch.optim.Optimizer, closure: Callable) -> Any:
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


class Boundaries(pl.Callback):
    """One graph a batch: synchronises after each, and tells what was compiled.

    Must come before callbacks that read tensors: reading one of a pending graph computes its part
    of the graph alone, and later all of it again. `rows_ES` and `row_length` are the shapes that
    the ranks agreed on: with another one a rank would wait for the others for ever.
    """

    def __init__(self, rows_ES: np.ndarray, row_length: int) -> None:
        self.rows_ES, self.row_length = rows_ES, row_length
        self.compiled = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """AdamW's moments, made now: made by the first step they would be a graph of their own."""
        import torch_xla

        for optimizer in trainer.optimizers:
            for parameter in (p for group in optimizer.param_groups for p in group["params"]):
                optimizer.state[parameter] = {
                    "step": torch.tensor(0.0),
                    "exp_avg": torch.zeros_like(parameter),
                    "exp_avg_sq": torch.zeros_like(parameter),
                }
        torch_xla.sync()

    def on_train_batch_start(self, trainer, pl_module, batch: dict, batch_idx: int) -> None:
        shape = tuple(batch["input_ids"].shape)
        planned = (int(self.rows_ES[batch["epoch"], batch["step"]]), self.row_length)
        if shape != planned:
            raise RuntimeError(
                f"core {pl_module.ranks.rank}, epoch {batch['epoch'] + 1}, step "
                f"{batch['step'] + 1}: a batch of {shape} where the cores planned {planned}"
            )

    def on_train_batch_end(self, *_: object) -> None:
        import torch_xla

        torch_xla.sync()

    def on_validation_batch_end(self, *_: object) -> None:
        import torch_xla

        torch_xla.sync()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        compiled, seconds, large = compilations()
        if trainer.is_global_zero and compiled > self.compiled:
            logger.info(
                "XLA compiled %d graphs so far, in %.1f s, %d of them large (epoch %d).",
                *(compiled, seconds, large, trainer.current_epoch + 1),
            )
        self.compiled = compiled


def compilations() -> tuple[int, float, int]:
    """The graphs that this process has compiled, the seconds that it took, and the number of those
    that took a tenth of the longest or more."""
    import torch_xla.debug.metrics as met

    count, nanoseconds, samples = met.metric_data("CompileTime") or (0, 0.0, [])
    longest = max((took for _, took in samples), default=0)
    return count, nanoseconds / 1e9, sum(took >= longest / 10 for _, took in samples)
