"""The history of a run, a record for each epoch, and the progress line between them."""

import logging
import math
import time
from collections.abc import Sequence
from typing import Protocol

import pytorch_lightning as pl

from job.batches import Batch
from job.checkpoints import Checkpoints
from job.evaluation import EpochRecord
from job.figures import rounded
from job.machine import Dispensable
from job.model import TokenClassifier

logger = logging.getLogger(__name__)

SHOW_EVERY_S = 0.2  # reading the loss waits for the device


class ProgressDisplay(Protocol):
    """The place where people see how far a run is, as `job.progress_line.ProgressLine` is one."""

    def update(
        self,
        *,
        epoch: int,
        step: int,
        steps_total: int,
        loss: float | None,
        f1: float | None,
        sentences_done: int,
    ) -> None:
        """After `step` of the `steps_total` steps of `epoch`; both count from 1."""

    def close(self) -> None:
        """Ends the display."""


class EpochHistory(pl.Callback):
    """Feeds the progress line, and adds an EpochRecord to the history that checkpoints carry.

    Stands before `Checkpoints` among the callbacks, so that a checkpoint holds its own epoch.
    """

    def __init__(
        self,
        line: ProgressDisplay,
        checkpoints: Checkpoints,
        module: TokenClassifier,
        steps_per_epoch: int,
        sentences: int,
        monitored: tuple[str, str],
    ):
        self.line, self.checkpoints, self.module = line, checkpoints, module
        self.monitored = monitored
        self.steps_per_epoch, self.sentences = steps_per_epoch, sentences
        self.spare = Dispensable("The progress line fails")
        self.shown_at = -math.inf
        self.trained_s = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.started_at = time.monotonic()
        self.first_step: int | None = None

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        if self.first_step is None:
            self.first_step = batch["step"]

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        now = time.monotonic()
        step = batch["step"] + 1
        if now - self.shown_at < SHOW_EVERY_S and step < self.steps_per_epoch:
            return
        self.shown_at = now
        f1 = self.checkpoints.history[-1].f1_characters if self.checkpoints.history else None
        loss = self.module.losses.recent()
        with self.spare:
            self.line.update(
                epoch=batch["epoch"] + 1,
                step=step,
                steps_total=self.steps_per_epoch,
                loss=loss,
                f1=f1,
                sentences_done=self._sentences(batch["epoch"] * self.steps_per_epoch + step),
            )

    def _sentences(self, steps: int) -> int:
        return round(steps * self.sentences / self.steps_per_epoch)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.trained_s = time.monotonic() - self.started_at

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        steps = self.steps_per_epoch - (self.first_step or 0)
        updates = -(-self.steps_per_epoch // trainer.accumulate_grad_batches)
        rate = self.module.learning_rate * self.module.schedule(trainer.current_epoch * updates)
        record = EpochRecord(
            epoch=trainer.current_epoch + 1,
            step=trainer.global_step,
            train_loss=metrics["train_loss"],
            val_loss=metrics["val_loss"],
            f1_characters=metrics["val_f1"],
            f1_wordpieces=metrics["val_f1_wordpiece"],
            sentences_per_s=self._sentences(steps) / max(self.trained_s, 1e-9),
            seconds=time.monotonic() - self.started_at,
            learning_rate=rate,  # that of its first step
            val_accuracy=metrics["val_accuracy"],
        )
        self.checkpoints.history.append(record)
        logger.info("%s", epoch_line(self.checkpoints.history, trainer.max_epochs, self.monitored))


def epoch_line(
    history: Sequence[EpochRecord], epochs: int | None, monitored: tuple[str, str]
) -> str:
    """What the last epoch brought, and which is the best by ("min" or "max", metric) so far."""
    mode, metric = monitored
    last = history[-1]

    def monitored_of(record: EpochRecord) -> float:
        return record.metric(metric) if mode == "max" else -record.metric(metric)

    known = [record for record in history if math.isfinite(monitored_of(record))]
    best = max(known, key=monitored_of, default=last)  # of equal ones the first, as for checkpoints
    return (
        f"epoch {last.epoch}/{epochs}: val_loss {rounded(last.val_loss)}, "
        f"val F1 {rounded(last.f1_characters)}, {rounded(last.seconds, '.1f')} s; "
        f"best so far: epoch {best.epoch} by {mode} {metric}"
    )
