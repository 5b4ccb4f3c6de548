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
from job.training.output import reasons


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
        parts.append(reasons.STARTED_FROM if is_all else reasons.NONE_BETTER)
    if len(history) < epochs:
        parts.append(reasons.STOPPED_EARLY.say(count=len(history), epochs=epochs))
    english, korean = ("; ".join(each) for each in zip(*parts, strict=True))
    return Exported(best.epoch, english, korean)


def _of_all(
    best: Best, history: Sequence[EpochRecord], monitored: tuple[str, str]
) -> reasons.Reason:
    mode, metric = monitored
    title, value = reasons.TITLES[metric], best.checkpoint.metrics.get(metric, math.nan)
    if not math.isfinite(value):
        return reasons.NONE_HAS_IT.say(title=title)
    sign = 1 if mode == "max" else -1
    better = [each for each in history if sign * each.metric(metric) > sign * value]
    said = {"extreme": reasons.EXTREME[mode], "title": title, "value": rounded(value)}
    if better:
        first = max(better, key=lambda each: sign * each.metric(metric))
        return reasons.OF_LEFT.say(**said, epoch=first.epoch, best=rounded(first.metric(metric)))
    if best.checkpoint.step not in {each.step for each in history}:
        return reasons.OF_OUTPUT.say(**said)
    if len(history) == 1:
        return reasons.ONLY.say(**said)
    return reasons.OF_EPOCHS.say(**said, count=len(history))
