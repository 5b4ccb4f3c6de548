"""Lightning and torch_xla on the cores of a TPU. torch_xla is imported here, in
`job.devices.tpu.graphs` and in `job.devices.tpu.describe` alone, and only where it is used.

Every core is a rank of its own, with its own Trainer, in a thread of one of the processes that
`launch` starts: on v2 and v3 two threads in each of four processes, later one a process.
Reference: https://docs.pytorch.org/xla/release/r2.9/learn/xla-overview.html
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any

import torch
from pytorch_lightning.plugins import XLAPrecision
from pytorch_lightning.plugins.io import CheckpointIO
from pytorch_lightning.strategies import XLAStrategy
from pytorch_lightning.utilities.rank_zero import rank_zero_only

from job.errors import UnavailableError

RUNTIME = "TPU"  # what PJRT_DEVICE has to be
HOST_KEYS = ("piece",)  # of a batch: read on the host only


def is_installed() -> bool:
    """Whether this environment has torch_xla; it is not imported."""
    return find_spec("torch_xla") is not None


def require_loadable() -> None:
    """Raises UnavailableError where torch_xla is installed and cannot be loaded."""
    try:
        import torch_xla  # noqa: F401
    except (ImportError, OSError) as error:
        raise UnavailableError(
            f"torch_xla cannot be loaded ({error}); where Python's shared library is missing, "
            "install it (Debian's and Ubuntu's package libpython3.11), or use ACCELERATOR=cpu."
        ) from error


def runtime_device() -> str | None:
    """PJRT_DEVICE as torch_xla read it; None where it is not set."""
    import torch_xla.runtime as xr

    return xr.device_type()


def count_cores() -> int:
    """The cores of this machine's TPU, 0 without one. Does not open the device."""
    from torch_xla._internal import tpu

    try:
        return tpu.num_available_devices() if tpu.num_available_chips() else 0
    except (OSError, LookupError, TypeError, ValueError) as error:
        raise UnavailableError(
            f"The metadata server does not tell what TPU this machine has ({error}); start a "
            "container there with --net=host, or use ACCELERATOR=cpu."
        ) from error


def launch(train_rank: Callable[..., None], arguments: tuple, cores: int) -> None:
    """Calls `train_rank(rank, *arguments)` on every core, in other processes; one core: in this."""
    import torch_xla.distributed.xla_multiprocessing as xmp

    xmp.spawn(train_rank, arguments, nprocs=1 if cores == 1 else None, start_method="spawn")


class CoreRanks:
    """The cores of a TPU, as `job.ranks.OneDevice` for one of them."""

    def __init__(self) -> None:
        import torch_xla.runtime as xr

        self.rank, self.count = xr.global_ordinal(), xr.world_size()

    def largest(self, number: int) -> int:
        import torch_xla.core.xla_model as xm

        # 32 bits: a TPU's compiler has refused to reduce 64 (github.com/pytorch/xla/issues/1952).
        return int(self._reduced(xm.REDUCE_MAX, torch.tensor([number], dtype=torch.int32)).item())

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
