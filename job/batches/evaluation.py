"""The batches of a validation or evaluation: every window of a split once.

`EvaluationBatches` has rows as they come; `EvaluationRows` has one shape, for a device that
compiles each shape for itself.
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
        self.windows = order[rank::world_size]
        self.most = len(order[::world_size])

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
        self.split, self.layout, self.rank, self.world_size = split, layout, rank, world_size
        self.rows = _packed(split, layout)
        self.size = min(EVALUATION_ROWS, -(-len(self.rows) // world_size))

    def __getitem__(self, number: int) -> Batch:
        first = (number * self.world_size + self.rank) * self.size
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
        return -(-len(self.rows) // (self.size * self.world_size))


def _packed(split: EncodedSplit, layout: Layout) -> list[list[tuple[int, int]]]:
    """(window, start) of each row."""
    lengths_W = (split.window_lengths_W + layout.special.count).tolist()
    packed: list[list[tuple[int, int]]] = []
    for first in range(0, len(lengths_W), PACKED_AT_ONCE):
        lengths = lengths_W[first : first + PACKED_AT_ONCE]
        rows, starts, count = best_fit(lengths, layout.row_length)
        here: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for window, (row, start) in enumerate(zip(rows, starts, strict=True), first):
            here[row].append((window, start))
        packed += here
    return packed
