"""Intervals of F1: how far it could lie with other sentences of the same kind.

The percentile bootstrap over sentences: draw as many sentences as there are, with replacement,
many times; of the F1s that result, the middle 95 % are the interval (Efron and Tibshirani 1993).
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from job.evaluation.scores import SpanLists

RESAMPLES = 1000
DRAWN_AT_ONCE = 20  # resamples; bounds the memory where every sentence has other counts
FEWEST = 10  # sentences with an entity; of fewer, an interval promises more than is known
SEED = 0


class Interval(NamedTuple):
    """The bounds between which F1 lies in 95 of 100 resamples."""

    low: float
    high: float


def f1_intervals(
    gold: SpanLists, predicted: SpanLists, types: Sequence[str]
) -> tuple[Interval | None, dict[str, Interval | None]]:
    """The interval of micro F1 and of each type's F1. The same input gives the same bounds.

    None where fewer than FEWEST sentences hold such an entity, or all resamples have the same F1:
    an interval of no width would say that nothing is uncertain. `types` names all that occur.
    """
    rows = Counter(
        _counts_of_a_sentence(gold_spans, predicted_spans, types)
        for gold_spans, predicted_spans in zip(gold, predicted, strict=True)
    )
    if not types or not rows:
        return None, dict.fromkeys(types)
    # Sentences with equal counts are one row with a multiplicity: the same draw, far fewer numbers.
    # In float64, which holds whole numbers exactly, the products are fast.
    counts_RT2 = np.array(list(rows), dtype=np.float64).reshape(len(rows), len(types), 2)
    times_R = np.array(list(rows.values()))
    counts_RM2 = np.concatenate([counts_RT2, counts_RT2.sum(axis=1, keepdims=True)], axis=1)
    holding_M = times_R @ (counts_RM2[:, :, 1] > 0)
    f1_BM = np.concatenate(_resampled(counts_RM2, times_R))
    *per_type, micro = [
        _interval(f1_BM[:, m]) if holding_M[m] >= FEWEST else None for m in range(len(types) + 1)
    ]
    return micro, dict(zip(types, per_type, strict=True))


def _counts_of_a_sentence(gold: Sequence, predicted: Sequence, types: Sequence[str]) -> tuple:
    """For each type, twice the right entities, and the gold and predicted ones together: F1 is the
    quotient of their sums."""
    in_gold, in_predicted = set(gold), set(predicted)
    right = Counter(span.type for span in in_gold & in_predicted)
    both = Counter(span.type for span in (*in_gold, *in_predicted))
    return tuple(number for type_ in types for number in (2 * right[type_], both[type_]))


def _resampled(counts_RM2: NDArray, times_R: NDArray) -> list[NDArray]:
    """F1 of each resample and measure, DRAWN_AT_ONCE resamples at a time; nan without an entity."""
    random = np.random.default_rng(SEED)
    sentences = int(times_R.sum())
    drawn = []
    for _ in range(RESAMPLES // DRAWN_AT_ONCE):
        times_BR = random.multinomial(sentences, times_R / sentences, size=DRAWN_AT_ONCE)
        sums_BM2 = np.tensordot(times_BR.astype(np.float64), counts_RM2, axes=1)
        both_BM = np.where(sums_BM2[..., 1] > 0, sums_BM2[..., 1], np.nan)
        drawn.append(sums_BM2[..., 0] / both_BM)
    return drawn


def _interval(f1_B: NDArray) -> Interval | None:
    low, high = np.nanpercentile(f1_B, [2.5, 97.5])
    return Interval(float(low), float(high)) if low < high else None
