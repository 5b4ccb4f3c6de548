"""The batches of a validation or evaluation: every window of a split once.

`EvaluationBatches` has rows as they come; `EvaluationRows` has one shape, for a device that
compiles each shape for itself. All windows of a sentence go to one rank, which can then tell the
labels of the whole sentence.
"""

from collections.abc import Iterator

import numpy as np
from torch.utils.data import Dataset

from job.batches.rows import Batch, Layout, best_fit, place
from job.encoding import EncodedSplit

EVALUATION_ROWS = 32  # a batch and rank
PACKED_AT_ONCE = 1024  # windows; best fit takes the square of it


class EvaluationBatches(Dataset):
    """Every window of a split once, windows of like length together; ranks share them out.

    `windows_per_batch` is constant, so memory does not depend on the corpus. Every rank has as many
    batches, the last of which may hold none of the windows.
    """

    def __init__(
        self,
        split: EncodedSplit,
        layout: Layout,
        rank: int = 0,
        world_size: int = 1,
        windows_per_batch: int = 128,
    ):
        self.split, self.layout, self.size = split, layout, windows_per_batch
        order = np.argsort(-split.window_lengths_W, kind="stable")
        rank_W = _shared_out(split, world_size)
        self.windows = order[rank_W[order] == rank]
        self.most = int(np.bincount(rank_W, minlength=world_size).max())

    def __getitem__(self, number: int) -> Batch:
        windows = self.windows[number * self.size : (number + 1) * self.size]
        return self.layout.rows(self.split, windows.tolist())

    def __iter__(self) -> Iterator[Batch]:
        return (self[number] for number in range(len(self)))

    def __len__(self) -> int:
        return -(-self.most // self.size)


class EvaluationRows(Dataset):
    """Every window of a split once, in batches of one shape and the same number on every rank."""

    def __init__(self, split: EncodedSplit, layout: Layout, rank: int, world_size: int):
        self.split, self.layout = split, layout
        rank_W = _shared_out(split, world_size)
        rows = [_packed(split, layout, np.flatnonzero(rank_W == r)) for r in range(world_size)]
        self.rows, self.most = rows[rank], max(map(len, rows))
        self.size = min(EVALUATION_ROWS, self.most)

    def __getitem__(self, number: int) -> Batch:
        first = number * self.size
        windows, rows, starts = [], [], []
        for row, placed in enumerate(self.rows[first : first + self.size]):
            for window, start in placed:
                windows.append(window)
                rows.append(row)
                starts.append(start)
        return place(self.split, windows, self.layout, rows, starts, self.size)

    def __iter__(self) -> Iterator[Batch]:
        return (self[number] for number in range(len(self)))

    def __len__(self) -> int:
        return -(-self.most // self.size)


def _shared_out(split: EncodedSplit, world_size: int) -> np.ndarray:
    """The rank of each window: sentences are dealt out in turns, those of the most wordpieces
    first."""
    order = np.argsort(-np.diff(split.sentence_starts), kind="stable")
    rank_N = np.empty(len(order), np.int64)
    rank_N[order] = np.arange(len(order)) % world_size
    return rank_N[split.window_sentence_W]


def _packed(
    split: EncodedSplit, layout: Layout, windows: np.ndarray
) -> list[list[tuple[int, int]]]:
    """(window, start) of each row."""
    lengths_W = split.window_lengths_W + layout.special.count
    packed: list[list[tuple[int, int]]] = []
    for first in range(0, len(windows), PACKED_AT_ONCE):
        some = windows[first : first + PACKED_AT_ONCE]
        rows, starts, count = best_fit(lengths_W[some].tolist(), layout.row_length)
        here: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for window, row, start in zip(some.tolist(), rows, starts, strict=True):
            here[row].append((window, start))
        packed += here
    return packed
