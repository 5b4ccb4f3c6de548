"""The best checkpoint of a run: found, loaded, and why it is the best in a sentence."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel

from job.checkpoints import Checkpoint, CheckpointStore, Position, Start, load_state, position_of
from job.errors import IncompatibleError
from job.evaluation import EpochRecord, Exported
from job.figures import counted, rounded

TITLES = {
    "val_loss": "val loss",
    "val_f1": "val F1 on exact characters",
    "val_f1_wordpiece": "val F1 on wordpieces",
    "val_accuracy": "val accuracy of wordpieces",
}


@dataclass(frozen=True)
class Best:
    """A checkpoint whose weights were loaded, and how far its run had come."""

    checkpoint: Checkpoint
    position: Position

    @property
    def epoch(self) -> int:
        """The epoch that it ends, or in which it was saved, from 1."""
        return self.position.epoch + (self.position.step > 0)


def load_best(
    network: PreTrainedModel, store: CheckpointStore, start: Start, started: Path, scratch: Path
) -> Best:
    """Puts the weights of the best checkpoint that verifies into the network.

    The one that the run started from takes part, wherever it lies: `started` has its files. Where
    none has the metric, because EPOCHS was set lower than the run had come, it is the newest.
    """
    store.damaged.clear()  # another process may have saved that step anew; each is verified here
    committed = store.committed()
    if (first := start.checkpoint) and not any(first.is_same(own) for own in committed):
        committed = sorted([first, *committed], key=lambda each: each.step)
    candidates = store.best(committed) or committed[::-1]
    for checkpoint in candidates:
        is_here = checkpoint is first
        if is_here or store.fetch(checkpoint, scratch):
            state = load_state(started if is_here else scratch)
            network.load_state_dict(state["network"])
            return Best(checkpoint, position_of(state))
    raise IncompatibleError(
        f"{store.url}: none of {counted(len(candidates), 'checkpoint')} verifies; train again."
    )


def exported_of(
    best: Best,
    start: Start,
    history: Sequence[EpochRecord],
    epochs: int,
    monitored: tuple[str, str],
) -> Exported:
    """The epoch of the best checkpoint, by ("min" or "max", metric), of a run of so many `epochs`;
    `history` is that of its end."""
    parts = [_of_all(best, history, monitored)]
    if start.is_named and start.checkpoint and best.checkpoint.is_same(start.checkpoint):
        is_all = len(history) <= len(start.position.history)
        better = "" if is_all else ", and no epoch since was better"
        parts.append(f"it is the checkpoint that this run started from{better}")
    if len(history) < epochs:
        parts.append(f"training stopped early, after epoch {len(history)} of {epochs}")
    return Exported(best.epoch, "; ".join(parts))


def _of_all(best: Best, history: Sequence[EpochRecord], monitored: tuple[str, str]) -> str:
    mode, metric = monitored
    title, value = TITLES[metric], best.checkpoint.metrics.get(metric, math.nan)
    if not math.isfinite(value):
        return f"the newest checkpoint, because none has a {title}"
    sign = 1 if mode == "max" else -1
    better = [each for each in history if sign * each.metric(metric) > sign * value]
    what = f"the {'highest' if mode == 'max' else 'lowest'} {title}, {rounded(value)},"
    if better:
        first = max(better, key=lambda each: sign * each.metric(metric))
        return (
            f"{what} of the checkpoints that are left; epoch {first.epoch} had "
            f"{rounded(first.metric(metric))}, and its checkpoint is gone"
        )
    if best.checkpoint.step not in {each.step for each in history}:
        return f"{what} of all checkpoints in the output"
    if len(history) == 1:
        return f"the only epoch, with a {title} of {rounded(value)}"
    return f"{what} of {len(history)} epochs"
