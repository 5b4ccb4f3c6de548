"""The rows that a network takes, and how many sentences of them fit into memory."""

import logging

import torch
from transformers import PreTrainedModel

from job.batches import Batch, Layout, to_device
from job.encoding import EncodedSplit, SpecialTokens
from job.errors import ArgumentError
from job.model.classifier import logits_of, summed_loss
from job.model.pretrained.config import first_position
from job.model.probe import find_difference, probe_split

logger = logging.getLogger(__name__)

SHORTEST_ROW = 128  # rows of 128 packed 98 % full; longer ones cost attention and gain little
SIZES_PER_STEP = 8  # about so many different row counts occur
LARGEST_BATCH = 256  # beyond it fine-tuning loses accuracy, not time
USABLE_MEMORY = 0.8
ROOM_FOR_LONG_STEPS = 1.5  # a step of long sentences against the mean one
REMEDY = "choose a model of another family, such as BERT, ELECTRA or RoBERTa (docs/models.md)"
BYTES_PER_PARAMETER = 16  # weight, gradient and AdamW's two moments, 32 bits each


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
            f"PRETRAINED_MODEL_NAME: the code of this model ({family}) gives a sentence other "
            f"logits beside a longer one than alone ({padding}), so its entities would depend on "
            f"its neighbours; {REMEDY}."
        )
    logger.warning(
        "This model's code does not take packed rows (%s): one sentence a row, padded to the "
        "longest of the batch. Training is slower, the result is the same.",
        packing,
    )
    return layout


def largest_batch(
    network: PreTrainedModel,
    layout: Layout,
    split: EncodedSplit,
    *,
    max_seq_length: int,
    free_bytes: int,
) -> int:
    """The largest power of two of sentences a step, at most 256, that fits into `free_bytes`.

    Counts the bytes that autograd keeps for two full rows and extends the line: no trial runs out
    of memory, and the answer is the same on every start.
    """
    per_position = bytes_per_position(network, layout, max_seq_length)
    positions = len(split.ids_P) + layout.special.count * len(split.window_starts_W)
    per_sentence = positions / max(split.sentence_count, 1) if layout.packed else max_seq_length
    budget = USABLE_MEMORY * free_bytes - parameter_bytes(network)
    batch = LARGEST_BATCH
    while batch > 1 and batch * per_sentence * per_position * ROOM_FOR_LONG_STEPS > budget:
        batch //= 2
    return batch


def parameter_bytes(network: PreTrainedModel) -> int:
    """What weights, gradients and moments take."""
    return sum(p.numel() for p in network.parameters()) * BYTES_PER_PARAMETER


def bytes_per_position(network: PreTrainedModel, layout: Layout, max_seq_length: int) -> float:
    """Bytes that a step keeps for each position of its rows."""
    longest = max_seq_length - layout.special.count
    windows = range(2 * (layout.row_length // max_seq_length))
    rows = layout.rows(probe_split([longest] * len(windows), network.config.vocab_size), windows)
    return _kept_bytes(network, to_device(rows, network.device)) / rows["input_ids"].numel()


def _kept_bytes(network: PreTrainedModel, batch: Batch) -> int:
    """Bytes that autograd keeps of one forward pass for the backward pass, weights not counted."""
    weights = {p.untyped_storage().data_ptr() for p in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    training = network.training
    network.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = summed_loss(logits_of(network, batch), batch["labels"])
    network.train(training)
    del loss
    return sum(kept.values())
