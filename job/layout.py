"""Which rows a network takes, and how many sentences of them fit into memory."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedModel

from job.encode import EncodedSplit, SpecialTokens
from job.model import logits_of, summed_loss
from job.pretrained import first_position
from job.rows import Batch, Layout

logger = logging.getLogger(__name__)

SHORTEST_ROW = 128  # rows of 128 packed 98 % full; longer ones cost attention and gain little
SIZES_PER_STEP = 8  # about so many different row counts occur
PROBE_LENGTHS = (5, 7)
PROBE_TOLERANCE = 1e-3
LARGEST_BATCH = 256  # beyond it fine-tuning loses accuracy, not time
USABLE_MEMORY = 0.8
ROOM_FOR_LONG_STEPS = 1.5  # a step of long sentences against the mean one
BYTES_PER_PARAMETER = 16  # weight, gradient and AdamW's two moments, 32 bits each


def choose_layout(
    network: PreTrainedModel,
    special: SpecialTokens,
    split: EncodedSplit,
    *,
    max_seq_length: int,
    batch_size: int,
) -> Layout:
    """Packed rows where the network's own code gives them the logits of single windows."""
    row_length = max(SHORTEST_ROW, -(-max_seq_length // 8) * 8)
    pieces = len(split.ids_P) + special.count * len(split.window_starts_W)
    expected_rows = batch_size * pieces / max(split.sentence_count, 1) / row_length
    layout = Layout(
        special=special,
        row_length=row_length,
        row_multiple=max(1, round(expected_rows / SIZES_PER_STEP)),
        first_position=first_position(network.config),
    )
    if difference := _packing_changes(network, layout):
        logger.warning(
            "This model's code does not take packed rows (%s): one sentence a row, padded to the "
            "longest of the batch. Training is slower, the result is the same.",
            difference,
        )
        return Layout(special=special, row_length=row_length, packed=False)
    return layout


@torch.no_grad()
def _packing_changes(network: PreTrainedModel, layout: Layout) -> str:
    """Why the logits of two windows in one row differ from those of the windows alone, or ""."""
    training = network.training
    network.eval()
    try:
        split = probe_split(PROBE_LENGTHS, network.config.vocab_size)
        packed = logits_of(network, _on(network, layout.rows(split, [0, 1])))[0]
        row_of_both = np.argsort(
            [-n for n in PROBE_LENGTHS], kind="stable"
        )  # as best_fit lays them
        at = 0
        for window in row_of_both.tolist():
            alone = Layout(layout.special, layout.row_length, packed=False).rows(split, [window])
            length = PROBE_LENGTHS[window] + layout.special.count
            expected = logits_of(network, _on(network, alone))[0, :length]
            difference = (packed[at : at + length] - expected).abs().max().item()
            if not difference < PROBE_TOLERANCE:
                return f"logits differ by {difference:.2g}"
            at += length
        return ""
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        return f"{type(error).__name__}: {error}".splitlines()[0]
    finally:
        network.train(training)


def _on(network: PreTrainedModel, batch: Batch) -> Batch:
    return {name: tensor.to(network.device) for name, tensor in batch.items()}


def probe_split(lengths: Sequence[int], vocab_size: int) -> EncodedSplit:
    """Made-up windows of these lengths in wordpieces, one sentence each."""
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    pieces = int(bounds[-1])
    zeros = np.zeros(pieces, np.int32)
    return EncodedSplit(
        ids_P=(7 * np.arange(pieces, dtype=np.int32) + 11) % vocab_size,
        labels_P=zeros.astype(np.int16),
        starts_P=zeros,
        ends_P=zeros,
        sentence_starts=bounds,
        window_sentence_W=np.arange(len(lengths), dtype=np.int32),
        window_starts_W=bounds[:-1],
        window_ends_W=bounds[1:],
        score_starts_W=bounds[:-1].copy(),
        score_ends_W=bounds[1:].copy(),
        lost={},
    )


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
    return _kept_bytes(network, _on(network, rows)) / rows["input_ids"].numel()


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
