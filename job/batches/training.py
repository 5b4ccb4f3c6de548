"""The batches of training: the windows of each step's sentences, shared out among the ranks."""

import numpy as np
from torch.utils.data import Dataset

from job.batches.plan import EpochPlan
from job.batches.rows import Batch, Layout
from job.encoding import EncodedSplit


class TrainingSteps(Dataset):
    """Item (epoch, step) is the batch of that step, whichever worker process builds it."""

    def __init__(
        self,
        split: EncodedSplit,
        layout: Layout,
        plan: EpochPlan,
        rank: int = 0,
        rows_ES: np.ndarray | None = None,
    ):
        """`rows_ES`: how many rows each epoch's steps take; None is as many as they need."""
        self.split, self.layout, self.plan, self.rank = split, layout, plan, rank
        self.rows_ES = rows_ES
        sentences = np.arange(split.sentence_count + 1)
        self.first_window = np.searchsorted(split.window_sentence_W, sentences)

    def __getitem__(self, epoch_and_step: tuple[int, int]) -> Batch:
        epoch, step = epoch_and_step
        count = None if self.rows_ES is None else int(self.rows_ES[epoch, step])
        batch = self.layout.rows(self.split, self.windows(epoch_and_step), count)
        batch["epoch"], batch["step"] = epoch, step
        return batch

    def windows(self, epoch_and_step: tuple[int, int]) -> list[int]:
        """This rank's windows of the step's sentences."""
        return self.shares(epoch_and_step)[self.rank]

    def shares(self, epoch_and_step: tuple[int, int]) -> list[list[int]]:
        """The windows of the step's sentences, shared out among the ranks so that each has about
        as many wordpieces. Their gradients are added up, so it does not matter who has which."""
        ranks = range(self.plan.world_size)
        sentences = np.concatenate([self.plan.sentences(*epoch_and_step, rank) for rank in ranks])
        bounds = zip(self.first_window[sentences], self.first_window[sentences + 1], strict=True)
        windows = [window for first, last in bounds for window in range(first, last)]
        if len(ranks) == 1:
            return [windows]
        lengths = self.split.window_lengths_W[windows].tolist()
        shares: list[list[int]] = [[] for _ in ranks]
        loads = [0] * len(ranks)
        # Longest first to whoever has least: https://doi.org/10.1137/0117039
        for item in sorted(range(len(windows)), key=lambda i: -lengths[i]):
            rank = loads.index(min(loads))
            shares[rank].append(windows[item])
            loads[rank] += lengths[item]
        return shares

    def __len__(self) -> int:
        return self.plan.steps
