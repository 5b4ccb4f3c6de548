"""The story of a run, from its settings to an evaluated model at a URL."""

import logging
import time
from collections.abc import Sequence
from pathlib import Path

import pytorch_lightning as pl

from job import storage
from job.checkpoints import CheckpointStore, Saver
from job.cloud import VertexEnvironment
from job.devices import OneMachine, joined
from job.log import LogHandler, Progress
from job.settings import Settings
from job.signals import StopRequest
from job.storage import Lease, held, scratch
from job.training import (
    Run,
    adopt,
    batch_size_to_keep,
    evaluate_splits,
    facts_of,
    facts_to_agree_on,
    find_start,
    fit,
    follow,
    identity_of,
    is_finished,
    last_screen,
    load_best,
    meet_on_hardware,
    needs_of,
    prepare,
    probe_output,
    publish,
    refuse_another_model,
    require_space,
    trained_by,
)

logger = logging.getLogger(__name__)

ONE_MACHINE = VertexEnvironment()


def train(
    settings: Settings,
    stop: StopRequest,
    handler: LogHandler,
    callbacks: Sequence[pl.Callback] = (),
    vertex: VertexEnvironment = ONE_MACHINE,
) -> str:
    """Trains, evaluates and exports below `settings.downstream_model_dir`; returns the last screen.

    On several machines only the first writes there; the others are in `job.training.follower`.
    Raises a JobError that says what to do, or Stopped once a signal's checkpoint is saved.
    """
    url = settings.downstream_model_dir
    with joined(vertex, stop) as machines:
        if machines.rank > 0:
            return follow(settings, stop, handler, machines)
        probe_output(url)
        refuse_another_model(url)
        with held(url) as lease, scratch() as folder:
            return train_alone(settings, stop, handler, callbacks, lease, folder, machines)


def train_alone(
    settings: Settings,
    stop: StopRequest,
    handler: LogHandler,
    callbacks: Sequence[pl.Callback],
    lease: Lease,
    scratch: Path,
    machines: OneMachine,
) -> str:
    """What `train` does once no other job writes to the same folder."""
    started_at = time.monotonic()
    url = settings.downstream_model_dir
    hardware = meet_on_hardware(settings, machines)
    store = CheckpointStore(
        storage.join(url, "checkpoints"), settings.monitored, settings.save_top_k, lease.confirm
    )
    kept = machines.share(batch_size_to_keep(store, settings, hardware))
    prepared = prepare(settings, hardware, kept)
    identity = identity_of(settings, prepared)
    machines.refuse_differences(facts_to_agree_on(settings, prepared, hardware, identity))
    start = find_start(store, settings.resume, identity, prepared, scratch / "start")
    finished = is_finished(start, settings, identity, prepared, url)
    machines.share(None if finished else start)
    if finished:
        return f"Done already: the model lies in {storage.join(url, 'model')}."
    require_space(needs_of(settings, prepared, start, store, scratch))
    lease.count_attempt(start.progressed.global_step, settings.max_attempts)
    store.clean_up(start_anew=settings.resume == "never")
    adopt(start, store, scratch / "start")
    line = Progress(
        handler,
        epochs=settings.epochs_to_train,
        log_every_s=settings.log_every_s,
        price_per_hour=settings.price_per_hour,
    )
    saver = Saver(store, scratch / "saves")
    machines.before_forced_end(saver.wait)
    run = Run(start, identity, saver, lease, stop, line, callbacks)
    history = fit(prepared, settings, hardware, run, scratch)
    best = load_best(prepared.network, store, scratch / "best")
    logger.info("The best checkpoint by %s is %s.", settings.monitor, best)
    results = evaluate_splits(prepared)
    earlier_s = sum(record.seconds for record in start.progressed.history)
    seconds = earlier_s + time.monotonic() - started_at
    facts = facts_of(settings, prepared, hardware, history, seconds)
    lease.confirm()
    steps = max(history[-1].step, start.progressed.global_step)  # more, where EPOCHS was lowered
    publish(prepared, results, history, facts, trained_by(identity, steps), url, scratch)
    return last_screen(results, history, facts, url)
