"""The record of an epoch, and the progress within it."""

import math
from types import SimpleNamespace

import pytest

from job.training import epoch_history
from job.training.epoch_history import EpochHistory

METRICS = {
    "train_loss": 0.4,
    "val_loss": 0.3,
    "val_f1": 0.8,
    "val_f1_wordpiece": 0.9,
    "val_accuracy": 0.95,
}


class Line(list):
    """The updates of a progress line."""

    def update(self, **told):
        self.append(told)


@pytest.fixture
def clock(monkeypatch):
    """A clock that is set by hand."""
    time = SimpleNamespace(now=100.0)
    monkeypatch.setattr(epoch_history.time, "monotonic", lambda: time.now)
    return time


@pytest.fixture
def history():
    """Of epochs of ten steps, of 95 sentences together."""
    losses = SimpleNamespace(recent=lambda: 0.5)
    module = SimpleNamespace(losses=losses, learning_rate=0.1, schedule=lambda step: 1 - step / 10)
    return EpochHistory(Line(), SimpleNamespace(history=[]), module, 10, 95, ("min", "val_loss"))


def train(history, clock, *, first=0):
    """Epoch 2 from step `first`: a second a step, four of validation. Gives the trainer."""
    trainer = SimpleNamespace(
        current_epoch=1,
        max_epochs=12,
        global_step=6,
        accumulate_grad_batches=4,
        callback_metrics=METRICS,
    )
    history.on_train_epoch_start(trainer, None)
    for step in range(first, 10):
        batch = {"epoch": 1, "step": step}
        history.on_train_batch_start(trainer, None, batch, step)
        clock.now += 1
        history.on_train_batch_end(trainer, None, None, batch, step)
    history.on_validation_start(trainer, None)
    clock.now += 4
    history.on_train_epoch_end(trainer, None)
    return trainer


def test_a_record_has_the_figures_of_its_epoch(history, clock):
    """Epochs count from 1; the rate is that of the first update, which four batches make."""
    train(history, clock)
    [record] = history.checkpoints.history
    assert (record.epoch, record.step) == (2, 6)
    assert (record.train_loss, record.val_loss) == (0.4, 0.3)
    assert (record.f1_characters, record.f1_wordpieces) == (0.8, 0.9)
    assert record.learning_rate == pytest.approx(0.1 * (1 - 3 / 10))
    assert record.seconds == 14


@pytest.mark.parametrize("first", [0, 4])
def test_the_speed_is_of_the_steps_that_were_trained(history, clock, first):
    """Without those before a resume, and without the time of the validation."""
    train(history, clock, first=first)
    assert history.checkpoints.history[0].sentences_per_s == pytest.approx(9.5, rel=0.02)


def test_progress_counts_the_epochs_before(history, clock):
    """Steps count from 1 within the epoch, sentences from the run's beginning."""
    train(history, clock)
    last = history.line[-1]
    assert (last["epoch"], last["step"], last["steps_total"]) == (2, 10, 10)
    assert last["sentences_done"] == 190
    assert (last["loss"], last["f1"]) == (0.5, None)


def test_the_loss_is_read_now_and_then_and_after_the_last_step(history, clock, monkeypatch):
    """Reading it waits for the device."""
    monkeypatch.setattr(epoch_history, "SHOW_EVERY_S", 2.5)
    train(history, clock)
    assert [told["step"] for told in history.line] == [1, 4, 7, 10]
    history.line.clear()
    history.shown_at = -math.inf
    monkeypatch.setattr(epoch_history, "SHOW_EVERY_S", 1000)
    train(history, clock)
    assert [told["step"] for told in history.line] == [1, 10]
