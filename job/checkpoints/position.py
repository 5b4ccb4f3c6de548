"""The position of a run, as a checkpoint's state and its manifest record it."""

from dataclasses import asdict, dataclass

from job.checkpoints.state import State
from job.evaluation import EpochRecord


@dataclass(frozen=True)
class Position:
    """The position of a run: the next step is `step` of `epoch`, both from 0.

    `global_step` counts optimiser steps; `history` has a record of each epoch that has ended.
    """

    epoch: int = 0
    step: int = 0
    global_step: int = 0
    stopped_early: bool = False
    history: tuple[EpochRecord, ...] = ()

    def is_end(self, epochs: int) -> bool:
        """Whether nothing is left to train, if so many epochs are all."""
        return self.stopped_early or self.epoch >= epochs

    @property
    def seconds(self) -> float:
        """The time that the epochs have taken."""
        return sum(record.seconds for record in self.history)

    def counters(self) -> dict[str, int]:
        """All but the history: what a manifest says."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "global_step": self.global_step,
            "stopped_early": self.stopped_early,
        }

    def to_state(self) -> dict[str, object]:
        """The part of a checkpoint's state from which `position_of` reads it."""
        return {
            "position": self.counters(),
            "history": [asdict(record) for record in self.history],
        }


def position_of(state: State) -> Position:
    """The position that a state carries."""
    history = tuple(EpochRecord(**record) for record in state["history"])
    return Position(**state["position"], history=history)
