"""Windows of wordpieces → rows of fixed length.

Windows are packed best-fit into rows, so that hardly a position is padding. Positions restart in
each window and a block-diagonal mask keeps windows of one row apart, so the loss and the gradient
are those of one window per row. Packing: Krell et al. 2021, https://arxiv.org/abs/2107.02027.
Shape legend:

    R rows, L positions of a row, W windows, P wordpieces of the split
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, cast

import numpy as np
import torch

from job.encoding import EncodedSplit, SpecialTokens

IGNORED_LABEL = -100


class Batch(TypedDict):
    """Rows of windows. A batch of training carries the numbers of its step, counted from 0."""

    input_ids: torch.Tensor  # int64 (R, L)
    labels: torch.Tensor  # int64 (R, L), the label id where a wordpiece is scored, or -100
    piece: torch.Tensor  # int64 (R, L), the wordpiece of the split that is scored here, or -1
    attention_mask: torch.Tensor  # bool (R, 1, L, L) of packed rows, int64 (R, L) of padded ones
    position_ids: NotRequired[torch.Tensor]  # int64 (R, L); padded rows have the usual ones
    epoch: NotRequired[int]
    step: NotRequired[int]


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The same batch with its tensors on a device."""
    moved = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
    return cast(Batch, moved)


@dataclass(frozen=True)
class Layout:
    """The layout of windows in memory.

    `packed`: several windows a row of `row_length` positions; row counts are rounded up to a
    multiple of `row_multiple`, so that few shapes occur. Otherwise one window a row, padded to the
    longest, for models whose code takes no 4-D mask. `first_position` is the position id of a
    window's first token (RoBERTa counts from padding_idx + 1).
    """

    special: SpecialTokens
    row_length: int
    packed: bool = True
    row_multiple: int = 1
    first_position: int = 0

    def rows(self, split: EncodedSplit, windows: Sequence[int], count: int | None = None) -> Batch:
        """The batch of these windows, in `count` rows where it is given. See `fill_rows`."""
        if self.packed:
            return pack(split, windows, self, count)
        return pad(split, windows, self)


def best_fit(lengths: Sequence[int], row_length: int) -> tuple[list[int], list[int], int]:
    """Row and first position of each item, longest first into the fullest row that takes it.

    Returns (rows, starts, number of rows); best-fit decreasing, ties by order.
    """
    rows, starts = [0] * len(lengths), [0] * len(lengths)
    free: list[int] = []
    for item in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        length = lengths[item]
        row = min(
            (r for r, space in enumerate(free) if space >= length), key=free.__getitem__, default=-1
        )
        if row < 0:
            row = len(free)
            free.append(row_length)
        rows[item], starts[item] = row, row_length - free[row]
        free[row] -= length
    return rows, starts, len(free)


def pack(
    split: EncodedSplit, windows: Sequence[int], layout: Layout, count: int | None = None
) -> Batch:
    """Packed rows, best fit; `count` of them, or as many as the layout rounds up to."""
    special = layout.special.count
    lengths = [int(split.window_lengths_W[w]) + special for w in windows]
    rows, starts, needed = best_fit(lengths, layout.row_length)
    if count is None:
        count = -(-max(needed, 1) // layout.row_multiple) * layout.row_multiple
    assert needed <= count, f"{needed} rows where {count} were planned"
    return place(split, windows, layout, rows, starts, count)


def place(
    split: EncodedSplit,
    windows: Sequence[int],
    layout: Layout,
    rows: Sequence[int],
    starts: Sequence[int],
    count: int,
) -> Batch:
    """`count` rows with a ready 4-D mask: padding attends to padding, so no row of it is empty."""
    shape = (count, layout.row_length)
    batch, segment_RL = fill_rows(split, windows, layout, rows, starts, shape)
    batch["attention_mask"] = segment_RL[:, None, :, None] == segment_RL[:, None, None, :]
    return batch


def pad(split: EncodedSplit, windows: Sequence[int], layout: Layout) -> Batch:
    """One window a row, padded to the longest (rounded up to 8), with the usual 2-D mask.

    Without a window, which a rank may be, one row of padding that attends to itself.
    """
    longest = max((int(split.window_lengths_W[w]) for w in windows), default=0)
    length = -(-(longest + layout.special.count) // 8) * 8
    rows, starts = list(range(len(windows))), [0] * len(windows)
    shape = (max(1, len(windows)), length)
    batch, _ = fill_rows(split, windows, layout, rows, starts, shape)
    if not windows:
        batch["attention_mask"] = torch.ones(shape).long()
    del batch["position_ids"]
    return batch


def alone(split: EncodedSplit, window: int, layout: Layout) -> Batch:
    """One window in a row of its own length: nothing beside it, no padding, usual positions."""
    length = int(split.window_lengths_W[window]) + layout.special.count
    batch, _ = fill_rows(split, [window], layout, [0], [0], (1, length))
    del batch["position_ids"]
    return batch


def fill_rows(
    split: EncodedSplit,
    windows: Sequence[int],
    layout: Layout,
    rows: Sequence[int],
    starts: Sequence[int],
    shape: tuple[int, int],
) -> tuple[Batch, torch.Tensor]:
    """Writes windows into rows; returns the batch and segment_RL (the window's number, or -1).

    Its mask is the usual 2-D one, for rows of one window each.
    """
    special = layout.special
    prefix, suffix = np.array(special.prefix, np.int64), np.array(special.suffix, np.int64)
    input_ids_RL = np.full(shape, special.pad, np.int64)
    position_ids_RL = np.zeros(shape, np.int64) + layout.first_position
    piece_RL = np.full(shape, -1, np.int64)
    segment_RL = np.full(shape, -1, np.int64)
    for number, (window, row, start) in enumerate(zip(windows, rows, starts, strict=True)):
        first, last = split.window_starts_W[window], split.window_ends_W[window]
        ids = np.concatenate([prefix, split.ids_P[first:last], suffix])
        here = slice(start, start + len(ids))
        input_ids_RL[row, here] = ids
        position_ids_RL[row, here] += np.arange(len(ids))
        segment_RL[row, here] = number
        scored = np.arange(split.score_starts_W[window], split.score_ends_W[window])
        piece_RL[row, start + len(prefix) - first + scored] = scored
    labels_RL = np.full(shape, IGNORED_LABEL, np.int64)
    real_RL = piece_RL >= 0
    labels_RL[real_RL] = split.labels_P[piece_RL[real_RL]]
    batch = Batch(
        input_ids=torch.from_numpy(input_ids_RL),
        position_ids=torch.from_numpy(position_ids_RL),
        piece=torch.from_numpy(piece_RL),
        labels=torch.from_numpy(labels_RL),
        attention_mask=torch.from_numpy((segment_RL >= 0).astype(np.int64)),
    )
    return batch, torch.from_numpy(segment_RL)
