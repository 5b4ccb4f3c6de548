"""The story of a run, from its settings to an evaluated model at a URL."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace

import pytorch_lightning as pl

from job import storage
from job.checkpoints import Saver
from job.devices import ALONE, NoPeers
from job.evaluation import last_screen
from job.log import LogHandler
from job.program import command_line
from job.progress_line import ProgressLine
from job.settings import Settings
from job.signals import StopRequest
from job.training import (
    Output,
    Prepared,
    Run,
    as_begun,
    batch_size_to_keep,
    computes_on,
    evaluate_splits,
    exported_of,
    facts_of,
    facts_to_agree_on,
    fit,
    follow,
    identity_of,
    is_finished,
    meet_on_hardware,
    open_output,
    prepare,
    publish,
    trained_by,
)

logger = logging.getLogger(__name__)


def train(
    settings: Settings,
    stop: StopRequest,
    handler: LogHandler,
    callbacks: Sequence[pl.Callback] = (),
    peers: NoPeers = ALONE,
) -> str:
    """Trains, evaluates and exports below `settings.downstream_model_dir`; returns the last screen.

    Of several ranks only the first writes there; the others are in `job.training.follower`, and
    have an empty screen.
    Raises a JobError that says what to do, or Stopped once a signal's checkpoint is saved.
    """
    with peers.together():
        if peers.rank > 0:
            follow(settings, stop, handler, peers)
            return ""
        with open_output(settings) as output:
            return lead(settings, stop, handler, callbacks, peers, output)


def lead(
    settings: Settings,
    stop: StopRequest,
    handler: LogHandler,
    callbacks: Sequence[pl.Callback],
    peers: NoPeers,
    output: Output,
) -> str:
    """The run of the first rank, or of the only one, to the last screen."""
    started_at = time.monotonic()
    hardware = meet_on_hardware(settings, peers)
    logger.info("Computing on %s.", computes_on(hardware))
    kept = peers.share(batch_size_to_keep(output.store, settings, hardware))
    prepared = prepare(settings, hardware, kept)
    tell_of_steps(settings, prepared)
    identity = identity_of(settings, prepared)
    peers.refuse_differences(facts_to_agree_on(settings, prepared, hardware, identity))
    start = output.find_start(settings.resume, identity, prepared.network)
    epochs, monitor = settings.epochs_to_train, settings.monitor
    if is_finished(output.url, start.position, epochs, identity, monitor):
        peers.share(None)
        return f"Done already: the model lies in {storage.join(output.url, 'model')}."
    peers.share(start)
    prepared, identity = as_begun(prepared, identity, start)
    output.make_ready(settings, prepared, start)
    saver = Saver(output.store, output.scratch / "saves")
    peers.before_forced_end(saver.wait)
    line = progress_line(handler, settings)
    run = Run(start, identity.facts, saver, output.lease, stop, line, callbacks)
    history = fit(prepared, settings, hardware, run, output.scratch)
    best = output.load_best(prepared.network, start)
    logger.info("The best checkpoint by %s is %s.", monitor, best.checkpoint.url)
    exported = exported_of(best, start, history, epochs, settings.monitored)
    results, ends = evaluate_splits(prepared)
    prepared = replace(prepared, ends=ends)
    here_s = time.monotonic() - started_at
    seconds = start.position.seconds + here_s
    facts = facts_of(settings, prepared, hardware, history, exported, seconds)
    output.lease.confirm()
    steps = max(history[-1].step, start.position.global_step)  # more, where EPOCHS was lowered
    trained = trained_by(identity.facts, steps, monitor)
    language, place = settings.report_language, (output.url, output.scratch)
    publish(prepared, results, history, facts, exported, trained, *place, language)
    screen = last_screen(
        results, history, facts, output.url, exported=exported, seconds_here=here_s
    )
    return screen + cloud_advice(output.url)


def tell_of_steps(settings: Settings, prepared: Prepared) -> None:
    """The sentences that all ranks take together, where there are several."""
    ranks = prepared.plan.world_size
    if ranks > 1:
        logger.info(
            "%d ranks take %d sentences a step together, %d each, at LEARNING_RATE=%g; where that "
            "is more than before, a higher rate may do better.",
            *(ranks, ranks * prepared.batch_size, prepared.batch_size, settings.learning_rate),
        )


def progress_line(handler: LogHandler, settings: Settings) -> ProgressLine:
    """The line that shows how far this run is."""
    return ProgressLine(
        handler,
        epochs=settings.epochs_to_train,
        log_every_s=settings.log_every_s,
        price_per_hour=settings.price_per_hour,
    )


def cloud_advice(url: str) -> str:
    """The way from a run on this machine to one in the cloud."""
    if not storage.is_local(url):
        return ""
    return (
        "\nTrain in the cloud with the same arguments: this lists what it takes\n"
        f"  {command_line('spec', '--help')}"
    )
