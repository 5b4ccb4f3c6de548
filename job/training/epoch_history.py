"""What a run tells while it trains: the progress line, TensorBoard, and a record of each epoch."""

import math
import time

import pytorch_lightning as pl

from job.checkpoints import Checkpoints
from job.evaluation import EpochRecord
from job.log import Progress
from job.machine import Dispensable
from job.model import TokenClassifier

SHOW_EVERY_S = 0.2  # reading the loss waits for the device


class Telling(pl.Callback):
    """Feeds the progress line, and adds an EpochRecord to the history that checkpoints carry.

    Stands before `Checkpoints` among the callbacks, so that a checkpoint holds its own epoch.
    """

    def __init__(
        self, line: Progress, checkpoints: Checkpoints, steps_per_epoch: int, sentences: int
    ):
        self.line, self.checkpoints = line, checkpoints
        self.steps_per_epoch, self.sentences = steps_per_epoch, sentences
        self.spare = Dispensable("The progress line fails")
        self.shown_at = -math.inf
        self.trained_s = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: TokenClassifier) -> None:
        self.started_at = time.monotonic()
        self.first_step: int | None = None

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx: int) -> None:
        if self.first_step is None:
            self.first_step = batch["step"]

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: TokenClassifier, outputs, batch, batch_idx: int
    ) -> None:
        now = time.monotonic()
        step = batch["step"] + 1
        if now - self.shown_at < SHOW_EVERY_S and step < self.steps_per_epoch:
            return
        self.shown_at = now
        f1 = self.checkpoints.history[-1].f1_characters if self.checkpoints.history else None
        loss = pl_module.losses.recent()
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

    def on_validation_start(self, trainer: pl.Trainer, pl_module: TokenClassifier) -> None:
        self.trained_s = time.monotonic() - self.started_at

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: TokenClassifier) -> None:
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        steps = self.steps_per_epoch - (self.first_step or 0)
        updates = -(-self.steps_per_epoch // trainer.accumulate_grad_batches)
        rate = pl_module.learning_rate * pl_module.schedule(trainer.current_epoch * updates)
        self.checkpoints.history.append(
            EpochRecord(
                epoch=trainer.current_epoch + 1,
                step=trainer.global_step,
                train_loss=metrics["train_loss"],
                val_loss=metrics["val_loss"],
                f1_characters=metrics["val_f1"],
                f1_wordpieces=metrics["val_f1_wordpiece"],
                sentences_per_s=self._sentences(steps) / max(self.trained_s, 1e-9),
                seconds=time.monotonic() - self.started_at,
                learning_rate=rate,  # that of its first step
            )
        )
