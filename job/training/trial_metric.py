"""The metric of a tuning trial, in a file that Vertex AI reads.

https://cloud.google.com/vertex-ai/docs/training/using-hyperparameter-tuning. The file is that of
the package cloudml-hypertune: JSON lines whose values are text, the newest hundred of them.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from job.cloud import VertexEnvironment
from job.machine import Dispensable

LINES_KEPT = 100
FORMER_DEFAULT = "val_loss"


def append_metric(file: Path, trial_id: str, metric: str, value: float, step: int) -> None:
    """Adds a line, with the metric under its own name, and drops the oldest beyond a hundred."""
    line = json.dumps(
        {
            "timestamp": time.time(),
            "trial": trial_id,
            metric: str(value),
            "global_step": str(step),
            "checkpoint_path": "",
        }
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.read_text("utf-8").splitlines() if file.exists() else []
    file.write_text("\n".join([*before, line][-LINES_KEPT:]) + "\n", "utf-8")


class TrialMetric(pl.Callback):
    """Reports these metrics after each validation."""

    def __init__(self, file: Path, trial_id: str, metrics: Sequence[str]) -> None:
        self.file, self.trial_id, self.metrics = file, trial_id, metrics
        self.spare = Dispensable(f"The metric of this trial cannot be written to {file}")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        for metric in self.metrics:
            value = float(trainer.callback_metrics[metric])
            with self.spare:
                append_metric(self.file, self.trial_id, metric, value, trainer.global_step)


def trial_callbacks(vertex: VertexEnvironment, metric: str, *, is_given: bool) -> list[pl.Callback]:
    """The one that reports `metric`, MONITOR's, where this run is a trial; else none.

    Where MONITOR was not given, the study may be of an earlier version, whose default was val_loss
    and whose specification left it out: that is reported, too.
    """
    if vertex.trial_id is None:
        return []
    metrics = dict.fromkeys([metric] if is_given else [metric, FORMER_DEFAULT])
    return [TrialMetric(Path(vertex.metric_file), vertex.trial_id, list(metrics))]
