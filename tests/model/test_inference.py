"""Prediction of a whole split."""

import numpy as np

from job.batches.rows import Layout
from job.model.inference import predict_labels
from job.model.probe import probe_split
from tests.model.test_classifier import LAYOUT, SPECIAL, network


def test_unscored_wordpieces_are_predicted_as_outside():
    """What truncation cut off is O, not left to chance."""
    split = probe_split([9, 9], 120)
    split.score_ends_W[0] -= 4
    net = network()
    net.classifier.bias.data[5] = 100.0
    labels, loss = predict_labels(net, split, LAYOUT)
    assert labels.tolist() == [5] * 5 + [4] * 4 + [5] * 9
    assert np.isfinite(loss)


def test_prediction_does_not_depend_on_what_shares_a_row():
    """Packed together or alone, a window gets the same labels."""
    lengths = [5, 17, 1, 30, 9]
    split = probe_split(lengths, 120)
    net = network()
    together, _ = predict_labels(net, split, LAYOUT)
    alone, _ = predict_labels(net, split, Layout(SPECIAL, row_length=48, packed=False))
    assert together.tolist() == alone.tolist()
    assert len(set(together.tolist())) > 1
