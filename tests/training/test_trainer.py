"""The arguments with which Lightning and our module are made."""

from types import SimpleNamespace

import pytest

from job.encoding.windows import encode
from job.sentence import Sentence, Span
from job.settings.settings import Settings
from job.training.trainer import _early_stopping, make_module
from tests.support.tiny import LABELS, make_network, make_tokenizer

VAL = (Sentence("김철 서울", (Span(0, 2, "PER"), Span(3, 5, "LOC"))),)


@pytest.fixture
def module(tmp_path):
    """The module of these settings, for ten steps an epoch and eight sentences a batch."""

    def make(**settings):
        tokenizer = make_tokenizer(tmp_path)
        val = encode(VAL, tokenizer, LABELS, max_seq_length=16, stride=0, truncate=False)
        prepared = SimpleNamespace(
            network=make_network(layers=1),
            batch_size=8,
            label_map=LABELS,
            encoded={"val": val},
            splits={"val": SimpleNamespace(sentences=VAL)},
            ends=None,
        )
        hardware = SimpleNamespace(fused_optimizer=False, ranks=lambda: None)
        return make_module(prepared, Settings(**settings), hardware, steps_per_epoch=10)

    return make


def test_the_schedule_counts_updates_and_the_last_of_an_epoch_may_be_short(module):
    """Ten batches, four an update, are three updates; an epoch's rate holds for all of them."""
    schedule = module(gradient_accumulation=4, lr_scheduler="exponential").schedule
    assert [schedule(step) for step in (0, 2, 3, 6)] == pytest.approx([1, 1, 0.9, 0.81])


def test_a_linear_schedule_ends_with_the_last_update_of_the_run(module):
    """Not with an epoch's, and not behind the end."""
    schedule = module(gradient_accumulation=4, epochs=2, lr_scheduler="linear").schedule
    assert [schedule(step) for step in range(7)] == pytest.approx([1 - n / 6 for n in range(7)])


@pytest.mark.parametrize("accumulation", [1, 4])
def test_the_loss_is_divided_by_the_places_of_a_batch(module, accumulation):
    """Sentences times length: Lightning itself divides by the accumulation."""
    made = module(gradient_accumulation=accumulation, max_seq_length=16)
    assert made.loss_constant == 8 * 16


def test_val_f1_is_of_characters_and_of_wordpieces(module):
    """The gold labels score 1 in both."""
    made = module()
    assert made.score(made.validation.labels_P) == {"val_f1": 1.0, "val_f1_wordpiece": 1.0}


def test_early_stopping_watches_monitor_for_as_long_as_was_asked():
    """And is absent without a patience."""
    settings = Settings(early_stopping_patience=2, monitor="max val_f1")
    [callback] = _early_stopping(settings)
    assert (callback.monitor, callback.mode, callback.patience) == ("val_f1", "max", 2)
    assert _early_stopping(Settings()) == []
