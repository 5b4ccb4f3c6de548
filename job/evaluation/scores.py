"""Spans in, counts out: strict entity F1, and where the wrong ones went. Pure, without torch.

A predicted entity is right when start, end and type all equal a gold one. Whether the two offsets
count characters or wordpieces is the caller's choice; nothing here can tell them apart. Everything
is a count, so that the results of several ranks add up to the result of all sentences.

On wordpiece spans (B- opens, I- of the same type continues, anything else closes) the counts are
those of seqeval in mode="strict", scheme=IOB2: https://github.com/chakki-works/seqeval
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from job.sentence import Sentence, Span

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


@dataclass(frozen=True)
class Scores:
    """Counts by entity type. Adding the scores of two sets of sentences gives those of both."""

    per_type: dict[str, Counts]

    def __add__(self, other: "Scores") -> "Scores":
        both = dict.fromkeys([*self.per_type, *other.per_type])
        nothing = Counts()
        return Scores(
            {t: self.per_type.get(t, nothing) + other.per_type.get(t, nothing) for t in both}
        )

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
            for type_ in _with_unlisted(types, (gold_count, predicted_count))
        }
    )


def _with_unlisted(types: Sequence[str], found: Iterable[Iterable[str]]) -> tuple[str, ...]:
    unlisted = {type_ for some in found for type_ in some}.difference(types)
    return (*types, *sorted(unlisted))


class Match(NamedTuple):
    """A gold and a predicted entity that stand for each other; None where one has no partner."""

    gold: Span | None
    predicted: Span | None

    @property
    def kind(self) -> str:
        """correct; type (same bounds); boundary (same type, overlapping); missed; spurious."""
        if self.predicted is None:
            return "missed"
        if self.gold is None:
            return "spurious"
        if self.gold == self.predicted:
            return "correct"
        return "boundary" if self.gold.type == self.predicted.type else "type"


def match_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> list[Match]:
    """Pairs the entities of one sentence; each entity is in exactly one match.

    First those with equal bounds, whatever their types; of the rest, overlapping ones of one type,
    from left to right. A gold entity that was cut in two is one boundary error and one spurious.
    """
    gold_by_bounds = {span[:2]: span for span in gold}
    predicted_by_bounds = {span[:2]: span for span in predicted}
    shared = gold_by_bounds.keys() & predicted_by_bounds.keys()
    matches = [Match(gold_by_bounds[b], predicted_by_bounds[b]) for b in shared]
    gold_rest = [span for bounds, span in gold_by_bounds.items() if bounds not in shared]
    predicted_rest = [span for bounds, span in predicted_by_bounds.items() if bounds not in shared]
    for type_ in {span.type for span in (*gold_rest, *predicted_rest)}:
        matches += _pair_overlapping(
            sorted(span for span in gold_rest if span.type == type_),
            sorted(span for span in predicted_rest if span.type == type_),
        )
    return sorted(matches, key=lambda match: match.gold or match.predicted)


def _pair_overlapping(gold: list[Span], predicted: list[Span]) -> list[Match]:
    matches, g, p = [], 0, 0
    while g < len(gold) and p < len(predicted):
        if gold[g].end <= predicted[p].start:
            matches.append(Match(gold[g], None))
            g += 1
        elif predicted[p].end <= gold[g].start:
            matches.append(Match(None, predicted[p]))
            p += 1
        else:
            matches.append(Match(gold[g], predicted[p]))
            g, p = g + 1, p + 1
    matches += [Match(span, None) for span in gold[g:]]
    return matches + [Match(None, span) for span in predicted[p:]]


@dataclass(frozen=True)
class Confusion:
    """Where every gold and every predicted entity went, each counted once.

    Of a gold type: its row of `same_bounds`, `boundary` and `missed` add up to its gold count. Of
    a predicted type: its column, `boundary` and `spurious` add up to its predicted count.
    """

    types: tuple[str, ...]
    same_bounds: Counter[tuple[str, str]]  # (gold type, predicted type); the diagonal is right
    boundary: Counter[str]  # overlapping entities of this type, pair by pair
    missed: Counter[str]
    spurious: Counter[str]

    def __add__(self, other: "Confusion") -> "Confusion":
        return Confusion(
            tuple(dict.fromkeys([*self.types, *other.types])),
            self.same_bounds + other.same_bounds,
            self.boundary + other.boundary,
            self.missed + other.missed,
            self.spurious + other.spurious,
        )


def confusion(gold: SpanLists, predicted: SpanLists, types: Sequence[str]) -> Confusion:
    """Counts the matches of all sentences by kind and type."""
    same_bounds: Counter[tuple[str, str]] = Counter()
    alone = {"boundary": Counter(), "missed": Counter(), "spurious": Counter()}
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        for match in match_spans(gold_spans, predicted_spans):
            if match.kind in alone:
                alone[match.kind][(match.gold or match.predicted).type] += 1
            else:
                same_bounds[match.gold.type, match.predicted.type] += 1
    return Confusion(_with_unlisted(types, (*alone.values(), *same_bounds)), same_bounds, **alone)


@dataclass(frozen=True)
class SplitResult:
    """How a model did on one split."""

    name: str
    sentences: Sequence[Sentence]  # with the gold entities of the untruncated text
    predicted: Sequence[tuple[Span, ...]]  # in characters, for each sentence
    characters: Scores
    wordpieces: Scores
    loss: float  # mean per real wordpiece
    lost: Mapping[str, int]  # entities that no tag per wordpiece can return exactly, by reason


@dataclass(frozen=True)
class EpochRecord:
    """What was measured at the end of one epoch; a figure that is not known is nan."""

    epoch: int
    step: int
    train_loss: float
    val_loss: float
    f1_characters: float
    f1_wordpieces: float
    sentences_per_s: float
    seconds: float
    learning_rate: float
