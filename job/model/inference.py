"""Prediction: a split through a network, and its labels.

Shape legend:

    R rows, L positions of a row, P wordpieces of a split
"""

import numpy as np
import torch
from transformers import PreTrainedModel

from job.batches import IGNORED_LABEL, EvaluationBatches, Layout, to_device
from job.encoding import OUTSIDE_ID, EncodedSplit
from job.model.head import head_of, logits_of


@torch.inference_mode()
def predict_labels(
    network: PreTrainedModel, split: EncodedSplit, layout: Layout
) -> tuple[np.ndarray, float]:
    """Label ids of every wordpiece of the split, and the mean loss per scored wordpiece, in nats.

    A wordpiece that no window scores (LONG_SENTENCES=truncate) is O. The network stays where it is
    and is left in evaluation mode.
    """
    network.eval()
    head = head_of(network.config)
    predicted_P = np.full(len(split.ids_P), OUTSIDE_ID, np.int16)
    summed, count = 0.0, 0
    for batch in EvaluationBatches(split, layout):
        here = to_device(batch, network.device)
        logits_RLC = logits_of(network, here)
        summed += head.summed_loss(logits_RLC, here).item()
        count += int((batch["labels"] != IGNORED_LABEL).sum())
        take_predictions(predicted_P, head.label_ids(logits_RLC, here), batch["piece"])
    return predicted_P, summed / max(count, 1)


def take_predictions(
    predicted_P: np.ndarray, label_RL: torch.Tensor, piece_RL: torch.Tensor
) -> None:
    """Writes the label of every scored position into `predicted_P`."""
    labels_RL, pieces_RL = label_RL.cpu().numpy(), piece_RL.cpu().numpy()
    is_scored_RL = pieces_RL >= 0
    predicted_P[pieces_RL[is_scored_RL]] = labels_RL[is_scored_RL]
