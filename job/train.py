"""The story of a run, from its settings to an evaluated model at a URL."""

import logging
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from job import storage
from job.checkpoint import CheckpointStore
from job.finish import evaluate_splits, is_finished, load_best, publish
from job.fit import fit
from job.hardware import choose_hardware
from job.identity import find_start, identity_of
from job.log import LogHandler
from job.prepare import prepare
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
    started_at = time.monotonic()
    url = settings.downstream_model_dir
    hardware = choose_hardware(settings.wanted_accelerator, settings.wanted_precision)
    storage.probe_writable(url)
    prepared = prepare(settings, hardware)
    store = CheckpointStore(
        storage.join(url, "checkpoints"), settings.monitored, settings.save_top_k
    )
    identity = identity_of(settings, prepared)
    with tempfile.TemporaryDirectory(prefix="korean-ner-job-") as folder:
        scratch = Path(folder)
        start = find_start(
            store, settings.resume, identity, prepared.label_map.labels, scratch / "start"
        )
        if is_finished(start, settings, url):
            return f"Done already: the model lies in {storage.join(url, 'model')}."
        history = fit(
            prepared,
            settings,
            hardware,
            store,
            stop,
            handler,
            scratch,
            identity,
            start,
            callbacks,
        )
        best = load_best(prepared.network, store, scratch / "best")
        logger.info("The best checkpoint by %s is %s.", settings.monitor, best)
        results = evaluate_splits(prepared)
        earlier_s = sum(record.seconds for record in start.progressed.history)
        seconds = earlier_s + time.monotonic() - started_at
        facts = facts_of(settings, prepared, hardware, history, seconds)
        publish(prepared, results, history, facts, url, scratch)
    return last_screen(results, history, facts, url)
