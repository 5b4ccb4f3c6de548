"""The confusion of entity types: gold and predicted entities in pairs, counted by kind and type."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from job.evaluation.scores import SpanLists, with_unlisted
from job.sentence import Span

COUNTED_BY_TYPE = ("boundary", "missed", "spurious")  # kinds that one type is enough to name


class Match(NamedTuple):
    """A gold and a predicted entity that stand for each other; None where one has no partner."""

    gold: Span | None
    predicted: Span | None

    @property
    def span(self) -> Span:
        """The gold entity; the predicted one where gold has none."""
        span = self.gold or self.predicted
        assert span is not None, "a match has at least one side"
        return span

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
    return sorted(matches, key=lambda match: match.span)


def _pair_overlapping(gold: list[Span], predicted: list[Span]) -> list[Match]:
    matches: list[Match] = []
    g, p = 0, 0
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
    """The fate of every gold and every predicted entity, each counted once.

    Of a gold type: its row of `same_bounds`, `boundary` and `missed` add up to its gold count. Of
    a predicted type: its column, `boundary` and `spurious` add up to its predicted count.
    """

    types: tuple[str, ...]
    same_bounds: Counter[tuple[str, str]]  # (gold type, predicted type); the diagonal is right
    boundary: Counter[str]  # overlapping entities of this type, pair by pair
    missed: Counter[str]
    spurious: Counter[str]


def confusion(gold: SpanLists, predicted: SpanLists, types: Sequence[str]) -> Confusion:
    """Counts the matches of all sentences by kind and type."""
    same_bounds: Counter[tuple[str, str]] = Counter()
    alone: dict[str, Counter[str]] = {kind: Counter() for kind in COUNTED_BY_TYPE}
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        for match in match_spans(gold_spans, predicted_spans):
            if match.kind in alone:
                alone[match.kind][match.span.type] += 1
            elif match.gold and match.predicted:
                same_bounds[match.gold.type, match.predicted.type] += 1
    return Confusion(with_unlisted(types, (*alone.values(), *same_bounds)), same_bounds, **alone)
