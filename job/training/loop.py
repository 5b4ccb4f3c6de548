"""The Trainer of a run: Lightning, told what is ours."""

import logging
import signal
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytorch_lightning as pl
from pytorch_lightning.callbacks import EarlyStopping
from pytorch_lightning.utilities.exceptions import SIGTERMException

from job import storage
from job.batches import (
    EvaluationBatches,
    EvaluationRows,
    RunData,
    TrainingSteps,
    refuse_different_plans,
)
from job.checkpoints import Checkpoints, NoSaver, Saver
from job.devices import Hardware, RemoteProgressLine, RemoteStop
from job.encoding import decode_spans, piece_spans
from job.evaluation import EpochRecord, score_spans
from job.log import Progress
from job.machine import Dispensable
from job.model import TokenClassifier, make_schedule
from job.settings import Settings
from job.signals import Stopped, StopRequest
from job.storage import Lease
from job.training.epoch_history import Telling
from job.training.event_file import Curves
from job.training.identity import Start
from job.training.preparation import Prepared

logger = logging.getLogger(__name__)

LOG_EVERY_STEPS = 50  # to TensorBoard
# Lightning's advice that does not apply: batches come ready-made, and checkpoints are ours.
INAPPLICABLE = (
    ".*does not have many workers.*",
    ".*number of training batches.*is smaller than the logging interval.*",
    ".*LeafSpec.*is deprecated.*",
    ".*Checkpoint directory .* exists and is not empty.*",
    ".*It is recommended to use `self.log.*sync_dist=True.*",
)


@dataclass(frozen=True)
class Run:
    """What one run goes by: where it starts, how it saves, tells and is stopped, and its right to
    write. `identity` goes into each manifest."""

    start: Start
    identity: Mapping[str, object]
    saver: Saver
    lease: Lease
    stop: StopRequest
    line: Progress
    callbacks: Sequence[pl.Callback] = ()

    def on_rank(self, saver: Saver | NoSaver, stop: RemoteStop, line: RemoteProgressLine) -> "Run":
        """The same run on a rank in another process, where `stop` stands for the lease, too."""
        return replace(self, saver=saver, lease=stop, stop=stop, line=line)


def fit(
    prepared: Prepared, settings: Settings, hardware: Hardware, run: Run, scratch: Path
) -> list[EpochRecord]:
    """Trains from the start to the last epoch and returns the history, one record an epoch."""
    if run.start.progressed.stopped_early:  # all that is left is to evaluate and export
        return list(run.start.progressed.history)
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
    run.stop.raise_if_received()
    return history


def train_rank(
    prepared: Prepared, settings: Settings, hardware: Hardware, run: Run, log_folder: Path
) -> list[EpochRecord]:
    """One device's part of the training; the first rank saves, tells and returns the history."""
    ranks, plan = hardware.ranks(), prepared.plan
    if prepared.rows_ES is not None:
        refuse_different_plans(ranks, prepared.rows_ES, prepared.layout)
    train, val = prepared.encoded["train"], prepared.encoded["val"]
    checkpoints = Checkpoints(
        run.saver,
        run.stop,
        may_go_on=run.lease.check,
        facts={"settings": run.identity, "labels": prepared.label_map.labels},
        every_steps=settings.save_every_steps,
        steps_per_epoch=plan.steps,
        start=run.start.progressed,
        state=run.start.state,
        ranks=ranks,
    )
    module = make_module(prepared, settings, hardware, plan.steps)
    validation = (
        EvaluationBatches(val, prepared.layout, ranks.rank, ranks.count)
        if prepared.rows_ES is None
        else EvaluationRows(val, prepared.layout, ranks.rank, ranks.count)
    )
    data = RunData(
        TrainingSteps(train, prepared.layout, plan, ranks.rank, prepared.rows_ES),
        validation,
        first_epoch=run.start.progressed.epoch,
        first_step=run.start.progressed.step,
        workers=settings.cpu_workers,
    )
    telling = Telling(run.line, checkpoints, plan.steps, train.sentence_count)
    callbacks = hardware.callbacks(prepared.rows_ES, prepared.layout.row_length)
    callbacks += [telling, checkpoints, *run.callbacks] if ranks.rank == 0 else [checkpoints]
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


def make_trainer(
    settings: Settings,
    hardware: Hardware,
    saver: Saver,
    callbacks: list[pl.Callback],
    log_folder: Path | None,
) -> pl.Trainer:
    """Lightning's Trainer; checkpoints, sampling, progress and summary are ours."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    return pl.Trainer(
        **hardware.trainer_arguments(),
        max_epochs=settings.epochs_to_train,
        accumulate_grad_batches=settings.gradient_accumulation,
        gradient_clip_val=settings.gradient_clip or None,
        callbacks=[*_early_stopping(settings), *callbacks],
        plugins=[saver, *hardware.plugins()],
        logger=Curves(log_folder) if log_folder else False,
        log_every_n_steps=LOG_EVERY_STEPS,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def inapplicable_advice_ignored() -> Iterator[None]:
    """Lightning warns of what is meant to be so here."""
    with warnings.catch_warnings():
        for message in INAPPLICABLE:
            warnings.filterwarnings("ignore", message)
        yield


def make_module(
    prepared: Prepared, settings: Settings, hardware: Hardware, steps_per_epoch: int
) -> TokenClassifier:
    """The network with its loss, optimiser and schedule."""
    accumulation = settings.gradient_accumulation
    updates = -(-steps_per_epoch // accumulation)
    prepared.network.train()
    if settings.compile:
        prepared.network.compile()
    return TokenClassifier(
        prepared.network,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        schedule=make_schedule(
            settings.lr_scheduler,
            steps_per_epoch=updates,
            total_steps=updates * settings.epochs_to_train,
            warmup_ratio=settings.warmup_ratio,
        ),
        # Lightning divides each batch's loss by the accumulation.
        loss_constant=prepared.batch_size * settings.max_seq_length,
        seed=settings.seed,
        fused_optimizer=hardware.fused_optimizer,
        validation=prepared.encoded["val"],
        score=_scorer(prepared),
        ranks=hardware.ranks(),
    )


def _scorer(prepared: Prepared):
    """Label ids of the validation split → val_f1 on exact characters, val_f1_wordpiece."""
    split, label_map = prepared.encoded["val"], prepared.label_map
    gold = [sentence.spans for sentence in prepared.splits["val"].sentences]
    gold_pieces = piece_spans(split.labels_P, split, label_map)

    def score(label_ids_P) -> dict[str, float]:
        characters = decode_spans(label_ids_P, split, label_map)
        pieces = piece_spans(label_ids_P, split, label_map)
        return {
            "val_f1": score_spans(gold, characters, label_map.types).micro.f1,
            "val_f1_wordpiece": score_spans(gold_pieces, pieces, label_map.types).micro.f1,
        }

    return score


def _early_stopping(settings: Settings) -> list[EarlyStopping]:
    if not settings.early_stopping_patience:
        return []
    mode, metric = settings.monitored
    patience = settings.early_stopping_patience
    return [
        EarlyStopping(
            metric,
            mode=mode,
            patience=patience,
            check_finite=False,
            check_on_train_epoch_end=False,  # before the checkpoint, which holds the verdict
        )
    ]
