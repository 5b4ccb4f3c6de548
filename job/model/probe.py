"""The probe: a network's logits in rows of a layout, held against those of each window alone.

Whether a network's code keeps the windows of a row apart, or a window apart from its padding,
depends on lengths, too: a sliding window is lost only in windows that are longer than it. Shape
legend:

    P wordpieces of the probe's windows, C label ids
"""

from collections.abc import Sequence

import numpy as np
import torch
from transformers import PreTrainedConfig, PreTrainedModel

from job.batches import Batch, Layout, alone, to_device
from job.encoding import EncodedSplit, SpecialTokens
from job.model.head import logits_of

LONGEST_PROBED = 512  # positions; longer windows only where a sliding window asks for them
SHORT_WINDOWS = (5, 7)
TOLERANCE = 1e-3  # of the logits' spread; arithmetic in another order differs by a thousandth of it
SLIDING_WINDOWS = ("sliding_window", "local_attention", "attention_window", "block_size")
ANY_VOCABULARY = 1000  # for a config that counts no pieces


@torch.no_grad()
def find_difference(network: PreTrainedModel, layout: Layout, max_seq_length: int) -> str:
    """The way in which logits in rows of this layout differ from those of the windows alone, or "".

    The windows are those that will occur: the longest, its half and its quarter, and short ones.
    Raises what the network's code raises on a window alone.
    """
    training = network.training
    network.eval()
    try:
        split = probe_windows(network.config, layout.special, max_seq_length)
        windows = range(len(split.window_starts_W))
        bounds_W = zip(split.window_starts_W.tolist(), split.window_ends_W.tolist(), strict=True)
        expected_PC = torch.cat(
            [
                _logits(network, alone(split, w, layout), split)[first:last]
                for w, (first, last) in enumerate(bounds_W)
            ]
        )
        if not expected_PC.isfinite().all():
            return ""  # no number to compare: the first step's loss says so, by name
        try:
            found_PC = _logits(network, layout.rows(split, windows), split)
        except torch.OutOfMemoryError:
            raise
        except Exception as error:  # the network's code is anybody's
            return f"{type(error).__name__}: {error}".splitlines()[0]
        difference = (found_PC - expected_PC).abs().max().item()
        tolerance = TOLERANCE * max(expected_PC.std().item(), torch.finfo(torch.float32).tiny)
        if difference <= tolerance:
            return ""
        return f"logits differ by {difference:.2g} in windows of {max(split.window_lengths_W)}"
    finally:
        network.train(training)


def _logits(network: PreTrainedModel, batch: Batch, split: EncodedSplit) -> torch.Tensor:
    """logits_PC on the CPU; NaN where the batch holds no such wordpiece."""
    logits_RLC = logits_of(network, to_device(batch, network.device)).cpu()
    logits_PC = torch.full((len(split.ids_P), logits_RLC.shape[-1]), torch.nan)
    real_RL = batch["piece"] >= 0
    logits_PC[batch["piece"][real_RL]] = logits_RLC[real_RL]
    return logits_PC


def probe_windows(
    config: PreTrainedConfig, special: SpecialTokens, max_seq_length: int
) -> EncodedSplit:
    """Windows of the lengths that occur, without a special token in them."""
    sliding = [getattr(config, name, None) or 0 for name in SLIDING_WINDOWS]
    widest = max(max(each) if isinstance(each, list | tuple) else int(each) for each in sliding)
    longest = min(max_seq_length, max(LONGEST_PROBED, 2 * widest))
    most = longest - special.count
    wanted = (most, longest // 2 - special.count, longest // 4 - special.count, *SHORT_WINDOWS)
    lengths = [min(most, max(1, length)) for length in wanted]
    ids = {*special.prefix, *special.suffix, special.pad, getattr(config, "pad_token_id", None)}
    return probe_split(lengths, getattr(config, "vocab_size", None) or ANY_VOCABULARY, ids)


def probe_split(
    lengths: Sequence[int], vocab_size: int, without: Sequence[int] | set = ()
) -> EncodedSplit:
    """Made-up windows of these lengths in wordpieces, one sentence each."""
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    pieces = int(bounds[-1])
    ids = np.setdiff1d(np.arange(vocab_size, dtype=np.int32), [i for i in without if i is not None])
    zeros = np.zeros(pieces, np.int32)
    return EncodedSplit(
        ids_P=ids[(7 * np.arange(pieces) + 11) % len(ids)],
        labels_P=zeros.astype(np.int16),
        starts_P=zeros,
        ends_P=zeros,
        excess_P=zeros,
        sentence_starts=bounds,
        window_sentence_W=np.arange(len(lengths), dtype=np.int32),
        window_starts_W=bounds[:-1],
        window_ends_W=bounds[1:],
        score_starts_W=bounds[:-1].copy(),
        score_ends_W=bounds[1:].copy(),
        lost={},
    )
