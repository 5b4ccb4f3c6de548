"""What a checkpoint holds of a running Trainer, when it is taken, and how it is put back.

Lightning's loops start fresh on a resume; only their counters are set. Everything else follows from
(epoch, step): see `job.batches.EpochPlan` and `job.seed`.
"""

import logging
import math
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

import pytorch_lightning as pl
import torch

from job.checkpoints.saver import Saver
from job.evaluation import EpochRecord
from job.model import TokenClassifier
from job.ranks import OneRank, Ranks
from job.signals import Stopped, StopRequest

logger = logging.getLogger(__name__)

AGREE_EVERY = 16  # questions whether to stop: each agreement waits for the devices
SHORT_VALIDATION_S = 2  # so short a one is waited for when asked to stop


@dataclass(frozen=True)
class Progressed:
    """How far a run has come: the next step is `step` of `epoch`, both from 0."""

    epoch: int = 0
    step: int = 0
    global_step: int = 0
    stopped_early: bool = False
    history: tuple[EpochRecord, ...] = ()


def progressed(state: Mapping) -> Progressed:
    """The position that `load_state` read."""
    history = tuple(EpochRecord(**record) for record in state["history"])
    return Progressed(**{**state["position"], "history": history})


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
        saver: Saver,
        stop: StopRequest,
        *,
        may_go_on: Callable[[], None],
        facts: Mapping[str, object],
        every_steps: int,
        steps_per_epoch: int,
        start: Progressed,
        state: Mapping | None,
        ranks: Ranks | None = None,
    ):
        self.saver, self.stop, self.may_go_on = saver, stop, may_go_on
        self.facts, self.every_steps, self.steps_per_epoch = facts, every_steps, steps_per_epoch
        self.start, self.state = start, state
        self.ranks: Ranks = ranks or OneRank()
        self.questions = 0
        self.history = list(start.history)
        self.saved_step = start.global_step
        self.has_reserved = False
        self.before_last_step: Mapping | None = None
        self.validation_s = math.inf  # how long the last one took

    def setup(self, trainer: pl.Trainer, pl_module: TokenClassifier, stage: str) -> None:
        """Tells Lightning's counters where the run goes on."""
        progress = trainer.fit_loop.epoch_progress
        for counter in (progress.current, progress.total):
            for name in ("ready", "started", "processed", "completed"):
                setattr(counter, name, self.start.epoch)
        steps = trainer.fit_loop.epoch_loop.automatic_optimization.optim_progress.optimizer.step
        steps.total.ready = steps.total.completed = self.start.global_step
        trainer.fit_loop.epoch_loop._batches_that_stepped = self.start.global_step
        if self.state is not None:
            pl_module.network.load_state_dict(self.state["network"])

    def on_train_start(self, trainer: pl.Trainer, pl_module: TokenClassifier) -> None:
        self.stop.install()  # Lightning has put its own SIGTERM handler in front, which exits 0
        if self.state is None:
            self._leave_before_the_first_step()
            return
        _load_optimizer(trainer.optimizers[0], self.state["optimizer"])
        trainer.lr_scheduler_configs[0].scheduler.load_state_dict(self.state["scheduler"])
        if self.state["precision"]:  # none where no scaler was needed
            trainer.precision_plugin.load_state_dict(self.state["precision"])
        for callback in trainer.early_stopping_callbacks:
            if self.state["early_stopping"]:
                callback.load_state_dict(self.state["early_stopping"])
        if self.ranks.rank == 0:  # it is that of all
            pl_module.losses.carried = self.state["epoch_loss"]
        self.state = None  # a second copy of the weights and moments
        self._leave_before_the_first_step()

    def _leave_before_the_first_step(self) -> None:
        """Nothing was done that could be lost; several ranks leave together, after a step."""
        if self.ranks.count == 1 and self.stop.received:
            raise Stopped(self.stop.received)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: TokenClassifier, batch, batch_idx: int
    ) -> None:
        batches = trainer.accumulate_grad_batches
        first_of_last_step = (self.steps_per_epoch - 1) // batches * batches
        self.before_last_step = None
        is_long = self.validation_s > SHORT_VALIDATION_S
        is_new = trainer.global_step != self.saved_step
        # What is long, and what was saved, each rank knows for itself alone.
        is_wanted = self.ranks.count > 1 or (is_long and is_new)
        if batch["step"] == first_of_last_step and is_wanted:
            state = self._state(trainer, pl_module, batch["epoch"], batch["step"])
            self.before_last_step = self.saver.copy_of(state)

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: TokenClassifier,
        outputs: object,
        batch,
        batch_idx: int,
    ) -> None:
        self.may_go_on()
        self.saver.raise_if_failed()
        step = batch["step"] + 1
        if trainer.fit_loop._should_accumulate():
            return
        if not self.has_reserved:
            self.saver.reserve(self._state(trainer, pl_module, batch["epoch"], step))
            self.has_reserved = True
        if step == self.steps_per_epoch:
            return
        if self._asked_to_stop():
            pl_module.losses.refuse_bad()
            self._save(self.saver.copy_of(self._state(trainer, pl_module, batch["epoch"], step)))
            self._leave()
        if self.every_steps and trainer.global_step % self.every_steps == 0:
            # The ranks do this together, before what one of them knows alone.
            pl_module.losses.refuse_bad()
            state = self._state(trainer, pl_module, batch["epoch"], step)
            if self.saver.is_busy:
                logger.info("Step %d is not saved: the last save is not done.", trainer.global_step)
                return
            self._save(self.saver.copy_of(state))

    def _asked_to_stop(self) -> bool:
        """Whether the ranks have agreed to stop; each of them asks at the same moments."""
        self.questions += 1
        if self.ranks.count > 1 and self.questions % AGREE_EVERY:
            return False
        return bool(self.ranks.largest(self.stop.received or 0))

    def on_validation_start(self, trainer: pl.Trainer, pl_module: TokenClassifier) -> None:
        self.validation_started_at = time.monotonic()
        self._leave_from_validation(pl_module)

    def on_validation_batch_end(
        self, trainer: pl.Trainer, pl_module: TokenClassifier, outputs, batch, batch_idx, *_
    ) -> None:
        self._leave_from_validation(pl_module)

    def _leave_from_validation(self, module: TokenClassifier) -> None:
        # How long it takes is known to each rank alone.
        is_long = self.ranks.count > 1 or self.validation_s > SHORT_VALIDATION_S
        if is_long and self._asked_to_stop():
            module.losses.refuse_bad()
            before = self.before_last_step
            if before is not None and before["position"]["global_step"] != self.saved_step:
                self._save(before)
            self._leave()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: TokenClassifier) -> None:
        self.validation_s = time.monotonic() - self.validation_started_at
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        state = self._state(trainer, pl_module, trainer.current_epoch + 1, 0)
        self._save(self.saver.copy_of(state), metrics)
        if self._asked_to_stop():
            self._leave()

    def _leave(self) -> None:
        self.saver.wait()
        raise Stopped(self.stop.received or signal.SIGTERM)

    def _save(self, copied: Mapping, metrics: Mapping[str, float] | None = None) -> None:
        position = copied["position"]
        self.saved_step = position["global_step"]
        facts = {**self.facts, "metrics": metrics or {}, "position": position}
        self.saver.save(copied, self.saved_step, facts)

    def _state(self, trainer: pl.Trainer, module: TokenClassifier, epoch: int, step: int) -> dict:
        """The state from which step `step` of epoch `epoch` follows."""
        early_stopping = [callback.state_dict() for callback in trainer.early_stopping_callbacks]
        return {
            "network": module.network.state_dict(),
            "optimizer": trainer.optimizers[0].state_dict(),
            "scheduler": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
            "precision": trainer.precision_plugin.state_dict(),
            "early_stopping": early_stopping[0] if early_stopping else {},
            "epoch_loss": self.ranks.total(module.losses.epoch) if step else torch.zeros(2),
            "position": {
                "epoch": epoch,
                "step": step,
                "global_step": trainer.global_step,
                "stopped_early": step == 0 and trainer.should_stop,
            },
            "history": [asdict(record) for record in self.history],
        }


def _load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping) -> None:
    """The state, with this device's kernel in the place of the one that it was saved from."""
    kernels = [{"fused": group["fused"]} for group in optimizer.param_groups]
    groups = [
        {**saved, **kernel} for saved, kernel in zip(state["param_groups"], kernels, strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})
