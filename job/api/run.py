"""`train`: a run, and the model that it made."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from job import storage
from job.api.guest import as_guest
from job.devices import count_devices
from job.errors import ArgumentError
from job.settings import parse_keywords

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedModel:
    """The outcome of `train`. `metrics` are those of report/metrics.json."""

    model_dir: str  # for `predict`
    report: str
    metrics: Mapping = field(repr=False)

    @property
    def f1(self) -> float:
        """Entity F1 (micro, exact characters) on the test split where there is one, else on val."""
        *_, last = self.metrics["splits"].values()
        return last["characters"]["micro"]["f1"]


def train(*, environ: Mapping[str, str] | None = None, **settings: object) -> TrainedModel:
    """Trains, evaluates and exports, as `korean-ner train` does.

    `settings` are the arguments of docs/arguments.md in lower case: `epochs=3`. Variables and .env
    count only where `environ=os.environ` is given. Raises ArgumentError, DataError and the others
    of `job.errors`, and KeyboardInterrupt once the checkpoint of a stopped run is saved.
    """
    asked = parse_keywords(["train"], settings, environ).settings
    with as_guest(asked) as guest, torch.random.fork_rng():
        devices, _ = count_devices(asked.wanted_accelerator, asked.devices)
        if asked.devices and devices > 1:
            raise ArgumentError(
                f"devices={devices}: `train` computes in the process that calls it, on one device; "
                "the command `korean-ner train` starts one on each."
            )
        if devices > 1:
            logger.warning("One of %d GPUs is used; `korean-ner train` takes all.", devices)
        from job.train import train as train_and_publish

        train_and_publish(asked, guest.stop, guest.handler)
        url = asked.downstream_model_dir
        model = storage.join(url, "model")
        metrics = json.loads(storage.read_bytes(storage.join(model, "metrics.json")))
    return TrainedModel(model, storage.join(url, "report", "index.html"), metrics)
