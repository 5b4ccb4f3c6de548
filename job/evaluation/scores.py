"""Spans in, counts out: strict entity F1, and where the wrong ones went. Pure, without torch.

A predicted entity is right when start, end and type all equal a gold one. Whether the two offsets
count characters or wordpieces is the caller's choice; nothing here can tell them apart. Everything
is a count, so that the results of several ranks add up to the result of all sentences.

On wordpiece spans (B- opens, I- of the same type continues, anything else closes) the counts are
those of seqeval in mode="strict", scheme=IOB2: https://github.com/chakki-works/seqeval
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from job.figures import figure
from job.sentence import Span

SpanLists = Sequence[Sequence[Span]]  # the entities of each sentence


@dataclass(frozen=True)
class Counts:
    """Entities that are right, that were predicted, and that are in gold. A ratio over 0 is 0.0."""

    true_positive: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.true_positive + other.true_positive,
            self.predicted + other.predicted,
            self.gold + other.gold,
        )

    @property
    def precision(self) -> float:
        return self.true_positive / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        return self.true_positive / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        both = self.predicted + self.gold
        return 2 * self.true_positive / both if both else 0.0


class Metric(NamedTuple):
    """A figure made of counts: what people see it called, and the function that gives it."""

    title: str
    of: Callable[[Counts], float]

    def text(self, counts: Counts) -> str:
        """The figure as every table shows it: a dash where nothing was there and nothing found."""
        return figure(self.of(counts) if counts.gold or counts.predicted else None)


# By their names in metrics.json. Runs are judged by the first, which is shown of wordpieces, too.
METRICS: dict[str, Metric] = {
    "f1": Metric("F1", attrgetter("f1")),
    "precision": Metric("precision", attrgetter("precision")),
    "recall": Metric("recall", attrgetter("recall")),
}


@dataclass(frozen=True)
class Scores:
    """Counts by entity type."""

    per_type: dict[str, Counts]

    @property
    def micro(self) -> Counts:
        """All entities alike, whatever their type."""
        return sum(self.per_type.values(), Counts())

    @property
    def macro_f1(self) -> float:
        """The plain mean of F1 over the types that occur in gold; 0.0 where none does.

        seqeval also averages the 0.0 of types that were predicted but never occur, so that one
        stray prediction changes the denominator: macro_f1 × types in gold = seqeval's macro F1 ×
        types in gold or predicted.
        """
        in_gold = [counts.f1 for counts in self.per_type.values() if counts.gold]
        return sum(in_gold) / len(in_gold) if in_gold else 0.0


def score_spans(gold: SpanLists, predicted: SpanLists, types: Sequence[str]) -> Scores:
    """Counts the entities whose start, end and type are equal.

    `types` gives the order of the result; a type that it lacks is counted too, after the others.
    """
    gold_count = Counter(span.type for spans in gold for span in set(spans))
    predicted_count = Counter(span.type for spans in predicted for span in set(spans))
    right = Counter(
        span.type
        for gold_spans, predicted_spans in zip(gold, predicted, strict=True)
        for span in set(gold_spans).intersection(predicted_spans)
    )
    return Scores(
        {
            type_: Counts(right[type_], predicted_count[type_], gold_count[type_])
            for type_ in with_unlisted(types, (gold_count, predicted_count))
        }
    )


def with_unlisted(types: Sequence[str], found: Iterable[Iterable[str]]) -> tuple[str, ...]:
    unlisted = {type_ for some in found for type_ in some}.difference(types)
    return (*types, *sorted(unlisted))
