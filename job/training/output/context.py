"""The output of a run, from the first look at it to the model in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel

from job import storage
from job.checkpoints import CheckpointStore, Identity, Start, adopt, find_start
from job.settings import Settings
from job.storage import Lease, held
from job.training.output.best import Best, load_best
from job.training.output.probe import probe_output
from job.training.output.publishing import refuse_another_model
from job.training.output.space import needs_of, require_space
from job.training.preparation import Prepared


@dataclass(frozen=True)
class Output:
    """The folder of a run, while no other job may write to it.

    `scratch` is a folder of this machine, for what is on its way; it goes when the run ends.
    """

    url: str
    store: CheckpointStore
    lease: Lease
    scratch: Path

    def find_start(self, resume: str, identity: Identity, network: torch.nn.Module) -> Start:
        """The start of the run; the files of its checkpoint are then in `scratch`."""
        return find_start(self.store, resume, identity, network, self.scratch / "start")

    def make_ready(self, settings: Settings, prepared: Prepared, start: Start) -> None:
        """Counts this start, and deletes what dead runs left, or with RESUME=never all of it.

        Raises OutputError where a disk has no room, IncompatibleError after too many attempts.
        """
        require_space(needs_of(settings, prepared, start.position, self.store, self.scratch))
        self.lease.count_attempt(start.position.global_step, settings.max_attempts)
        self.store.clean_up(start_anew=settings.resume == "never")
        adopt(start, self.store, self.scratch / "start")

    def load_best(self, network: PreTrainedModel, start: Start) -> Best:
        """The best checkpoint, that of the start included; its weights are then in the network."""
        return load_best(network, self.store, start, self.scratch / "start", self.scratch / "best")


@contextmanager
def open_output(settings: Settings) -> Iterator[Output]:
    """Holds the output inside the block.

    Raises OutputError, PermissionDeniedError or StorageError where a run could not write there, or
    another job does.
    """
    url = settings.downstream_model_dir
    probe_output(url)
    refuse_another_model(url)
    with held(url) as lease, storage.scratch() as scratch:
        store = CheckpointStore(
            storage.join(url, "checkpoints"), settings.monitored, settings.save_top_k, lease.confirm
        )
        yield Output(url, store, lease, scratch)
