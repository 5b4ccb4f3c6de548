"""The steps of a training on devices that compile each shape."""

import logging

import numpy as np
import pytest

from job.batches.plan import EpochPlan
from job.batches.planned_rows import plan_rows
from job.batches.rows import Layout
from job.batches.step_shapes import plan_steps
from job.encoding.encoded import SpecialTokens
from job.model.probe import probe_split

LAYOUT = Layout(SpecialTokens((2,), (3,), 0), row_length=64)
SPLIT = probe_split(np.random.default_rng(3).integers(1, 62, 203).tolist(), 100)
PLAN = EpochPlan(203, 4, 7, 2)
SHAPE = {"max_seq_length": 64, "epochs": 3}


def test_steps_of_one_batch_have_the_planned_rows():
    """Some steps are larger than others, and stay so."""
    layout, rows_ES = plan_steps(LAYOUT, SPLIT, PLAN, **SHAPE, gradient_accumulation=1)
    planned, expected_ES = plan_rows(LAYOUT, SPLIT, PLAN, **SHAPE)
    assert layout == planned
    assert (rows_ES == expected_ES).all()
    assert len(np.unique(rows_ES)) > 1


def test_accumulated_batches_have_one_shape():
    """The first, a middle and the last batch of a step are graphs of their own already."""
    _, rows_ES = plan_steps(LAYOUT, SPLIT, PLAN, **SHAPE, gradient_accumulation=2)
    assert set(rows_ES.flat) == {plan_rows(LAYOUT, SPLIT, PLAN, **SHAPE)[1].max()}


def test_the_log_says_how_full_the_rows_are(caplog):
    """The wordpieces and special tokens of an epoch, of all positions of its steps on all ranks."""
    caplog.set_level(logging.INFO, "job")
    layout, rows_ES = plan_steps(LAYOUT, SPLIT, PLAN, **SHAPE, gradient_accumulation=1)
    filled = len(SPLIT.ids_P) + 2 * len(SPLIT.window_starts_W)
    share = filled / (rows_ES[0].sum() * 2 * layout.row_length)
    [said] = caplog.messages
    assert f"rows have {layout.row_length} positions" in said
    percent = float(said.split(" % of them are filled")[0].rpartition(" ")[2])
    assert percent == pytest.approx(100 * share, abs=2)
