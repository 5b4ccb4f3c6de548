"""Lightning and torch's DistributedDataParallel on several ranks, a process on one device each.

DistributedDataParallel averages the gradients while they are computed, so the step of N ranks is
that of one with N times the sentences: https://pytorch.org/docs/stable/notes/ddp.html
"""

from typing import Any

import torch
import torch.distributed as dist
from pytorch_lightning.strategies import DDPStrategy
from torch.nn.parallel import DistributedDataParallel

from job.devices.one_process import OneProcess
from job.devices.peers import NoPeers

# Of gradients, averaged together. Google recommends it for Vertex AI, and it was no slower than
# torch's 25 over gloo (BENCHMARKS.md).
BUCKET_MB = 64


class RankStrategy(DDPStrategy):
    """Lightning's DDP strategy on a process group that is there already, told of one process.

    Told of several, Lightning broadcasts in each step whether a SIGTERM has come, and once more in
    its handler, where a rank that is alone with its signal waits for the others. Here the ranks
    agree on that, and on metrics, by themselves (`job.checkpoints.callback`,
    `job.model.classifier`); what is left for Lightning to agree on is alike on all of them.
    """

    def __init__(self, peers: NoPeers, *, in_bf16: bool) -> None:
        super().__init__(
            cluster_environment=OneProcess(),
            # Weights may be without a gradient. The buckets also stay as they are at the start, so
            # a sum over more than two ranks has one order, before and after a resume.
            find_unused_parameters=True,
            forward_sync_buffers=False,  # nothing changes them
            bucket_cap_mb=BUCKET_MB,
        )
        self._peers, self._in_bf16 = peers, in_bf16

    def _setup_model(self, model: torch.nn.Module) -> DistributedDataParallel:
        parallel = super()._setup_model(model)
        if self._in_bf16:
            parallel.register_comm_hook(None, mean_in_bf16)
        return parallel

    def _configure_launcher(self) -> None:
        self._launcher = None  # the agent has started every process

    def barrier(self, *args: Any, **kwargs: Any) -> None:
        """The ranks come through Lightning's loops alike."""

    def broadcast(self, obj: Any, src: int = 0) -> Any:
        """Each rank's own: Lightning broadcasts the folder of its logs, which one rank has."""
        return obj

    def reduce(self, tensor: Any, group: Any = None, reduce_op: Any = "mean") -> Any:
        """Whether to stop early: decided by metrics that every rank has."""
        return tensor

    def on_exception(self, exception: BaseException) -> None:
        self._peers.note_failure(exception)


def mean_in_bf16(_: object, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
    """The mean of the ranks' gradients, half as many bytes on the way as in 32 bits.

    Torch's own `bf16_compress_hook` does the same with NCCL only.
    """
    gradients = bucket.buffer()
    sent = (gradients / dist.get_world_size()).to(torch.bfloat16)
    work = dist.all_reduce(sent, async_op=True)
    assert work is not None

    def put_back(done: "torch.futures.Future[list[torch.Tensor]]") -> torch.Tensor:
        return gradients.copy_(done.value()[0])

    return work.get_future().then(put_back)
