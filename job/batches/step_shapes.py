"""The shapes of a training's steps, where each new one costs a compilation."""

import logging

import numpy as np

from job.batches.plan import EpochPlan
from job.batches.planned_rows import plan_rows
from job.batches.rows import Layout
from job.encoding import EncodedSplit
from job.figures import counted

logger = logging.getLogger(__name__)


def plan_steps(
    layout: Layout,
    split: EncodedSplit,
    plan: EpochPlan,
    *,
    max_seq_length: int,
    epochs: int,
    gradient_accumulation: int,
) -> tuple[Layout, np.ndarray]:
    """The layout of every step, and rows_ES: its rows on each rank, by epoch and step.

    Logs how much of them is filled. The batches of one optimiser step have one shape.
    """
    layout, rows_ES = plan_rows(layout, split, plan, max_seq_length=max_seq_length, epochs=epochs)
    if gradient_accumulation > 1:
        rows_ES[:] = rows_ES.max()  # the first, a middle and the last batch are graphs of their own
    positions = int(rows_ES.sum()) * plan.world_size * layout.row_length
    pieces = len(split.ids_P) + layout.special.count * len(split.window_starts_W)
    sizes, counts = np.unique(rows_ES, return_counts=True)
    logger.info(
        "A core's rows have %d positions: %s; %.0f %% of them are filled.",
        layout.row_length,
        " and ".join(f"{s} in {counted(n, 'step')}" for s, n in zip(sizes, counts, strict=True)),
        100 * pieces * len(rows_ES) / positions,
    )
    return layout, rows_ES
