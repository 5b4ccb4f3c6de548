"""The pre-flight check: everything that a run needs, tried before anything costs money.

It takes the steps of `job.train.lead` in their order, with the same functions. A run stops at the
first that fails; the check goes on, tells of every one, and ends with the code of the first.
"""

import logging
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from job import storage
from job.checkpoints import CheckpointStore, Start, find_start
from job.devices import ALONE, Hardware, count_devices, where_to_get
from job.errors import JobError
from job.figures import counted
from job.machine import explained
from job.program import program
from job.settings import Settings
from job.storage import require_attempts, require_free
from job.training import (
    Prepared,
    assemble,
    batch_size_to_keep,
    computes_on,
    identity_of,
    is_finished,
    meet_on_hardware,
    needs_of,
    probe_output,
    read_corpus,
    read_tokenizer,
    refuse_another_model,
    require_space,
)

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Checks:
    """The checks so far: a line of the log for each, and the failures."""

    def __init__(self, settings: Settings):
        self.settings = settings
        self.failures: list[JobError] = []

    def tried(self, what: str, act: Callable[[], T]) -> T | None:
        """The result of `act`; None, and a failure, where it would end a run."""
        try:
            result = act()
        except Exception as error:
            if (cause := explained(error, self.settings.sizes)) is None:
                raise
            self.failures.append(cause)
            logger.error("%s: FAILED. %s", what, cause)
            return None
        logger.info("%s: ok", what)
        return result

    def exit_code(self) -> int:
        """That of the run."""
        if self.failures:
            failed = counted(len(self.failures), "check")
            logger.error("%s failed; nothing was started.", failed)
            return self.failures[0].exit_code
        logger.info("Every check passed: `%s` with these arguments will train.", program())
        return 0


def check(settings: Settings) -> int:
    """Logs a line for each check; returns 0, or the exit code of the first that failed."""
    checks = Checks(settings)
    tried = checks.tried
    url = settings.downstream_model_dir
    tried(f"write, read and delete in {url}", lambda: _writable(url))
    tried("no other job writes there", lambda: require_free(url))
    hardware = tried("accelerator and driver", lambda: _hardware(settings))
    corpus = tried("corpus and labels", lambda: read_corpus(settings))
    model = tried("model and tokenizer", lambda: read_tokenizer(settings))
    if not (hardware and corpus and model):
        return checks.exit_code()
    store = CheckpointStore(
        storage.join(url, "checkpoints"), settings.monitored, settings.save_top_k
    )
    prepared = tried(
        "encoding and weights",
        lambda: assemble(
            settings, hardware, corpus, *model, batch_size_to_keep(store, settings, hardware)
        ),
    )
    if prepared and (start := tried("resume", lambda: _resume(settings, prepared, store))):
        identity = identity_of(settings, prepared)
        epochs = settings.epochs_to_train
        if is_finished(url, start.position, epochs, identity, settings.monitor):
            logger.info(
                "A run would end at once: the model lies in %s.", storage.join(url, "model")
            )
            return checks.exit_code()
        tried("space on the disks", lambda: _space(settings, prepared, start, store))
        step = start.position.global_step
        tried("starts so far", lambda: require_attempts(url, step, settings.max_attempts))
    return checks.exit_code()


def _hardware(settings: Settings) -> Hardware:
    try:
        devices, _ = count_devices(settings.wanted_accelerator, settings.devices)
        hardware = meet_on_hardware(settings, ALONE)
    except JobError:
        if advice := where_to_get(settings.wanted_accelerator):
            logger.info("%s", advice)
        raise
    ranks = f"{devices} ranks, each on " if devices > 1 else ""
    logger.info("Would compute on %s%s.", ranks, computes_on(hardware))
    for line in hardware.describe():
        logger.info("%s", line)
    return hardware


def _writable(url: str) -> None:
    probe_output(url)
    refuse_another_model(url)


def _resume(settings: Settings, prepared: Prepared, store: CheckpointStore) -> Start:
    """The start that a run would have; nothing is deleted."""
    if settings.resume == "never":
        present = counted(len(store.present()), "checkpoint")
        logger.info("RESUME=never: a run would delete %s.", present)
    with tempfile.TemporaryDirectory(prefix="korean-ner-job-") as folder:
        identity = identity_of(settings, prepared)
        return find_start(store, settings.resume, identity, prepared.network, Path(folder))


def _space(settings: Settings, prepared: Prepared, start: Start, store: CheckpointStore) -> None:
    with storage.scratch() as folder:
        require_space(needs_of(settings, prepared, start.position, store, folder))
