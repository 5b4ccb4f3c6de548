"""The training of a run, on each of its devices."""

import logging
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytorch_lightning as pl
from pytorch_lightning.utilities.exceptions import SIGTERMException

from job import storage
from job.batches import (
    EvaluationBatches,
    EvaluationRows,
    RunData,
    TrainingSteps,
    refuse_different_plans,
)
from job.checkpoints import Checkpoints, Saves, Start
from job.devices import Hardware, RemoteProgressLine, RemoteStop
from job.evaluation import EpochRecord
from job.machine import Dispensable
from job.settings import Settings
from job.signals import Stopped, StopSource
from job.training.epoch_history import EpochHistory, ProgressDisplay
from job.training.preparation import Prepared
from job.training.trainer import inapplicable_advice_ignored, make_module, make_trainer

logger = logging.getLogger(__name__)


class WriteRight(Protocol):
    """The right to write the output, as `job.storage.Lease` is one."""

    def check(self) -> None:
        """Raises JobError when it is known to be lost."""


@dataclass(frozen=True)
class Run:
    """The dependencies of one run: its start, how it saves, tells and is stopped, and its right to
    write. `identity` goes into each manifest."""

    start: Start
    identity: Mapping[str, object]
    saver: Saves
    lease: WriteRight
    stop: StopSource
    line: ProgressDisplay
    callbacks: Sequence[pl.Callback] = ()

    def on_rank(self, saver: Saves, stop: RemoteStop, line: RemoteProgressLine) -> "Run":
        """The same run on a rank in another process, where `stop` stands for the lease, too."""
        return replace(self, saver=saver, lease=stop, stop=stop, line=line)


def fit(
    prepared: Prepared, settings: Settings, hardware: Hardware, run: Run, scratch: Path
) -> list[EpochRecord]:
    """Trains from the start to the last epoch and returns the history, one record an epoch."""
    if run.start.position.stopped_early:  # all that is left is to evaluate and export
        return list(run.start.position.history)
    logs = storage.LocalMirror(
        storage.join(settings.downstream_model_dir, "logs"), scratch / "logs"
    )
    try:
        with run.stop.deferred():
            history = hardware.launch(train_rank, prepared, settings, run, logs.folder)
    except SIGTERMException as exception:  # it came before the first step
        raise Stopped(signal.SIGTERM) from exception
    finally:
        run.line.close()
        publish_logs(logs)
    if run.stop.received:
        raise Stopped(run.stop.received)
    return history


def train_rank(
    prepared: Prepared, settings: Settings, hardware: Hardware, run: Run, log_folder: Path
) -> list[EpochRecord]:
    """One device's part of the training; the first rank saves, tells and returns the history."""
    ranks, plan = hardware.ranks(), prepared.plan
    if prepared.rows_ES is not None:
        refuse_different_plans(ranks, prepared.rows_ES, prepared.layout)
    train, val = prepared.encoded["train"], prepared.encoded["val"]
    module = make_module(prepared, settings, hardware, plan.steps)
    checkpoints = Checkpoints(
        run.saver,
        run.stop,
        module,
        may_go_on=run.lease.check,
        facts={"settings": run.identity, "labels": prepared.label_map.labels},
        every_steps=settings.save_every_steps,
        steps_per_epoch=plan.steps,
        start=run.start.position,
        state=run.start.state,
        ranks=ranks,
    )
    validation = (
        EvaluationBatches(val, prepared.layout, ranks.rank, ranks.count)
        if prepared.rows_ES is None
        else EvaluationRows(val, prepared.layout, ranks.rank, ranks.count)
    )
    data = RunData(
        TrainingSteps(train, prepared.layout, plan, ranks.rank, prepared.rows_ES),
        validation,
        first_epoch=run.start.position.epoch,
        first_step=run.start.position.step,
        workers=settings.cpu_workers,
    )
    history = EpochHistory(
        run.line, checkpoints, module, plan.steps, train.sentence_count, settings.monitored
    )
    callbacks = hardware.callbacks(prepared.rows_ES, prepared.layout.row_length)
    callbacks += [history, checkpoints, *run.callbacks] if ranks.rank == 0 else [checkpoints]
    log_to = log_folder if ranks.rank == 0 else None
    trainer = make_trainer(settings, hardware, run.saver, callbacks, log_to)
    with inapplicable_advice_ignored(), run.saver.finishing():
        trainer.fit(module, datamodule=data)
    return checkpoints.history


def publish_logs(logs: storage.LocalMirror) -> None:
    """Curves are no reason for a run to fail, nor to hide why it did."""
    with Dispensable("The TensorBoard log stays behind"):
        if logs.folder.exists():  # the first machine's alone
            logs.publish()
