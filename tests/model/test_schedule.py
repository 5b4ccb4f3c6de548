"""The learning rate as a function of the step."""

import pytest

from job.model.schedule import make_schedule


def test_the_exponential_schedule_falls_by_a_tenth_each_epoch():
    """As the tutorial meant it: constant within an epoch, times 0.9 at its end."""
    factor = make_schedule("exponential", steps_per_epoch=10, total_steps=30, warmup_ratio=0)
    assert [factor(s) for s in (0, 9, 10, 19, 20)] == pytest.approx([1, 1, 0.9, 0.9, 0.81])


def test_the_linear_schedule_warms_up_and_ends_at_zero():
    """It rises over WARMUP_RATIO of the steps and falls linearly to 0."""
    factor = make_schedule("linear", steps_per_epoch=10, total_steps=20, warmup_ratio=0.2)
    assert [factor(s) for s in (0, 1, 3, 4, 12, 20)] == pytest.approx([0.25, 0.5, 1, 1, 0.5, 0])
