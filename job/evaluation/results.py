"""Measurements: on a split at the end of a run, and at the end of each epoch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from job.evaluation.scores import Scores
from job.sentence import Sentence, Span

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
    tags_alone: Scores | None = None  # on characters, without the ends; None without ends


@dataclass(frozen=True)
class Exported:
    """The epoch whose weights the model has."""

    epoch: int
    reason: str  # "the highest val F1 on exact characters (0.950) of 3 epochs"
    reason_ko: str = ""  # "3개 에폭 가운데 val의 글자 기준 F1이 가장 높음, 0.950"; else the English


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
