"""The state of a running Trainer: taken, and put back. All that reaches into Lightning is here.

Lightning's loops start fresh on a resume; only their counters are set. Everything else follows from
(epoch, step): see `job.batches.EpochPlan` and `job.seed`.
"""

from collections.abc import Mapping
from typing import Any

import pytorch_lightning as pl
import torch

from job.checkpoints.position import Position, position_of
from job.checkpoints.state import State
from job.model import TokenClassifier


def state_of(
    trainer: pl.Trainer, module: TokenClassifier, position: Position, epoch_loss: torch.Tensor
) -> State:
    """The state from which the step at `position` follows.

    `epoch_loss`: the summed loss and the wordpieces of the epoch so far, of all ranks.
    """
    return {
        "network": module.network.state_dict(),
        "optimizer": trainer.optimizers[0].state_dict(),
        "scheduler": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
        "precision": trainer.precision_plugin.state_dict(),
        "early_stopping": {},  # earlier versions look there; this one counts in the history
        "epoch_loss": epoch_loss,
        **position.to_state(),
    }


def set_counters(trainer: pl.Trainer, position: Position) -> None:
    """Tells Lightning's counters where the run goes on, before it trains."""
    progress = trainer.fit_loop.epoch_progress
    for counter in (progress.current, progress.total):
        for name in ("ready", "started", "processed", "completed"):
            setattr(counter, name, position.epoch)
    steps = trainer.fit_loop.epoch_loop.automatic_optimization.optim_progress.optimizer.step
    steps.total.ready = steps.total.completed = position.global_step
    trainer.fit_loop.epoch_loop._batches_that_stepped = position.global_step


def put_back(trainer: pl.Trainer, state: State) -> None:
    """Gives the optimiser and all that goes with it what `state_of` has taken."""
    _load_optimizer(trainer.optimizers[0], state["optimizer"])
    trainer.lr_scheduler_configs[0].scheduler.load_state_dict(state["scheduler"])
    if state["precision"]:  # none where no scaler was needed
        trainer.precision_plugin.load_state_dict(state["precision"])
    for callback in trainer.early_stopping_callbacks:
        # As if these epochs had been watched: MONITOR and the patience may be new.
        for record in position_of(state).history:
            callback._evaluate_stopping_criteria(torch.tensor(record.metric(callback.monitor)))


def is_between_steps(trainer: pl.Trainer) -> bool:
    """Whether the gradients of the batches so far have become an optimiser step."""
    return not trainer.fit_loop._should_accumulate()


def _load_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """The state, with this device's kernel in the place of the one that it was saved from."""
    kernels = [{"fused": group["fused"]} for group in optimizer.param_groups]
    groups = [
        {**saved, **kernel} for saved, kernel in zip(state["param_groups"], kernels, strict=True)
    ]
    optimizer.load_state_dict({**state, "param_groups": groups})
