"""What a checkpoint holds of a running Trainer, when it is taken, and how it is put back.

Lightning's loops start fresh on a resume; only their counters are set. Everything else follows from
(epoch, step): see `job.batch.EpochPlan` and `job.model.step_seed`.
"""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pytorch_lightning as pl
import torch

from job.checkpoint import CheckpointStore
from job.errors import IncompatibleError
from job.evaluate import EpochRecord
from job.model import TokenClassifier
from job.signals import Stopped, StopRequest

logger = logging.getLogger(__name__)

STATE = "state.pt"


@dataclass(frozen=True)
class Progressed:
    """How far a run has come: the next step is `step` of `epoch`, both from 0."""

    epoch: int = 0
    step: int = 0
    global_step: int = 0
    stopped_early: bool = False
    history: tuple[EpochRecord, ...] = ()


def load_state(folder: Path) -> dict:
    """Reads a fetched checkpoint. Pickled code in it is refused unexecuted."""
    try:
        return torch.load(folder / STATE, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle raises whatever the bytes say
        raise IncompatibleError(
            f"{folder / STATE}: not a checkpoint of this job ({type(error).__name__}); delete it, "
            "or start anew with RESUME=never."
        ) from error


def progressed(state: Mapping) -> Progressed:
    """The position that `load_state` read."""
    history = tuple(EpochRecord(**record) for record in state["history"])
    return Progressed(**{**state["position"], "history": history})


class Checkpoints(pl.Callback):
    """Saves at the end of each epoch, every `every_steps` steps, and when asked to stop.

    A checkpoint is taken between optimiser steps only, so that no half-summed gradient is lost.
    """

    def __init__(
        self,
        store: CheckpointStore,
        stop: StopRequest,
        scratch: Path,
        *,
        facts: Mapping[str, object],
        every_steps: int,
        steps_per_epoch: int,
        start: Progressed,
        state: Mapping | None,
    ):
        self.store, self.stop, self.scratch = store, stop, scratch
        self.facts, self.every_steps, self.steps_per_epoch = facts, every_steps, steps_per_epoch
        self.start, self.state = start, state
        self.history = list(start.history)

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
            return
        trainer.optimizers[0].load_state_dict(self.state["optimizer"])
        trainer.lr_scheduler_configs[0].scheduler.load_state_dict(self.state["scheduler"])
        trainer.precision_plugin.load_state_dict(self.state["precision"])
        for callback in trainer.early_stopping_callbacks:
            callback.load_state_dict(self.state["early_stopping"])
        pl_module.carried_loss = self.state["epoch_loss"]
        self.state = None  # a second copy of the weights and moments

    def on_train_batch_end(
        self,
        trainer: pl.Trainer,
        pl_module: TokenClassifier,
        outputs: object,
        batch,
        batch_idx: int,
    ) -> None:
        step = batch["step"] + 1
        if trainer.fit_loop._should_accumulate() or step == self.steps_per_epoch:
            return
        due = self.every_steps and trainer.global_step % self.every_steps == 0
        if due or self.stop.received:
            self.save(trainer, pl_module, batch["epoch"], step)
        self._stop_if_asked()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: TokenClassifier) -> None:
        self.save(trainer, pl_module, trainer.current_epoch + 1, 0)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self.stop.received:
            raise Stopped(self.stop.received)

    def save(self, trainer: pl.Trainer, module: TokenClassifier, epoch: int, step: int) -> None:
        """Commits the state from which step `step` of epoch `epoch` follows."""
        module.refuse_bad_loss()
        position = {
            "epoch": epoch,
            "step": step,
            "global_step": trainer.global_step,
            "stopped_early": step == 0 and trainer.should_stop,
        }
        early_stopping = [callback.state_dict() for callback in trainer.early_stopping_callbacks]
        state = {
            "network": module.network.state_dict(),
            "optimizer": trainer.optimizers[0].state_dict(),
            "scheduler": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
            "precision": trainer.precision_plugin.state_dict(),
            "early_stopping": early_stopping[0] if early_stopping else {},
            "epoch_loss": module.epoch_loss.cpu() if step else torch.zeros(2),
            "position": position,
            "history": [asdict(record) for record in self.history],
        }
        metrics = {}
        if step == 0:
            metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.scratch.mkdir(exist_ok=True)
        torch.save(state, self.scratch / STATE)
        facts = {**self.facts, "metrics": metrics, "position": position}
        url = self.store.commit(self.scratch, step=trainer.global_step, facts=facts)
        logger.info("Saved %s.", url)
