"""The learning rate over the steps of a run."""

import math
from collections.abc import Callable

EPOCH_DECAY = 0.9  # ExponentialLR's gamma in the tutorial


def make_schedule(
    name: str, *, steps_per_epoch: int, total_steps: int, warmup_ratio: float
) -> Callable[[int], float]:
    """The factor of the learning rate at each optimiser step: a function of the step alone."""
    warmup_steps = math.ceil(total_steps * warmup_ratio)

    def exponential(step: int) -> float:
        return EPOCH_DECAY ** (step // steps_per_epoch)

    def linear(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return max(0.0, (total_steps - step) / max(1, total_steps - warmup_steps))

    return {"exponential": exponential, "linear": linear, "constant": lambda step: 1.0}[name]
