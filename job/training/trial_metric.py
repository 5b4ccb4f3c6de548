"""The metric of a tuning trial, in a file that Vertex AI reads.

https://cloud.google.com/vertex-ai/docs/training/using-hyperparameter-tuning. The file is that of
the package cloudml-hypertune: JSON lines whose values are text, the newest hundred of them.
"""

import json
import time
from pathlib import Path

import pytorch_lightning as pl

from job.cloud import VertexEnvironment
from job.machine import Dispensable

LINES_KEPT = 100


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
    """Reports the metric of MONITOR after each validation."""

    def __init__(self, file: Path, trial_id: str, metric: str) -> None:
        self.file, self.trial_id, self.metric = file, trial_id, metric
        self.spare = Dispensable(f"The metric of this trial cannot be written to {file}")

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        value = float(trainer.callback_metrics[self.metric])
        with self.spare:
            append_metric(self.file, self.trial_id, self.metric, value, trainer.global_step)


def trial_callbacks(vertex: VertexEnvironment, metric: str) -> list[pl.Callback]:
    """The one that reports, where this run is a trial; else none."""
    if vertex.trial_id is None:
        return []
    return [TrialMetric(Path(vertex.metric_file), vertex.trial_id, metric)]
