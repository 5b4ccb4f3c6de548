"""The shapes that a TPU compiles: three for training, one for validation, on every rank."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.batches.plan import EpochPlan
from job.batches.planned_rows import (
    all_in_first_epoch,
    in_few_sizes,
    plan_rows,
    refuse_different_plans,
)
from job.batches.rows import Layout
from job.batches.training import TrainingSteps
from job.encoding.encoded import SpecialTokens
from job.model.probe import probe_split
from job.ranks import OneRank

LAYOUT = Layout(SpecialTokens((2,), (3,), 0), row_length=64)
LENGTHS = np.random.default_rng(3).integers(1, 62, 203).tolist()


@given(st.lists(st.integers(1, 12), min_size=1, max_size=40))
def test_no_three_sizes_compute_less(rows):
    """Each number is rounded up to one of three sizes, and their sum is the smallest there is."""
    sized = in_few_sizes(np.array(rows))
    assert (sized >= rows).all()
    assert len(set(sized)) <= 3
    tried = itertools.product(set(rows), set(rows), [max(rows)])
    best = min(sum(min(s for s in sizes if s >= row) for row in rows) for sizes in tried)
    assert sized.sum() == best


@given(st.lists(st.lists(st.integers(1, 3), min_size=4, max_size=4), min_size=1, max_size=4))
def test_the_first_epoch_has_every_size(rows):
    """No step gets fewer rows than it needs, and no size is new."""
    planned = all_in_first_epoch(np.array(rows))
    assert (planned >= rows).all()
    assert set(planned[0]) == set(planned.flat) <= set(np.array(rows).flat)


@pytest.mark.parametrize("world_size", [1, 8])
def test_every_rank_takes_the_planned_shape_in_each_step(world_size):
    """Whatever a rank's sentences need; and the first epoch has every shape there is."""
    split, plan = probe_split(LENGTHS, 100), EpochPlan(203, 4, 7, world_size)
    layout, rows_ES = plan_rows(LAYOUT, split, plan, max_seq_length=64, epochs=3)
    ranks = [TrainingSteps(split, layout, plan, rank, rows_ES) for rank in range(world_size)]
    for epoch, step in itertools.product(range(3), range(plan.steps)):
        shapes = {tuple(rank[epoch, step]["input_ids"].shape) for rank in ranks}
        assert shapes == {(rows_ES[epoch, step], layout.row_length)}
    assert set(rows_ES[0]) == set(rows_ES.flat)
    assert len(set(rows_ES.flat)) <= 3


def test_ranks_that_planned_otherwise_do_not_begin():
    """A rank that hears of another plan raises in place of waiting."""

    class Hearing(OneRank):
        def largest(self, number: int) -> int:
            return max(number, 2**32)

    rows_ES = np.ones((2, 3), int)
    refuse_different_plans(OneRank(), rows_ES, LAYOUT)
    with pytest.raises(RuntimeError, match="planned other shapes"):
        refuse_different_plans(Hearing(), rows_ES, LAYOUT)
