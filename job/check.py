"""The pre-flight check: everything that a run needs, tried before anything costs money.

A run does the same things with the same functions and stops at the first that fails; the check goes
on and tells of every one.
"""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from job import storage
from job.checkpoints import CheckpointStore, Start, find_start
from job.devices import Hardware, choose_hardware, where_to_get
from job.errors import JobError
from job.figures import counted
from job.machine import explained
from job.program import program
from job.settings import Settings
from job.storage import holder_of
from job.training import (
    Prepared,
    assemble,
    batch_size_to_keep,
    identity_of,
    needs_of,
    probe_output,
    read_corpus,
    read_tokenizer,
    refuse_another_model,
    require_space,
)

logger = logging.getLogger(__name__)
T = TypeVar("T")


def check(settings: Settings) -> int:
    """Logs a line for each check; returns 0, or the exit code of the first that failed."""
    failures: list[JobError] = []

    def tried(what: str, act: Callable[[], T]) -> T | None:
        try:
            result = act()
        except Exception as error:
            if (cause := explained(error, settings.sizes)) is None:
                raise
            failures.append(cause)
            logger.error("%s: FAILED. %s", what, cause)
            return None
        logger.info("%s: ok", what)
        return result

    url = settings.downstream_model_dir
    hardware = tried("accelerator and driver", lambda: _hardware(settings))
    tried(f"write, read and delete in {url}", lambda: _writable(url))
    tried("no other job writes there", lambda: _alone(url))
    corpus = tried("corpus and labels", lambda: read_corpus(settings))
    model = tried("model and tokenizer", lambda: read_tokenizer(settings))
    if hardware and corpus and model:
        store = CheckpointStore(
            storage.join(url, "checkpoints"), settings.monitored, settings.save_top_k
        )
        prepared = tried(
            "encoding and weights",
            lambda: assemble(
                settings, hardware, corpus, *model, batch_size_to_keep(store, settings, hardware)
            ),
        )
        if prepared:
            start = tried("resume", lambda: _resume(settings, prepared, store))
            if start:
                tried("space on the disks", lambda: _space(settings, prepared, start, store))
    if failures:
        logger.error("%d of the checks failed; nothing was started.", len(failures))
        return failures[0].exit_code
    logger.info("Every check passed: `%s` with these arguments will train.", program())
    return 0


def _hardware(settings: Settings) -> Hardware:
    try:
        hardware = choose_hardware(
            settings.wanted_accelerator, settings.wanted_precision, settings.tpu_cores
        )
    except JobError:
        if advice := where_to_get(settings.wanted_accelerator):
            logger.info("%s", advice)
        raise
    logger.info("Would compute on %s, precision %s.", hardware.name, hardware.precision)
    for line in hardware.describe():
        logger.info("%s", line)
    return hardware


def _writable(url: str) -> None:
    probe_output(url)
    refuse_another_model(url)


def _alone(url: str) -> None:
    if holder := holder_of(url):
        logger.warning("%s may be writing to %s: a run will wait, then refuse.", holder, url)


def _resume(settings: Settings, prepared: Prepared, store: CheckpointStore) -> Start:
    """The start that a run would have; nothing is deleted."""
    if settings.resume == "never":
        logger.info("RESUME=never: would delete %s.", counted(len(store.present()), "checkpoint"))
    with tempfile.TemporaryDirectory(prefix="korean-ner-job-") as folder:
        identity = identity_of(settings, prepared)
        return find_start(store, settings.resume, identity, prepared.network, Path(folder))


def _space(settings: Settings, prepared: Prepared, start: Start, store: CheckpointStore) -> None:
    with storage.scratch() as folder:
        require_space(needs_of(settings, prepared, start.position, store, folder))
