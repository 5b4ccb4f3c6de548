"""The ranks of a run, and the single rank of a run on one device.

A rank is one device's part of the run. `job.devices` has the cores of a TPU and several machines.
"""

from typing import Protocol

import torch


class Ranks(Protocol):
    """All ranks of a run, as one of them sees them. Every rank has to ask what concerns all."""

    @property
    def rank(self) -> int:
        """This one's number, from 0."""

    @property
    def count(self) -> int: ...

    def largest(self, number: int) -> int:
        """The largest of the ranks' numbers, which fit into 32 bits."""

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum of the ranks' tensors, which have one shape."""

    def seed(self, number: int) -> None:
        """Sets what this rank's random numbers of the next step follow from."""


class OneRank:
    """The only rank there is."""

    rank, count = 0, 1

    def largest(self, number: int) -> int:
        return number

    def total(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor

    def seed(self, number: int) -> None:
        torch.manual_seed(number)
