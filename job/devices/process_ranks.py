"""The ranks of a run over torch's process group."""

import torch
import torch.distributed as dist


class ProcessRanks:
    """The processes of a run, as `job.ranks.Ranks` for one of them."""

    def __init__(self) -> None:
        self.rank, self.count = dist.get_rank(), dist.get_world_size()

    def largest(self, number: int) -> int:
        numbers = torch.tensor([number])
        dist.all_reduce(numbers, dist.ReduceOp.MAX)
        return int(numbers.item())

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        summed = tensor.detach().to("cpu", copy=True)
        if summed.is_floating_point():
            summed = summed.double()  # see job.model.loss_meter
        dist.all_reduce(summed)
        return summed

    def seed(self, number: int) -> None:
        torch.manual_seed(number)
