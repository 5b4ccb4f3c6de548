"""Prediction of a whole split."""

from types import SimpleNamespace

import numpy as np
import torch

from job.batches.rows import Layout
from job.encoding.labels import OUTSIDE_ID
from job.model.inference import Decoder, predict_labels
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


def test_windows_of_a_sentence_are_decoded_together_in_whatever_order_they_come():
    """An entity that goes on in the second window goes on there, too."""
    begin, inside = OUTSIDE_ID + 1, OUTSIDE_ID + 2
    labels = [begin, inside, begin, inside, inside, inside]
    split = SimpleNamespace(
        ids_P=np.zeros(6),
        sentence_starts=np.array([0, 2, 6]),
        sentence_count=2,
        window_sentence_W=np.array([0, 1, 1]),
    )
    scores_PC = torch.nn.functional.one_hot(torch.tensor([*labels, 0])).float()
    decoder = Decoder(split)
    for pieces in ([[4, 5, -1]], [[2, 3, -1], [-1, 0, 1]]):
        piece_RL = torch.tensor(pieces)
        decoder.take(scores_PC[piece_RL], piece_RL)
    assert decoder.labels().tolist() == labels
