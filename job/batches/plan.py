"""The plan of an epoch, and the batches that it asks for.

A step takes BATCH_SIZE sentences in shuffled order, whatever their layout in memory. Which ones is
a function of (seed, epoch, step, rank), so resuming needs a number and not a state.
"""

import logging
import multiprocessing
import os
import resource
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from job.batches.rows import Batch, Layout
from job.encoding import EncodedSplit
from job.seed import order_of_epoch

logger = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")
WORKER_TIMEOUT_S = 120  # for one batch, which takes milliseconds
PAGE_BYTES = 4096
FILES_OF_A_RUN = 64  # open beside the tensors that are on their way from a worker


@dataclass(frozen=True)
class EpochPlan:
    """Which sentences each step takes: a function of (seed, epoch, step, rank) and nothing else.

    Every epoch takes every sentence once; the last step may be smaller. On several devices a step
    takes `batch_size` sentences for each.
    """

    sentence_count: int
    batch_size: int
    seed: int
    world_size: int = 1

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return -(-self.sentence_count // (self.batch_size * self.world_size))

    def sentences(self, epoch: int, step: int, rank: int = 0) -> np.ndarray:
        """Indices of the sentences of one step on one device; epoch and step count from 0."""
        order = order_of_epoch(self.sentence_count, self.seed, epoch)
        per_step = self.batch_size * self.world_size
        return order[step * per_step : (step + 1) * per_step][rank :: self.world_size]


class TrainingSteps(Dataset):
    """Item (epoch, step) is the batch of that step, whichever worker process builds it.

    The batch carries its `epoch` and `step`, counted from 0, as plain numbers.
    """

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
        return {**batch, "epoch": epoch, "step": step}

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
        if number >= len(self):
            raise IndexError(number)
        windows = self.windows[number * self.size : (number + 1) * self.size]
        return self.layout.rows(self.split, windows.tolist())

    def __len__(self) -> int:
        return -(-self.most // self.size)


class RunData(pl.LightningDataModule):
    """The batches of a run that starts, or goes on, at step `first_step` of epoch `first_epoch`.

    Lightning asks for the training batches anew in each epoch
    (`reload_dataloaders_every_n_epochs=1`), so that a resumed epoch is simply a shorter one.
    """

    def __init__(
        self,
        train: TrainingSteps,
        validation: Dataset,
        *,
        first_epoch: int,
        first_step: int,
        workers: int,
    ):
        super().__init__()
        self.train, self.validation = train, validation
        self.workers = workers_that_fit(workers, train[0, 0]) if workers else 0
        self.first_epoch, self.first_step = first_epoch, first_step

    def train_dataloader(self) -> DataLoader:
        epoch = self.trainer.current_epoch
        first_step = self.first_step if epoch == self.first_epoch else 0
        return DataLoader(
            self.train,
            batch_size=None,
            sampler=[(epoch, step) for step in range(first_step, len(self.train))],
            num_workers=self.workers,
            # A worker that cannot start its own threads lives on and delivers nothing.
            timeout=WORKER_TIMEOUT_S if self.workers else 0,
            pin_memory=torch.cuda.is_available(),
        )

    def val_dataloader(self) -> DataLoader:
        return DataLoader(self.validation, batch_size=None, shuffle=False)


def workers_that_fit(workers: int, batch: Batch, folder: Path = SHARED_MEMORY) -> int:
    """`workers`, or 0 where shared memory is too small for batches like this one on their way, or
    open files are too few.

    A process that writes beyond its end is killed by SIGBUS, without a message.
    """
    tensors = [value for value in batch.values() if isinstance(value, torch.Tensor)]
    batch_bytes = sum(-(-each.nbytes // PAGE_BYTES) * PAGE_BYTES for each in tensors)
    # Two wait for each worker, one is in use, one is under way; others may be twice as large.
    under_way = 2 * workers + 2
    needed = 2 * under_way * batch_bytes
    free = shutil.disk_usage(folder).free if folder.exists() else 0
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if free < needed:
        why = (
            f"{folder} has {free / 1e6:.1f} MB free and their batches may take {needed / 1e6:.1f} "
            "MB",
            "give the container more with --shm-size",
        )
    elif most_files < FILES_OF_A_RUN + under_way * len(tensors):
        why = (f"this process may have {most_files} open files", "raise that with ulimit -n")
    elif no_lock := _why_no_lock():
        why = (f"they cannot share a lock ({no_lock})", f"make {folder} writable")
    else:
        return workers
    logger.warning(
        "CPU_WORKERS=%d: %s, so batches are prepared in the main process; %s.", workers, *why
    )
    return 0


def _why_no_lock() -> str:
    """Why processes cannot have a lock together, which lies in /dev/shm as well; "" where they
    can."""
    try:
        multiprocessing.Lock()
    except OSError as error:
        return os.strerror(error.errno) if error.errno else str(error)
    return ""
