"""The callback that takes checkpoints, and ends a run that was asked to stop."""

import logging
import math
import time
from collections.abc import Callable, Mapping

import pytorch_lightning as pl
import torch

from job.batches import Batch
from job.checkpoints.position import Position
from job.checkpoints.saver import Saves
from job.checkpoints.state import State
from job.checkpoints.trainer_state import is_between_steps, put_back, set_counters, state_of
from job.model import TokenClassifier
from job.ranks import OneRank, Ranks
from job.signals import Stopped, StopSource

logger = logging.getLogger(__name__)

AGREE_EVERY = 16  # questions whether to stop: each agreement waits for the devices
SHORT_VALIDATION_S = 2  # so short a one is waited for when asked to stop


class Checkpoints(pl.Callback):
    """Saves at the end of each epoch, every `every_steps` steps, and when asked to stop.

    A checkpoint is taken between optimiser steps only, so that no half-summed gradient is lost.
    Asked to stop in a long validation, it saves the state before the epoch's last step, so that the
    validation need not be waited for, nor taken up in the middle. `may_go_on` raises when this
    process must not write any more. Every rank has these callbacks and comes through them alike;
    the first alone has a `saver` that saves, and is asked to stop for all.
    """

    def __init__(
        self,
        saver: Saves,
        stop: StopSource,
        module: TokenClassifier,
        *,
        may_go_on: Callable[[], None],
        facts: Mapping[str, object],
        every_steps: int,
        steps_per_epoch: int,
        start: Position,
        state: State | None,
        ranks: Ranks | None = None,
    ):
        self.saver, self.stop, self.module, self.may_go_on = saver, stop, module, may_go_on
        self.facts, self.every_steps, self.steps_per_epoch = facts, every_steps, steps_per_epoch
        self.start, self.state = start, state
        self.ranks: Ranks = ranks or OneRank()
        self.questions = 0
        self.agreed = 0  # the signal by which all ranks stop
        self.history = list(start.history)
        self.saved_step = start.global_step
        self.has_reserved = False
        self.before_last_step: State | None = None
        self.validation_s = math.inf  # how long the last one took

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Loads the weights, and tells Lightning where the run goes on."""
        set_counters(trainer, self.start)
        if self.state is not None:
            self.module.network.load_state_dict(self.state["network"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.stop.install()  # Lightning has put its own SIGTERM handler in front, which exits 0
        if self.state is not None:
            put_back(trainer, self.state)
            if self.ranks.rank == 0:  # it is that of all
                self.module.losses.carried = self.state["epoch_loss"]
            self.state = None  # a second copy of the weights and moments
        self._leave_before_the_first_step()

    def _leave_before_the_first_step(self) -> None:
        """Nothing was done that could be lost; several ranks leave together, after a step."""
        if self.ranks.count == 1 and (received := self.stop.received):
            raise Stopped(received)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Batch, batch_idx: int
    ) -> None:
        batches = trainer.accumulate_grad_batches
        first_of_last_step = (self.steps_per_epoch - 1) // batches * batches
        self.before_last_step = None
        is_long = self.validation_s > SHORT_VALIDATION_S
        is_new = trainer.global_step != self.saved_step
        # What is long, and what was saved, each rank knows for itself alone.
        is_wanted = self.ranks.count > 1 or (is_long and is_new)
        if batch["step"] == first_of_last_step and is_wanted:
            state = self._state(trainer, batch["epoch"], batch["step"])
            self.before_last_step = self.saver.copy_of(state)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: pl.LightningModule,
        outputs: object,
        batch: Batch,
        batch_idx: int,
    ) -> None:
        self.may_go_on()
        self.saver.raise_if_failed()
        step = batch["step"] + 1
        if not is_between_steps(trainer):
            return
        if not self.has_reserved:
            self.saver.reserve(self._state(trainer, batch["epoch"], step))
            self.has_reserved = True
        if step == self.steps_per_epoch:
            return
        if self._asked_to_stop():
            self.module.losses.refuse_bad()
            self._save(self.saver.copy_of(self._state(trainer, batch["epoch"], step)))
            self._leave()
        if self.every_steps and trainer.global_step % self.every_steps == 0:
            # The ranks do this together, before what one of them knows alone.
            self.module.losses.refuse_bad()
            state = self._state(trainer, batch["epoch"], step)
            if self.saver.is_busy:
                logger.info("Step %d is not saved: the last save is not done.", trainer.global_step)
                return
            self._save(self.saver.copy_of(state))

    def _asked_to_stop(self) -> bool:
        """Whether the ranks have agreed to stop; each of them asks at the same moments."""
        self.questions += 1
        if self.ranks.count > 1 and self.questions % AGREE_EVERY:
            return False
        self.agreed = self.ranks.largest(self.stop.received or 0)
        return bool(self.agreed)

    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.validation_started_at = time.monotonic()
        self._leave_from_validation()

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *batch: object
    ) -> None:
        self._leave_from_validation()

    def _leave_from_validation(self) -> None:
        # How long it takes is known to each rank alone.
        is_long = self.ranks.count > 1 or self.validation_s > SHORT_VALIDATION_S
        if is_long and self._asked_to_stop():
            self.module.losses.refuse_bad()
            before = self.before_last_step
            if before is not None and before["position"]["global_step"] != self.saved_step:
                self._save(before)
            self._leave()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.validation_s = time.monotonic() - self.validation_started_at
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        state = self._state(trainer, trainer.current_epoch + 1, 0)
        self._save(self.saver.copy_of(state), metrics)
        if self._asked_to_stop():
            self._leave()

    def _leave(self) -> None:
        self.saver.wait()
        raise Stopped(self.agreed)

    def _save(self, copied: State, metrics: Mapping[str, float] | None = None) -> None:
        position = copied["position"]
        self.saved_step = position["global_step"]
        facts = {**self.facts, "metrics": metrics or {}, "position": position}
        self.saver.save(copied, self.saved_step, facts)

    def _state(self, trainer: pl.Trainer, epoch: int, step: int) -> State:
        """The state from which step `step` of epoch `epoch` follows."""
        position = Position(
            epoch,
            step,
            trainer.global_step,
            stopped_early=step == 0 and trainer.should_stop,
            history=tuple(self.history),
        )
        epoch_loss = self.ranks.total(self.module.losses.epoch) if step else torch.zeros(2)
        return state_of(trainer, self.module, position, epoch_loss)
