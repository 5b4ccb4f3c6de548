"""Prediction: a split through a network, and its labels.

Shape legend:

    R rows, L positions of a row, C label ids, P wordpieces of a split, N sentences
"""

from typing import NamedTuple

import numpy as np
import torch
from transformers import PreTrainedModel

from job.batches import IGNORED_LABEL, EvaluationBatches, Layout, to_device
from job.encoding import OUTSIDE_ID, EncodedSplit, valid_labels
from job.model.head import head_of, logits_of
from job.model.named_tags import NamedTags

UNREAD = 16  # batches that may be on the device: reading each at once would wait for it


class Decoder:
    """The likeliest valid labels of a split, from the scores of its windows in any order.

    A sentence is decoded when its windows are together; a wordpiece that no window scores
    (LONG_SENTENCES=truncate) is O. `probability_P` is that of the label that was decoded, among
    all but the special ones; 1 where no window scores.
    """

    def __init__(self, split: EncodedSplit):
        self.starts = split.sentence_starts
        self.labels_P = np.full(len(split.ids_P), OUTSIDE_ID, np.int16)
        self.probability_P = np.ones(len(split.ids_P), np.float32)
        windows_N = np.bincount(split.window_sentence_W, minlength=split.sentence_count)
        self.is_cut_N = windows_N > 1
        self.unread: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []  # of sentences cut into windows

    def take(self, scores_RLC: torch.Tensor, piece_RL: torch.Tensor) -> None:
        """The scores of a batch, on its device, and the wordpiece that each position scores."""
        self.unread.append((scores_RLC.detach()[..., OUTSIDE_ID:], piece_RL))
        if len(self.unread) > UNREAD:
            self._read(*self.unread.pop(0))

    def labels(self) -> np.ndarray:
        """Label ids (int16) of all wordpieces, when every batch was taken."""
        while self.unread:
            self._read(*self.unread.pop(0))
        if self.parts:
            pieces_P, scores_PC = map(np.concatenate, zip(*self.parts, strict=True))
            self._decode(pieces_P, scores_PC)
            self.parts = []
        return self.labels_P

    def _read(self, scores_RLC: torch.Tensor, piece_RL: torch.Tensor) -> None:
        pieces_P = piece_RL.flatten().cpu().numpy()
        scores_PC = scores_RLC.flatten(0, 1).cpu().numpy()
        is_scored_P = pieces_P >= 0
        pieces_P, scores_PC = pieces_P[is_scored_P], scores_PC[is_scored_P]
        is_cut_P = self.is_cut_N[self._sentences(pieces_P)]
        if is_cut_P.any():
            self.parts.append((pieces_P[is_cut_P], scores_PC[is_cut_P]))
            pieces_P, scores_PC = pieces_P[~is_cut_P], scores_PC[~is_cut_P]
        self._decode(pieces_P, scores_PC)

    def _decode(self, pieces_P: np.ndarray, scores_PC: np.ndarray) -> None:
        order = np.argsort(pieces_P)
        pieces_P = pieces_P[order]
        sentences_P = self._sentences(pieces_P)
        first = np.flatnonzero(np.diff(sentences_P, prepend=-1))
        starts = np.append(first, len(pieces_P))
        scores_PC = scores_PC[order]
        labels_P = valid_labels(scores_PC, starts)
        self.labels_P[pieces_P] = labels_P
        self.probability_P[pieces_P] = _probability(scores_PC, labels_P - OUTSIDE_ID)

    def _sentences(self, pieces_P: np.ndarray) -> np.ndarray:
        return np.searchsorted(self.starts, pieces_P, side="right") - 1


def _probability(scores_PC: np.ndarray, labels_P: np.ndarray) -> np.ndarray:
    """The softmax of each piece's scores, at its label."""
    above_PC = np.exp(scores_PC - scores_PC.max(1, keepdims=True, initial=-np.inf))
    return above_PC[np.arange(len(labels_P)), labels_P] / above_PC.sum(1)


class Prediction(NamedTuple):
    """Of every wordpiece of a split the label id and its probability, and the mean loss per scored
    wordpiece, in nats."""

    labels_P: np.ndarray  # int16
    probability_P: np.ndarray  # float32
    loss: float


def predict_labels(
    network: PreTrainedModel, split: EncodedSplit, layout: Layout
) -> tuple[np.ndarray, float]:
    """Label ids of every wordpiece of the split, and the mean loss per scored wordpiece, in nats.

    A wordpiece that no window scores (LONG_SENTENCES=truncate) is O. The network stays where it is
    and is left in evaluation mode.
    """
    predicted = predict_pieces(network, split, layout)
    return predicted.labels_P, predicted.loss


@torch.inference_mode()
def predict_pieces(network: PreTrainedModel, split: EncodedSplit, layout: Layout) -> Prediction:
    """The same, with the probabilities."""
    network.eval()
    head = head_of(network.config)
    decoder = Decoder(split)
    summed, count = 0.0, 0
    for batch in EvaluationBatches(split, layout):
        here = to_device(batch, network.device)
        logits_RLC = logits_of(network, here)
        summed += head.summed_loss(logits_RLC, here).item()
        count += int((batch["labels"] != IGNORED_LABEL).sum())
        decoder.take(head.scores(logits_RLC, here), here["piece"])
    labels_P = decoder.labels()
    if isinstance(head, NamedTags):
        head.join(labels_P, split.sentence_starts)
    return Prediction(labels_P, decoder.probability_P, summed / max(count, 1))
