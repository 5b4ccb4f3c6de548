"""What makes two runs the same run: only then may one go on where the other stopped."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import job
from job.checkpoints import (
    Checkpoint,
    CheckpointStore,
    Progressed,
    differing_shapes,
    load_state,
    progressed,
)
from job.encoding import tokenizer_digest
from job.errors import IncompatibleError
from job.settings import Settings
from job.storage import FORMAT, masked
from job.training.preparation import Prepared

logger = logging.getLogger(__name__)

SPLITS = ("train", "val")  # the test split changes no weight
# Arguments that change which weights come out of a step, beside model and corpus.
DECISIVE = (
    "pretrained_model_name",
    "pretrained_model_revision",
    "max_seq_length",
    "long_sentences",
    "window_stride",
    "learning_rate",
    "seed",
    "lr_scheduler",
    "warmup_ratio",
    "weight_decay",
    "gradient_accumulation",
    "gradient_clip",
    "test_mode",
)


@dataclass(frozen=True)
class Start:
    """Where a run begins: at the beginning with no state, or where a checkpoint left off."""

    progressed: Progressed
    state: Mapping | None
    checkpoint: Checkpoint | None = None

    def is_trained(self, epochs: int) -> bool:
        """Whether the run that it came from has ended its training, if so many epochs are all."""
        return self.progressed.stopped_early or self.progressed.epoch >= epochs


def identity_of(settings: Settings, prepared: Prepared) -> dict[str, object]:
    """Argument or fact → plain value; runs with equal ones train the same weights."""
    identity = {name: getattr(settings, name) for name in DECISIVE}
    identity["pretrained_model_name"] = masked(settings.pretrained_model_name)
    # Of all devices together: 4 on each of 8 cores train what 32 on one device do.
    identity["batch_size"] = prepared.batch_size * prepared.plan.world_size
    identity["tokenizer"] = tokenizer_digest(prepared.tokenizer)
    for name in SPLITS:
        identity[f"{name}_digest"] = prepared.splits[name].digest
    return identity


def in_words_of(
    recorded: Mapping[str, object], identity: Mapping[str, object], prepared: Prepared
) -> dict[str, object]:
    """`identity` as the version that wrote `recorded` would have put it.

    Earlier ones knew the corpus by the bytes of its files, and the tokenizer by its model's name.
    Equal files are the same corpus, unless an argument changes how they are read.
    """
    said = {n: value for n, value in identity.items() if n != "tokenizer" or n in recorded}
    for name in SPLITS:
        by_bytes = f"{name}_sha256" in recorded and f"{name}_digest" not in recorded
        if by_bytes and not (split := prepared.splits[name]).options:
            del said[f"{name}_digest"]
            said[f"{name}_sha256"] = split.sha256
    return said


def find_start(
    store: CheckpointStore,
    resume: str,
    identity: Mapping[str, object],
    prepared: Prepared,
    scratch: Path,
) -> Start:
    """The newest checkpoint that verifies, or the beginning.

    `resume`: auto, never, or the URL of one checkpoint. Raises IncompatibleError, naming each
    difference, when the checkpoint is of another run.
    """
    if resume == "never":
        return Start(Progressed(), None)
    if resume == "auto":
        checkpoint = store.newest(scratch)
    else:
        checkpoint = store.read(resume)
        if checkpoint is None or not store.fetch(checkpoint, scratch):
            raise IncompatibleError(f"RESUME={resume}: no checkpoint that verifies lies there.")
    if checkpoint is None:
        return Start(Progressed(), None)
    expected = in_words_of(checkpoint.settings, identity, prepared)
    _refuse(checkpoint, _differences(checkpoint, expected, prepared.label_map.labels))
    state = load_state(scratch)
    _refuse(checkpoint, differing_shapes(state["network"], prepared.network))
    start = Start(progressed(state), state, checkpoint)
    logger.info(
        "Going on from %s: epoch %d, step %d.",
        checkpoint.url,
        start.progressed.epoch + 1,
        start.progressed.step + 1,
    )
    if checkpoint.code_version != job.__version__:
        was, now = checkpoint.code_version, job.__version__
        logger.warning("Version %s saved it and %s goes on: bits may differ.", was, now)
    return start


def adopt(start: Start, store: CheckpointStore, folder: Path) -> None:
    """Commits the checkpoint that RESUME named, whose files `folder` holds, to the run's own store,
    where it lacks that step: it may stay the best, and the next start goes on from here."""
    checkpoint = start.checkpoint
    if checkpoint is None or checkpoint.step in {own.step for own in store.committed()}:
        return
    position = {
        name: value for name, value in asdict(start.progressed).items() if name != "history"
    }
    facts = {
        "metrics": checkpoint.metrics,
        "settings": checkpoint.settings,
        "labels": checkpoint.labels,
        "position": position,
    }
    copied = store.commit(folder, step=checkpoint.step, facts=facts)
    logger.info("%s was copied to %s.", checkpoint.url, copied)


def _differences(
    checkpoint: Checkpoint, identity: Mapping[str, object], labels: tuple[str, ...]
) -> list[str]:
    """What keeps a checkpoint from being gone on from, a phrase each."""
    if checkpoint.format != FORMAT:
        return [f"its format is {checkpoint.format!r} and that of this version is {FORMAT}"]
    found = [
        f"{name} was {checkpoint.settings.get(name)!r} and is {value!r}"
        for name, value in identity.items()
        if checkpoint.settings.get(name) != value
    ]
    if checkpoint.labels != labels:
        found.append(f"the labels were {checkpoint.labels} and are {labels}")
    return found


def _refuse(checkpoint: Checkpoint, differences: list[str]) -> None:
    if differences:
        raise IncompatibleError(
            f"{checkpoint.url} is of another run: {'; '.join(differences)}. Set them back, choose "
            "another DOWNSTREAM_MODEL_DIR, or start anew with RESUME=never."
        )
