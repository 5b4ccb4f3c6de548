"""The cores of a TPU as the ranks of a run, over torch_xla's collectives."""

import torch


class CoreRanks:
    """The cores of a TPU, as `job.ranks.Ranks` for one of them."""

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
