"""The bytes that a training step takes, and how many sentences of it fit into memory."""

import torch
from transformers import PreTrainedModel

from job.batches import Batch, Layout, to_device
from job.encoding import EncodedSplit
from job.errors import ArgumentError
from job.model.head import head_of, logits_of
from job.model.probe import probe_split

LARGEST_BATCH = 256  # beyond it fine-tuning loses accuracy, not time
USABLE_MEMORY = 0.8
ROOM_FOR_LONG_STEPS = 1.5  # a step of long sentences against the mean one
SMALL_STEP = 4096  # positions that no device lacks memory for
BYTES_PER_PARAMETER = 16  # weight, gradient and AdamW's two moments, 32 bits each


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


def refuse_large_steps(
    network: PreTrainedModel,
    layout: Layout,
    rows: int,
    *,
    batch_size: int,
    max_seq_length: int,
    free_bytes: int,
) -> None:
    """Raises ArgumentError where a step of so many rows does not fit into `free_bytes` of a core:
    before a compilation of minutes ends in a lack of memory."""
    positions = rows * layout.row_length
    if positions <= SMALL_STEP:
        return
    per_position = bytes_per_position(network, layout, max_seq_length)
    needed = parameter_bytes(network) + positions * per_position
    if needed > free_bytes:
        raise ArgumentError(
            f"BATCH_SIZE={batch_size}: a core's largest step has {rows} rows of "
            f"{layout.row_length} positions, about {needed / 1e9:.0f} GB, and a core has "
            f"{free_bytes / 1e9:.0f}; lower BATCH_SIZE."
        )


def parameter_bytes(network: PreTrainedModel) -> int:
    """Bytes of weights, gradients and AdamW's moments."""
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
        loss = head_of(network.config).summed_loss(logits_of(network, batch), batch)
    network.train(training)
    del loss
    return sum(kept.values())
