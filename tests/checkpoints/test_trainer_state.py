"""The state of a Trainer is put back for the arguments of the run that goes on."""

from types import SimpleNamespace

import pytest
import torch
from pytorch_lightning.callbacks import EarlyStopping

from job.checkpoints.position import Position
from job.checkpoints.trainer_state import put_back
from tests.evaluation.test_report import epoch

# By F1 the second is the best, by loss the first.
HISTORY = (
    epoch(1, f1_characters=0.8, val_loss=0.1),
    epoch(2, f1_characters=0.9, val_loss=0.2),
    epoch(3, f1_characters=0.7, val_loss=0.3),
)


@pytest.mark.parametrize(
    ("monitor", "mode", "best", "waited"), [("val_f1", "max", 0.9, 1), ("val_loss", "min", 0.1, 2)]
)
def test_the_patience_is_counted_by_the_monitor_of_now(monitor, mode, best, waited):
    """Whatever was monitored, and with whatever patience, when the checkpoint was saved."""
    early_stopping = EarlyStopping(monitor, mode=mode, patience=5)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1.0)
    trainer = SimpleNamespace(
        optimizers=[optimizer],
        lr_scheduler_configs=[SimpleNamespace(scheduler=scheduler)],
        early_stopping_callbacks=[early_stopping],
    )
    saved = {"wait_count": 4, "best_score": torch.tensor(0.99), "patience": 9}
    state = {
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "precision": {},
        "early_stopping": saved | {"stopped_epoch": 0},
        **Position(3, 0, 30, history=HISTORY).to_state(),
    }
    put_back(trainer, state)
    assert early_stopping.best_score.item() == pytest.approx(best)
    assert (early_stopping.wait_count, early_stopping.patience) == (waited, 5)
