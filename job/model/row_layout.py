"""The rows that a network takes: packed where its code keeps windows apart, else padded."""

import logging

import torch
from transformers import PreTrainedModel

from job.batches import Layout
from job.encoding import EncodedSplit, SpecialTokens
from job.errors import ArgumentError
from job.model.pretrained.config import first_position
from job.model.probe import find_difference

logger = logging.getLogger(__name__)

SHORTEST_ROW = 128  # rows of 128 packed 98 % full; longer ones cost attention and gain little
SIZES_PER_STEP = 8  # about so many different row counts occur
REMEDY = "choose a model of another family, such as BERT, ELECTRA or RoBERTa (docs/models.md)"


def choose_layout(
    network: PreTrainedModel,
    special: SpecialTokens,
    split: EncodedSplit,
    *,
    max_seq_length: int,
    batch_size: int,
) -> Layout:
    """Packed rows where the network's own code gives them the logits of single windows.

    Else one window a row, padded, where that gives the same logits; else raises ArgumentError.
    """
    family = network.config.model_type
    row_length = max(SHORTEST_ROW, -(-max_seq_length // 8) * 8)
    pieces = len(split.ids_P) + special.count * len(split.window_starts_W)
    expected_rows = batch_size * pieces / max(split.sentence_count, 1) / row_length
    layout = Layout(
        special=special,
        row_length=row_length,
        row_multiple=max(1, round(expected_rows / SIZES_PER_STEP)),
        first_position=first_position(network.config),
    )
    try:
        packing = find_difference(network, layout, max_seq_length)
        if not packing:
            return layout
        layout = Layout(special=special, row_length=row_length, packed=False)
        padding = find_difference(network, layout, max_seq_length)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise ArgumentError(
            f"PRETRAINED_MODEL_NAME: the code of this model ({family}) does not run on wordpieces "
            f"alone ({type(error).__name__}: {' '.join(str(error).split())[:200]}); {REMEDY}."
        ) from error
    if padding:
        raise ArgumentError(
            f"PRETRAINED_MODEL_NAME: the code of this model ({family}) gives a sentence "
            f"different logits next to a longer one than on its own ({padding}), so its entities "
            f"would depend on its neighbours; {REMEDY}."
        )
    logger.warning(
        "This model's code does not take packed rows (%s): one sentence a row, padded to the "
        "longest of the batch. Training is slower, the result is the same.",
        packing,
    )
    return layout
