"""The breakdown of a split's scores: by kind of error, by mention, by length, seen or unseen.

A predicted entity is right only where gold has the same text and type, so that each part of the
entities has precision, recall and F1 of its own, and the parts add up to the whole.
"""

from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import NamedTuple

from job.evaluation.confusion import Confusion, confusion, match_spans
from job.evaluation.intervals import Interval, f1_intervals
from job.evaluation.results import SplitResult
from job.evaluation.scores import Counts
from job.sentence import Span

Mentions = Set[tuple[str, str]]  # (text, type) of entities
ERROR_KINDS = ("missed", "spurious", "type", "boundary")
LENGTHS = (1, 2, 3, 4, 6, 10)  # characters: 1, 2, 3, 4–5, 6–9, 10 and more
LONGEST_MENTION = 40  # characters of a frequent mistake's mention that are shown
MOST_MISTAKES = 10


class Mistake(NamedTuple):
    """A mention that was tagged wrongly in the same way several times; None where one side has no
    entity there."""

    gold: tuple[str, str] | None  # text, type
    predicted: tuple[str, str] | None


@dataclass(frozen=True)
class Breakdown:
    """All that is counted of a split beside its scores."""

    table: Confusion
    interval: Interval | None  # of micro F1 on exact characters
    intervals: dict[str, Interval | None]  # of each type
    kinds: dict[str, int]  # wrong matches by ERROR_KINDS
    wrong_sentences: int
    mistakes: list[tuple[Mistake, int]]  # those that occur twice or more, the commonest first
    by_novelty: dict[str, Counts]  # "seen" and "unseen"; empty where train is not known
    by_length: dict[str, Counts]  # "1", …, "4–5", "10+" characters


def break_down(
    result: SplitResult, types: tuple[str, ...], train_mentions: Mentions | None
) -> Breakdown:
    """`train_mentions`: the text and type of each entity of train; None where it is not known."""
    gold = [sentence.spans for sentence in result.sentences]
    table = confusion(gold, result.predicted, types)
    interval, intervals = f1_intervals(gold, result.predicted, table.types)
    kinds: Counter[str] = Counter()
    mistakes: Counter[Mistake] = Counter()
    for sentence, predicted in zip(result.sentences, result.predicted, strict=True):
        for match in match_spans(sentence.spans, predicted):
            kinds[match.kind] += 1
            if match.kind != "correct":
                text = sentence.text
                mistakes[Mistake(_mention(match.gold, text), _mention(match.predicted, text))] += 1
    frequent = sorted(
        ((mistake, n) for mistake, n in mistakes.items() if n > 1),
        key=lambda item: (-item[1], item[0].gold or ("",), item[0].predicted or ("",)),
    )
    return Breakdown(
        table=table,
        interval=interval,
        intervals=intervals,
        kinds={kind: kinds[kind] for kind in ERROR_KINDS},
        wrong_sentences=sum(
            set(spans) != set(tagged) for spans, tagged in zip(gold, result.predicted, strict=True)
        ),
        mistakes=frequent[:MOST_MISTAKES],
        by_novelty=_by_novelty(result, train_mentions),
        by_length=_counts_by(result, list(map(_length, LENGTHS)), _length_of),
    )


def _mention(span: Span | None, text: str) -> tuple[str, str] | None:
    if span is None:
        return None
    mention = text[span.start : span.end]
    if len(mention) > LONGEST_MENTION:
        mention = mention[: LONGEST_MENTION - 1] + "…"
    return mention, span.type


def _by_novelty(result: SplitResult, train_mentions: Mentions | None) -> dict[str, Counts]:
    if train_mentions is None:
        return {}

    def novelty(span: Span, text: str) -> str:
        return "seen" if (text[span.start : span.end], span.type) in train_mentions else "unseen"

    return _counts_by(result, ["seen", "unseen"], novelty)


def _length_of(span: Span, text: str) -> str:
    return _length(span.end - span.start)


def _length(characters: int) -> str:
    """The range that a length falls into: 5 → "4–5"."""
    i = sum(first <= characters for first in LENGTHS) - 1
    if i == len(LENGTHS) - 1:
        return f"{LENGTHS[-1]}+"
    first, last = LENGTHS[i], LENGTHS[i + 1] - 1
    return f"{first}" if first == last else f"{first}–{last}"


def _counts_by(
    result: SplitResult, parts: list[str], part_of: Callable[[Span, str], str]
) -> dict[str, Counts]:
    gold, predicted, right = Counter[str](), Counter[str](), Counter[str]()
    for sentence, tagged in zip(result.sentences, result.predicted, strict=True):
        for spans, counter in (
            (set(sentence.spans), gold),
            (set(tagged), predicted),
            (set(sentence.spans) & set(tagged), right),
        ):
            counter.update(part_of(span, sentence.text) for span in spans)
    return {part: Counts(right[part], predicted[part], gold[part]) for part in parts}
