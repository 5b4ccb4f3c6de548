"""From the best checkpoint to what the user takes away: evaluated, reported, exported, proven."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from job import storage
from job.checkpoints import CheckpointStore, load_state
from job.encoding import decode_spans, piece_spans
from job.errors import IncompatibleError
from job.evaluation import EpochRecord, SplitResult, score_spans, write_report
from job.export import WRITTEN, export_model
from job.model import load_classifier, predict_labels
from job.settings import Settings
from job.storage import MANIFEST
from job.training.identity import Start, in_words_of
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
        f"{store.url}: none of the {len(candidates)} checkpoints verifies; train again."
    )


def is_finished(
    start: Start,
    settings: Settings,
    identity: Mapping[str, object],
    prepared: Prepared,
    url: str,
) -> bool:
    """Whether the run that `start` came from has trained its epochs and published its model."""
    if not start.is_trained(settings.epochs_to_train):
        return False
    try:
        manifest = json.loads(storage.read_bytes(storage.join(url, "model", MANIFEST)))
        expected = in_words_of(manifest["trained"]["settings"], identity, prepared)
        return manifest["trained"] == trained_by(expected, start.progressed.global_step)
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False  # none yet, or that of an earlier run: it is made anew


def refuse_another_model(url: str) -> None:
    """Raises OutputError where model/ below `url` holds what a person put there: before, not after,
    hours of training."""
    storage.refuse_others(storage.join(url, "model"), WRITTEN)


def trained_by(identity: Mapping[str, object], steps: int) -> dict[str, object]:
    """What a model's manifest says of its run, by which `is_finished` knows it again."""
    return {"steps": steps, "settings": dict(identity)}


def evaluate_splits(prepared: Prepared) -> list[SplitResult]:
    """Evaluates the network as it is, in 32 bits, on val and, where there is one, test."""
    return [evaluate_split(prepared, n) for n in ("val", "test") if n in prepared.encoded]


def evaluate_split(prepared: Prepared, name: str) -> SplitResult:
    """Both F1s of one split; gold is the untruncated text's."""
    split, label_map = prepared.encoded[name], prepared.label_map
    sentences = prepared.splits[name].sentences
    label_ids_P, loss = predict_labels(prepared.network, split, prepared.layout)
    predicted = decode_spans(label_ids_P, split, label_map)
    types = label_map.types
    return SplitResult(
        name=name,
        sentences=sentences,
        predicted=predicted,
        characters=score_spans([s.spans for s in sentences], predicted, types),
        wordpieces=score_spans(
            piece_spans(split.labels_P, split, label_map),
            piece_spans(label_ids_P, split, label_map),
            types,
        ),
        loss=loss,
        lost=split.lost,
    )


def publish(
    prepared: Prepared,
    results: Sequence[SplitResult],
    history: Sequence[EpochRecord],
    facts: Mapping[str, str],
    trained: Mapping[str, object],
    url: str,
    scratch: Path,
) -> None:
    """Writes report/, label_map.txt and model/ below `url`, the model last."""
    metrics = write_report(
        scratch / "report",
        title=f"{facts['corpus']} · {facts['model']}",
        facts=facts,
        history=history,
        results=results,
        types=prepared.label_map.types,
    )
    export_model(
        scratch / "model",
        model=prepared.network,
        tokenizer=prepared.tokenizer,
        label_map=prepared.label_map,
        metrics=metrics,
        facts=facts,
        trained=trained,
        prove=lambda folder: prove_same(folder, prepared),
    )
    storage.replace_dir(scratch / "report", storage.join(url, "report"))
    label_map = prepared.label_map.to_text().encode()
    storage.write_bytes(storage.join(url, "label_map.txt"), label_map)
    storage.replace_dir(scratch / "model", storage.join(url, "model"))


def prove_same(folder: Path, prepared: Prepared) -> None:
    """Loads the exported folder and refuses it unless it predicts as the network in memory."""
    loaded = load_classifier(folder, prepared.label_map, trained=True).to(prepared.network.device)
    here, _ = predict_labels(prepared.network, prepared.encoded["val"], prepared.layout)
    there, _ = predict_labels(loaded, prepared.encoded["val"], prepared.layout)
    differing = int(np.count_nonzero(here != there))
    if differing:
        raise IncompatibleError(
            f"{folder}: the exported model tags {differing} of {len(here)} wordpieces of val "
            "otherwise than the trained one; it is not published."
        )
    for name, weight in prepared.network.state_dict().items():
        if not torch.equal(weight, loaded.state_dict()[name]):
            raise IncompatibleError(f"{folder}: the exported weight {name} differs; not published.")
