"""A run's batches as Lightning asks for them, and the worker processes that prepare them."""

import logging
import multiprocessing
import os
import resource
import shutil
from pathlib import Path

import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader, Dataset

from job.batches.rows import Batch
from job.batches.training import TrainingSteps

logger = logging.getLogger(__name__)

SHARED_MEMORY = Path("/dev/shm")
WORKER_TIMEOUT_S = 120  # for one batch, which takes milliseconds
PAGE_BYTES = 4096
FILES_OF_A_RUN = 64  # open beside the tensors that are on their way from a worker


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
        assert self.trainer is not None, "Lightning asks, and has set it before"
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
