"""What the devices of a run have to tell each other, and how one device says it: not at all.

A rank is one device's part of the run. `job.devices` has the same for cores and for machines.
"""

import torch


class OneDevice:
    """The only rank there is."""

    rank, count = 0, 1

    def largest(self, number: int) -> int:
        """The largest of the ranks' numbers, which fit into 32 bits; every rank has to ask."""
        return number

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum of the ranks' tensors, which have one shape; every rank has to ask."""
        return tensor

    def seed(self, number: int) -> None:
        """Sets what this rank's random numbers of the next step follow from."""
        torch.manual_seed(number)
