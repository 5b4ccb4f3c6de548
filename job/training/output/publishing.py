"""The report and the exported model, as the user takes them away."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from job import storage
from job.checkpoints import Identity, Position
from job.evaluation import EpochRecord, Exported, SplitResult, write_report
from job.export import WRITTEN, export_model
from job.storage import MANIFEST
from job.training.output.proof import prove_same
from job.training.preparation import Prepared


def is_finished(
    url: str, position: Position, epochs: int, identity: Identity, monitor: str
) -> bool:
    """Whether the run at `position` has trained its epochs and published its model below `url`.

    By another MONITOR another epoch may be the best. Earlier versions did not say theirs.
    """
    if not position.is_end(epochs):
        return False
    try:
        manifest = json.loads(storage.read_bytes(storage.join(url, "model", MANIFEST)))
        published = {"monitor": monitor, **manifest["trained"]}
        expected = identity.as_recorded(published["settings"])
        return published == trained_by(expected, position.global_step, monitor)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False  # none yet, or that of an earlier run: it is made anew


def refuse_another_model(url: str) -> None:
    """Raises OutputError where model/ below `url` holds what a person put there: before, not after,
    hours of training."""
    storage.refuse_others(storage.join(url, "model"), WRITTEN)


def trained_by(identity: Mapping[str, object], steps: int, monitor: str) -> dict[str, object]:
    """What a model's manifest says of its run, by which `is_finished` knows it again; `steps` are
    the optimiser steps of the run."""
    return {"steps": steps, "settings": dict(identity), "monitor": monitor}


def publish(
    prepared: Prepared,
    results: Sequence[SplitResult],
    history: Sequence[EpochRecord],
    facts: Mapping[str, str],
    exported: Exported,
    trained: Mapping[str, object],
    url: str,
    scratch: Path,
    language: str = "auto",
) -> None:
    """Writes report/, label_map.txt and model/ below `url`, the model last.

    `trained` is what `trained_by` says of the run, `language` the report's.
    """
    metrics = write_report(
        scratch / "report",
        title=f"{facts['corpus']} · {facts['model']}",
        facts=facts,
        history=history,
        results=results,
        types=prepared.label_map.types,
        exported=exported,
        train_mentions=frozenset(
            (sentence.text[span.start : span.end], span.type)
            for sentence in prepared.splits["train"].sentences
            for span in sentence.spans
        ),
        language=language,
    )
    export_model(
        scratch / "model",
        model=prepared.network,
        tokenizer=prepared.tokenizer,
        label_map=prepared.label_map,
        ends=prepared.ends,
        metrics=metrics,
        facts=facts,
        trained=trained,
        prove=lambda folder: prove_same(folder, prepared),
    )
    storage.replace_dir(scratch / "report", storage.join(url, "report"))
    label_map = prepared.label_map.to_text().encode()
    storage.write_bytes(storage.join(url, "label_map.txt"), label_map)
    storage.replace_dir(scratch / "model", storage.join(url, "model"))
