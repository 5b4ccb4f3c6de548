"""What is told at the end of a run: the facts that go with the model, and the last screen."""

import platform
import shlex
from collections.abc import Mapping, Sequence

import torch
import transformers

import job
from job import storage
from job.devices import Hardware
from job.evaluation import EpochRecord, SplitResult, summary_table
from job.settings import Settings
from job.storage import masked
from job.training.preparation import Prepared


def facts_of(
    settings: Settings,
    prepared: Prepared,
    hardware: Hardware,
    history: Sequence[EpochRecord],
    seconds: float,
) -> dict[str, str]:
    """Name → text, for the report, the model card and `metrics.json`."""
    trained = sum(record.seconds for record in history)
    each = f" on each of {hardware.world_size} devices" if hardware.world_size > 1 else ""
    facts = {
        "model": masked(settings.pretrained_model_name),
        "revision": settings.pretrained_model_revision or "not pinned",
        "corpus": settings.downstream_corpus_name,
        **{f"{name} sha256": split.sha256 for name, split in prepared.splits.items()},
        **{f"{name} sentences": f"{len(s.sentences)}" for name, s in prepared.splits.items()},
        "epochs": f"{len(history)}",
        "batch size": f"{prepared.batch_size}{each}",
        "max sequence length": f"{settings.max_seq_length}",
        "long sentences": settings.long_sentences,
        "normalize": settings.normalize,
        "learning rate": f"{settings.learning_rate:g}",
        "schedule": settings.lr_scheduler,
        "seed": f"{settings.seed}",
        "hardware": hardware.name,
        "precision": hardware.precision,
        "rows": "packed" if prepared.layout.packed else "padded",
        "seconds": f"{seconds:.0f}",
        "seconds of training": f"{trained:.0f}",
        "versions": f"job {job.__version__}, torch {torch.__version__}, "
        f"transformers {transformers.__version__}, Python {platform.python_version()}",
    }
    if settings.price_per_hour:
        facts["cost"] = f"${settings.price_per_hour * seconds / 3600:.2f}"
    return facts


def last_screen(
    results: Sequence[SplitResult],
    history: Sequence[EpochRecord],
    facts: Mapping[str, str],
    url: str,
) -> str:
    """The table of F1 per type, what the run took, where everything is, and what to do next."""
    shown = results[-1]
    speeds = [record.sentences_per_s for record in history]
    lines = [
        "",
        summary_table(shown).rstrip("\n"),
        "",
        f"{facts['seconds']} s in all, {facts['seconds of training']} s of training"
        + (f" at {sum(speeds) / len(speeds):.0f} sentences/s" if speeds else "")
        + (f", {facts['cost']}" if "cost" in facts else ""),
        "",
        f"model    {storage.join(url, 'model')}",
        f"report   {storage.join(url, 'report', 'index.html')}",
        f"errors   {storage.join(url, 'report', 'errors.jsonl')}",
        f"logs     {storage.join(url, 'logs')}",
        "",
        "Tag your own sentences, one a line:",
        "  python -m job predict sentences.txt tagged.txt --downstream_model_dir="
        + shlex.quote(url),
    ]
    if storage.is_local(url):
        lines += [
            "Train in the cloud with the same arguments (docs/cloud.md says how):",
            "  python -m job spec vertex-gpu --image=IMAGE "
            "--downstream_model_dir=gs://BUCKET/FOLDER > vertex-gpu.yaml",
        ]
    return "\n".join(lines)
