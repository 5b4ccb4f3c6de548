"""The facts that go with a trained model."""

import platform
from collections.abc import Sequence
from datetime import UTC, datetime

import torch
import transformers

import job
from job.devices import Hardware
from job.evaluation import EpochRecord, Exported
from job.figures import counted, dollars, figure
from job.program import command_line
from job.settings import Settings
from job.storage import masked
from job.training.preparation import Prepared


def facts_of(
    settings: Settings,
    prepared: Prepared,
    hardware: Hardware,
    history: Sequence[EpochRecord],
    exported: Exported,
    seconds: float,
) -> dict[str, str]:
    """Name → text, for the report, the model card and `metrics.json`."""
    trained = sum(record.seconds for record in history)
    each = f" on each of {hardware.world_size} devices" if hardware.world_size > 1 else ""
    facts = {
        "model": masked(settings.pretrained_model_name),
        "revision": settings.pretrained_model_revision or "not pinned",
        "corpus": settings.corpus_title,
        **{f"{name} sha256": split.sha256 for name, split in prepared.splits.items()},
        **{f"{name} sentences": f"{len(s.sentences)}" for name, s in prepared.splits.items()},
        **{
            f"{n} types": "; ".join(s.type_notes)
            for n, s in prepared.splits.items()
            if s.type_notes
        },
        "epochs": f"{len(history)}",
        "exported epoch": f"{exported.epoch}: {exported.reason}",
        "batch size": f"{prepared.batch_size}{each}",
        "max sequence length": f"{settings.max_seq_length}",
        "long sentences": settings.long_sentences,
        "window stride": f"{settings.window_stride}",
        "normalize": settings.normalize,
        "entity types": "; ".join(settings.types_rule.options) or "as read",
        "learning rate": f"{settings.learning_rate:g}",
        "schedule": settings.lr_scheduler,
        "seed": f"{settings.seed}",
        "hardware": hardware.name,
        "precision": hardware.precision,
        "rows": "packed" if prepared.layout.packed else "padded",
        "seconds": figure(seconds, ".0f"),
        "seconds of training": figure(trained, ".0f"),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "versions": _versions(),
        "command": command_of(settings),
    }
    if settings.price_per_hour:
        facts["cost"] = dollars(settings.price_per_hour * seconds / 3600)
    return facts


def command_of(settings: Settings) -> str:
    """The command with every argument that was given, wherever it was; no secret is in it."""
    given = {
        name: value
        for name, value in settings.public_values().items()
        if name in settings.model_fields_set and value is not None
    }
    return command_line(*(f"--{name}={_typed(value)}" for name, value in given.items()))


def _typed(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else masked(str(value))


def computes_on(hardware: Hardware) -> str:
    """The device, its precision, this machine's threads and the versions, in a line."""
    threads = counted(torch.get_num_threads(), "CPU thread")
    beside = "" if hardware.accelerator == "cpu" else f", {threads}"
    return f"{hardware.name}{beside}, precision {hardware.precision}; {_versions()}"


def _versions() -> str:
    return (
        f"job {job.__version__}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}, Python {platform.python_version()}"
    )
