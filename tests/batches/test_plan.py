"""The plan of an epoch: which sentences a step takes."""

import numpy as np
import pytest

from job.batches.plan import EpochPlan


@pytest.mark.parametrize("world_size", [1, 3, 8])
def test_every_epoch_takes_every_sentence_once_on_any_number_of_devices(world_size):
    """Steps and ranks partition the sentences, differently in each epoch."""
    plan = EpochPlan(101, 4, seed=7, world_size=world_size)
    orders = [
        np.concatenate(
            [plan.sentences(e, s, r) for s in range(plan.steps) for r in range(world_size)]
        )
        for e in range(2)
    ]
    for order in orders:
        assert sorted(order.tolist()) == list(range(101))
    assert (orders[0] != orders[1]).any()


def test_a_step_is_the_same_sentences_on_one_device_as_on_several():
    """Eight devices with 4 sentences each share out the 32 that one device would take."""
    one, eight = EpochPlan(1000, 32, 7), EpochPlan(1000, 4, 7, world_size=8)
    for step in (0, 5, one.steps - 1):
        shared = [eight.sentences(2, step, rank) for rank in range(8)]
        assert sorted(one.sentences(2, step)) == sorted(np.concatenate(shared))


def test_the_order_depends_on_seed_and_epoch_alone():
    """Equal numbers, equal sentences; another seed or epoch, others."""
    first = EpochPlan(500, 8, 7).sentences(3, 4).tolist()
    assert EpochPlan(500, 8, 7).sentences(3, 4).tolist() == first
    assert EpochPlan(500, 8, 8).sentences(3, 4).tolist() != first
    assert EpochPlan(500, 8, 7).sentences(2, 4).tolist() != first
