"""Lightning and torch's DistributedDataParallel on several machines: one rank, and device, on each.

DistributedDataParallel averages the gradients while they are computed, so the step of N machines
is that of one with N times the sentences: https://pytorch.org/docs/stable/notes/ddp.html
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy

from job.devices.one_process import OneProcess

TIMEOUT = timedelta(minutes=30)  # of what waits for a machine that lives and does not come


def connect(backend: str, store: dist.Store, rank: int, count: int) -> None:
    """Makes the process group of this run; every machine has to. `backend`: torch's name."""
    dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=TIMEOUT)


class MachineStrategy(DDPStrategy):
    """Lightning's DDP strategy on a process group that is there already, told of one machine.

    Told of several, Lightning broadcasts in each step whether a SIGTERM has come, and once more in
    its handler, where a machine that is alone with its signal waits for the others. Here the ranks
    agree on that, and on metrics, by themselves (`job.checkpoints.callback`,
    `job.model.classifier`); what is left for Lightning to agree on is alike on all of them.
    """

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        super().__init__(
            cluster_environment=OneProcess(),
            # Weights may be without a gradient. The buckets also stay as they are at the start, so
            # a sum over more than two machines has one order, before and after a resume.
            find_unused_parameters=True,
            forward_sync_buffers=False,  # nothing changes them
        )
        self._on_failure = on_failure

    def _configure_launcher(self) -> None:
        self._launcher = None  # each machine has started its own process

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """The ranks come through Lightning's loops alike."""

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        """Each rank's own: Lightning broadcasts the folder of its logs, which one rank has."""
        return obj

    def reduce(self, tensor: Any, group: Any = None, reduce_op: Any = "mean") -> Any:
        """Whether to stop early: decided by metrics that every rank has."""
        return tensor

    def on_exception(self, exception: BaseException) -> None:
        self._on_failure(exception)
