"""What the callback says of a run in the checkpoints that it takes."""

from types import SimpleNamespace

import pytest
import torch

from job.checkpoints import callback
from job.checkpoints.callback import Checkpoints
from job.checkpoints.position import Position


class Saver:
    """Keeps the positions that were saved."""

    is_busy = False

    def __init__(self):
        self.saved = []

    def copy_of(self, state):
        return state

    def save(self, copied, step, facts):
        self.saved.append(facts["position"])

    def reserve(self, state):
        pass

    def raise_if_failed(self):
        pass


@pytest.fixture
def checkpoints(monkeypatch):
    """A callback of which only the position of a state is looked at."""
    monkeypatch.setattr(callback, "state_of", lambda _, __, position, ___: position.to_state())
    monkeypatch.setattr(callback, "is_between_steps", lambda trainer: True)
    losses = SimpleNamespace(epoch=torch.zeros(2), refuse_bad=lambda: None)
    return Checkpoints(
        Saver(),
        SimpleNamespace(received=None),
        SimpleNamespace(losses=losses),
        may_go_on=lambda: None,
        facts={},
        every_steps=1,
        steps_per_epoch=5,
        start=Position(),
        state=None,
    )


def trainer(**changed):
    return SimpleNamespace(
        **{"current_epoch": 1, "global_step": 7, "callback_metrics": {}, "should_stop": False}
        | changed
    )


@pytest.mark.parametrize("stops", [False, True])
def test_the_checkpoint_of_an_epoch_says_whether_the_run_ended_with_it(checkpoints, stops):
    """A run that ended for want of progress is not gone on with."""
    checkpoints.validation_started_at = 0.0
    checkpoints.on_train_epoch_end(trainer(should_stop=stops), None)
    [position] = checkpoints.saver.saved
    assert (position["epoch"], position["step"], position["stopped_early"]) == (2, 0, stops)


def test_a_checkpoint_within_an_epoch_is_never_the_end(checkpoints):
    """Whatever Lightning was told meanwhile: the epoch has to be finished first."""
    batch = {"epoch": 1, "step": 2}
    checkpoints.on_train_batch_end(trainer(should_stop=True), None, None, batch, 2)
    [position] = checkpoints.saver.saved
    assert (position["epoch"], position["step"], position["stopped_early"]) == (1, 3, False)
