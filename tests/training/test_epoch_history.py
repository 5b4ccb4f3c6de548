"""The line that ends an epoch."""

import math
from dataclasses import replace

import pytest

from job.training.epoch_history import epoch_line
from tests.evaluation.test_report import epoch

HISTORY = [
    epoch(1, val_loss=0.5, f1_characters=0.7, seconds=10.06),
    epoch(2, val_loss=0.4, f1_characters=0.9, seconds=9.0),
    epoch(3, val_loss=0.4, f1_characters=0.8, seconds=9.0),
]


@pytest.mark.parametrize(
    ("monitored", "best"),
    [(("min", "val_loss"), 2), (("max", "val_f1"), 2), (("max", "val_accuracy"), 3)],
)
def test_the_line_says_how_the_epoch_went_and_which_is_the_best(monitored, best):
    """By the metric that is monitored; of equal ones the first, as with checkpoints."""
    history = [replace(each, val_accuracy=0.1 * each.epoch) for each in HISTORY]
    assert epoch_line(history, 12, monitored) == (
        "epoch 3/12: val_loss 0.400, val F1 0.800, 9.0 s; "
        f"best so far: epoch {best} by {' '.join(monitored)}"
    )


def test_an_epoch_without_a_figure_is_not_the_best():
    """A loss that is no number, or that an earlier version did not record."""
    history = [replace(HISTORY[0], val_loss=math.nan), HISTORY[1]]
    assert "best so far: epoch 2 by min val_loss" in epoch_line(history, 2, ("min", "val_loss"))
