"""The story of a run, from its settings to an evaluated model at a URL."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from job import disk, storage
from job.checkpoint import CheckpointStore
from job.finish import evaluate_splits, is_finished, load_best, publish
from job.fit import Run, fit
from job.hardware import choose_hardware
from job.identity import find_start, identity_of
from job.lease import Lease, held
from job.log import LogHandler, Progress
from job.prepare import prepare
from job.saver import Saver
from job.settings import Settings
from job.signals import StopRequest
from job.summary import facts_of, last_screen

logger = logging.getLogger(__name__)


def train(
    settings: Settings,
    stop: StopRequest,
    handler: LogHandler,
    callbacks: Sequence[pl.Callback] = (),
) -> str:
    """Trains, evaluates and exports below `settings.downstream_model_dir`; returns the last screen.

    Raises a JobError that says what to do, or Stopped once a signal's checkpoint is saved.
    """
    url = settings.downstream_model_dir
    storage.probe_writable(url)
    with held(url) as lease, disk.scratch() as folder:
        return train_alone(settings, stop, handler, callbacks, lease, folder)


def train_alone(
    settings: Settings,
    stop: StopRequest,
    handler: LogHandler,
    callbacks: Sequence[pl.Callback],
    lease: Lease,
    scratch: Path,
) -> str:
    """What `train` does once no other job writes to the same folder."""
    started_at = time.monotonic()
    url = settings.downstream_model_dir
    hardware = choose_hardware(
        settings.wanted_accelerator, settings.wanted_precision, settings.tpu_cores
    )
    prepared = prepare(settings, hardware)
    store = CheckpointStore(
        storage.join(url, "checkpoints"), settings.monitored, settings.save_top_k, lease.confirm
    )
    identity = identity_of(settings, prepared)
    start = find_start(store, settings.resume, identity, prepared, scratch / "start")
    if is_finished(start, settings, identity, url):
        return f"Done already: the model lies in {storage.join(url, 'model')}."
    lease.note_start(start.progressed.global_step, settings.max_attempts)
    store.clean_up(start_anew=settings.resume == "never")
    line = Progress(
        handler,
        epochs=settings.epochs_to_train,
        log_every_s=settings.log_every_s,
        price_per_hour=settings.price_per_hour,
    )
    run = Run(start, identity, Saver(store, scratch / "saves"), lease, stop, line, callbacks)
    history = fit(prepared, settings, hardware, run, scratch)
    best = load_best(prepared.network, store, scratch / "best")
    logger.info("The best checkpoint by %s is %s.", settings.monitor, best)
    results = evaluate_splits(prepared)
    earlier_s = sum(record.seconds for record in start.progressed.history)
    seconds = earlier_s + time.monotonic() - started_at
    facts = facts_of(settings, prepared, hardware, history, seconds)
    lease.confirm()
    publish(prepared, results, history, facts, identity, url, scratch)
    return last_screen(results, history, facts, url)
