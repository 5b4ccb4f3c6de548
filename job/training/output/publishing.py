"""From the best checkpoint to what the user takes away: the report and the exported model."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from transformers import PreTrainedModel

from job import storage
from job.checkpoints import CheckpointStore, Identity, Position, load_state
from job.errors import IncompatibleError
from job.evaluation import EpochRecord, SplitResult, write_report
from job.export import WRITTEN, export_model
from job.figures import counted
from job.storage import MANIFEST
from job.training.output.proof import prove_same
from job.training.preparation import Prepared

logger = logging.getLogger(__name__)


def load_best(network: PreTrainedModel, store: CheckpointStore, scratch: Path) -> str:
    """Puts the weights of the best checkpoint that verifies into the network; returns its URL.

    Where none has the metric, because EPOCHS was set lower than the run had come, it is the newest.
    """
    store.damaged.clear()  # another process may have saved that step anew; each is verified here
    committed = store.committed()
    candidates = store.best(committed) or committed[::-1]
    for checkpoint in candidates:
        if store.fetch(checkpoint, scratch):
            network.load_state_dict(load_state(scratch)["network"])
            return checkpoint.url
    raise IncompatibleError(
        f"{store.url}: none of {counted(len(candidates), 'checkpoint')} verifies; train again."
    )


def is_finished(url: str, position: Position, epochs: int, identity: Identity) -> bool:
    """Whether the run at `position` has trained its epochs and published its model below `url`."""
    if not position.is_end(epochs):
        return False
    try:
        manifest = json.loads(storage.read_bytes(storage.join(url, "model", MANIFEST)))
        expected = identity.as_recorded(manifest["trained"]["settings"])
        published: object = manifest["trained"]
        return published == _trained_by(expected, position.global_step)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False  # none yet, or that of an earlier run: it is made anew


def refuse_another_model(url: str) -> None:
    """Raises OutputError where model/ below `url` holds what a person put there: before, not after,
    hours of training."""
    storage.refuse_others(storage.join(url, "model"), WRITTEN)


def _trained_by(identity: Mapping[str, object], steps: int) -> dict[str, object]:
    """What a model's manifest says of its run, by which `is_finished` knows it again."""
    return {"steps": steps, "settings": dict(identity)}


def publish(
    prepared: Prepared,
    results: Sequence[SplitResult],
    history: Sequence[EpochRecord],
    facts: Mapping[str, str],
    identity: Identity,
    steps: int,
    url: str,
    scratch: Path,
    language: str = "auto",
) -> None:
    """Writes report/, label_map.txt and model/ below `url`, the model last.

    `steps`: the optimiser steps of the run; with `identity` they say which run the model is of.
    `language`: of the report.
    """
    metrics = write_report(
        scratch / "report",
        title=f"{facts['corpus']} · {facts['model']}",
        facts=facts,
        history=history,
        results=results,
        types=prepared.label_map.types,
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
        metrics=metrics,
        facts=facts,
        trained=_trained_by(identity.facts, steps),
        prove=lambda folder: prove_same(folder, prepared),
    )
    storage.replace_dir(scratch / "report", storage.join(url, "report"))
    label_map = prepared.label_map.to_text().encode()
    storage.write_bytes(storage.join(url, "label_map.txt"), label_map)
    storage.replace_dir(scratch / "model", storage.join(url, "model"))
