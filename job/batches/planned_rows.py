"""Rows of few shapes, known before the first step, the same on every rank.

A TPU compiles each shape for itself, and ranks that meet with different shapes wait for ever. So
the rows that a step takes are planned for all ranks at once, from the plan of the epochs alone, in
three sizes: most steps are alike, and a few long sentences need far more. A validation has one.
"""

import zlib
from dataclasses import replace
from itertools import combinations

import numpy as np

from job.batches.plan import EpochPlan
from job.batches.rows import Layout, best_fit
from job.batches.training import TrainingSteps
from job.encoding import EncodedSplit
from job.ranks import Ranks

LENGTH_STEP = 32  # a row's length is a multiple of it
LONGEST_ROW = 256
SAMPLED_STEPS = 100
TRAINING_SIZES = 3


def plan_rows(
    layout: Layout, split: EncodedSplit, plan: EpochPlan, *, max_seq_length: int, epochs: int
) -> tuple[Layout, np.ndarray]:
    """The layout with the row length that computes least, and rows_ES: the rows of each epoch's
    steps on every rank."""
    shortest = -(-max_seq_length // LENGTH_STEP) * LENGTH_STEP
    lengths = range(shortest, max(shortest, LONGEST_ROW) + 1, LENGTH_STEP)
    layouts = [replace(layout, row_length=length, row_multiple=1) for length in lengths]
    first = [(0, step) for step in range(min(plan.steps, SAMPLED_STEPS))]

    def positions(layout: Layout) -> int:
        rows = needed_rows(layout, split, plan, first)
        return int(in_few_sizes(rows).sum()) * layout.row_length

    best = min(layouts, key=positions)
    steps = [(epoch, step) for epoch in range(epochs) for step in range(plan.steps)]
    rows_ES = in_few_sizes(needed_rows(best, split, plan, steps)).reshape(epochs, plan.steps)
    return best, all_in_first_epoch(rows_ES)


def all_in_first_epoch(rows_ES: np.ndarray) -> np.ndarray:
    """The same numbers, a few larger, so that the first epoch has every size and compiles it."""
    rows_ES = rows_ES.copy()
    for size in np.unique(rows_ES)[::-1]:
        first = rows_ES[0]
        smaller, counts = np.unique(first[first < size], return_counts=True)
        if size in first:
            continue
        if len(smaller):
            first[np.flatnonzero(first == smaller[counts.argmax()])[0]] = size
        else:
            rows_ES[rows_ES == size] = first.min()
    return rows_ES


def needed_rows(
    layout: Layout, split: EncodedSplit, plan: EpochPlan, steps: list[tuple[int, int]]
) -> np.ndarray:
    """The rows that the rank with the most of them needs in each step."""
    special = layout.special.count
    lengths_W = (split.window_lengths_W + special).tolist()
    shared = TrainingSteps(split, layout, plan)

    def rows_of(windows: list[int]) -> int:
        return best_fit([lengths_W[window] for window in windows], layout.row_length)[2]

    return np.array([max(1, *map(rows_of, shared.shares(step))) for step in steps])


def refuse_different_plans(ranks: Ranks, rows_ES: np.ndarray, layout: Layout) -> None:
    """Raises before a step in which the ranks would wait for each other for ever."""
    mine = zlib.crc32(rows_ES.astype("<i8").tobytes(), layout.row_length) >> 1
    largest, smallest = ranks.largest(mine), -ranks.largest(-mine)
    if largest != smallest:
        raise RuntimeError(f"core {ranks.rank} has planned other shapes than the other cores")


def in_few_sizes(rows: np.ndarray) -> np.ndarray:
    """Each number rounded up to one of TRAINING_SIZES, so that their sum is smallest."""
    needed, counts = np.unique(rows, return_counts=True)
    up_to = np.concatenate([[0], np.cumsum(counts)])  # of the numbers below each of `needed`

    def computed(sizes: tuple[int, ...]) -> int:
        """`sizes`: indices into `needed`, rising; the last one is the largest."""
        bounds = zip((-1, *sizes), sizes, strict=False)
        return sum(int(needed[i] * (up_to[i + 1] - up_to[before + 1])) for before, i in bounds)

    last = len(needed) - 1
    fewer = combinations(range(last), min(TRAINING_SIZES - 1, last))
    best = min(((*some, last) for some in fewer), key=computed)
    sizes = needed[list(best)]
    return sizes[np.searchsorted(sizes, rows)]
