"""The training loss: summed where it is computed, read when somebody asks.

Reading waits for the device, so that no step reads. Losses in 32 bits are summed in 64, where that
is exact: the order of steps and ranks, which differs after a resume, does not show in the mean.
"""

import torch

from job.errors import DataError
from job.ranks import Ranks

EPOCH_STRIDE = 10**9  # more than an epoch has steps


class LossMeter:
    """The loss of this rank in one epoch, and the first step whose loss was no number.

    Sums are tensors of two: the loss in nats, and the wordpieces that it was summed over.
    """

    def __init__(self, ranks: Ranks, learning_rate: float):
        self.ranks, self.learning_rate = ranks, learning_rate
        self.epoch = torch.zeros(2)
        self.carried = torch.zeros(2)  # of the same epoch, before a resume
        self.shown = (0.0, 0.0)  # what the progress line has read
        self.first_bad_step = torch.tensor([-1])

    def start_epoch(self) -> None:
        """Begins with what was carried over from before a resume, or with nothing."""
        self.epoch, self.carried = self.carried, torch.zeros(2)
        self.shown = self._sums()

    def add(self, summed: torch.Tensor, count: torch.Tensor, epoch: int, step: int) -> None:
        """Counts a step's summed loss over `count` wordpieces, without a wait for the device."""
        wide = torch.float32 if summed.device.type == "xla" else torch.float64
        self.epoch = self.epoch.to(summed.device, wide) + torch.stack([summed, count])
        bad = self.first_bad_step.to(summed.device)
        is_first = (bad < 0) & ~torch.isfinite(summed)
        # To XLA the numbers 0 and 1 are part of the graph; a tensor with a dimension never is.
        number = torch.tensor([epoch * EPOCH_STRIDE + step]).to(summed.device)
        self.first_bad_step = torch.where(is_first, number, bad)

    def recent(self) -> float:
        """Mean loss per wordpiece since the last call, of this rank alone."""
        (summed, count), (summed_before, count_before) = self._sums(), self.shown
        self.shown = (summed, count)
        return (summed - summed_before) / max(count - count_before, 1.0)

    def mean(self) -> float:
        """Mean loss per wordpiece of the epoch on all ranks, each of which has to ask."""
        summed, count = self.ranks.total(self.epoch).tolist()
        return summed / max(count, 1.0)

    def refuse_bad(self) -> None:
        """Raises DataError, naming the step, when a loss of any rank was NaN or infinite.

        Every rank has to ask.
        """
        bad, never = int(self.first_bad_step), 2**31 - 1
        mine = divmod(bad, EPOCH_STRIDE) if bad >= 0 else (never, never)
        epoch = never - self.ranks.largest(never - mine[0])
        if epoch < never:
            is_first = mine[0] == epoch
            step = never - self.ranks.largest(never - mine[1] if is_first else 0)
            raise DataError(
                f"The loss is not a number at epoch {epoch + 1}, step {step + 1}, and nothing was "
                f"saved after it; lower LEARNING_RATE={self.learning_rate:g} or set PRECISION=32."
            )

    def _sums(self) -> tuple[float, float]:
        summed, count = self.epoch.tolist()
        return summed, count
