"""A position is the same after it was saved, and knows when nothing is left to train."""

import pytest

from job.checkpoints.position import Position, position_of
from job.evaluation.results import EpochRecord

RECORD = EpochRecord(
    epoch=1,
    step=12,
    train_loss=0.5,
    val_loss=0.25,
    f1_characters=0.75,
    f1_wordpieces=0.5,
    sentences_per_s=100.0,
    seconds=3.0,
    learning_rate=5e-5,
)


def test_a_saved_position_is_read_as_it_was():
    """Its counters and each record of its history, as plain values that a checkpoint may hold."""
    position = Position(2, 5, 29, stopped_early=True, history=(RECORD, RECORD))
    state = position.to_state()
    assert position_of(state) == position
    assert state["position"] == {"epoch": 2, "step": 5, "global_step": 29, "stopped_early": True}
    assert isinstance(state["history"][0], dict)


@pytest.mark.parametrize(
    ("position", "expected"),
    [
        (Position(epoch=2, step=5), False),
        (Position(epoch=3), True),
        (Position(epoch=4), True),
        (Position(epoch=1, stopped_early=True), True),
    ],
)
def test_the_end_is_the_last_epoch_or_an_early_one(position, expected):
    """Of three epochs; EPOCHS may have been lowered meanwhile."""
    assert position.is_end(epochs=3) is expected


def test_the_time_of_the_epochs_adds_up():
    """It is part of what a run that went on has taken."""
    assert Position(history=(RECORD, RECORD)).seconds == 6.0
    assert Position().seconds == 0
