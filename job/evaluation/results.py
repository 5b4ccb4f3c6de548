"""Measurements: on a split at the end of a run, and at the end of each epoch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from job.evaluation.scores import Scores
from job.sentence import Sentence, Span

# Metrics of a validation by their names in a record, where they differ.
RECORDED_AS = {"val_f1": "f1_characters", "val_f1_wordpiece": "f1_wordpieces"}
PREDICTIONS = "predictions.jsonl"  # in the report: what was tagged, a sentence a line


@dataclass(frozen=True)
class SplitResult:
    """The scores of a model on one split."""

    name: str
    sentences: Sequence[Sentence]  # with the gold entities of the untruncated text
    predicted: Sequence[tuple[Span, ...]]  # in characters, for each sentence
    characters: Scores
    wordpieces: Scores
    loss: float  # mean per real wordpiece
    lost: Mapping[str, int]  # entities that no tag per wordpiece can return exactly, by reason
    tags_alone: Scores | None = None  # as `characters`, entities ending with a wordpiece

    @property
    def tags_ceiling(self) -> float | None:
        """F1 on exact characters of right tags alone; None without gold.

        As many entities are predicted as gold has, of which those in `lost` have other characters.
        Entities behind a truncation are left out: they overlap with the other reasons.
        """
        gold = self.characters.micro.gold
        lost = sum(count for reason, count in self.lost.items() if reason != "truncated")
        return (gold - lost) / gold if gold else None


@dataclass(frozen=True)
class EpochRecord:
    """The measurements at the end of one epoch; a figure that is not known is nan."""

    epoch: int
    step: int
    train_loss: float
    val_loss: float
    f1_characters: float
    f1_wordpieces: float
    sentences_per_s: float
    seconds: float
    learning_rate: float
    val_accuracy: float = math.nan  # unknown of epochs that an earlier version trained

    def metric(self, name: str) -> float:
        """A metric of its validation, by the name that MONITOR gives it."""
        value: float = getattr(self, RECORDED_AS.get(name, name))
        return value


@dataclass(frozen=True)
class Exported:
    """The epoch that was exported, and why."""

    epoch: int
    reason: str
    reason_ko: str = ""  # the same in Korean; else the English is shown
