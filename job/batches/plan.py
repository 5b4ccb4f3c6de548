"""The plan of an epoch.

A step takes BATCH_SIZE sentences in shuffled order, whatever their layout in memory. Which ones is
a function of (seed, epoch, step, rank), so resuming needs a number and not a state.
"""

from dataclasses import dataclass

import numpy as np

from job.seed import order_of_epoch


@dataclass(frozen=True)
class EpochPlan:
    """The sentences that each step takes: a function of (seed, epoch, step, rank) and nothing else.

    Every epoch takes every sentence once; the last step may be smaller. On several devices a step
    takes `batch_size` sentences for each.
    """

    sentence_count: int
    batch_size: int
    seed: int
    world_size: int = 1

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return -(-self.sentence_count // (self.batch_size * self.world_size))

    def sentences(self, epoch: int, step: int, rank: int = 0) -> np.ndarray:
        """Indices of the sentences of one step on one device; epoch and step count from 0."""
        order = order_of_epoch(self.sentence_count, self.seed, epoch)
        per_step = self.batch_size * self.world_size
        return order[step * per_step : (step + 1) * per_step][rank :: self.world_size]
