"""The start of a run: at its newest checkpoint, at one that is named, or from the beginning."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch

import job
from job.checkpoints.position import Position, position_of
from job.checkpoints.state import State, differing_shapes, load_state
from job.checkpoints.store import Checkpoint, CheckpointStore
from job.errors import IncompatibleError
from job.storage import FORMAT

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """The facts that make two runs the same run: only then may one go on where the other stopped.

    `facts`: argument or fact → plain value; runs with equal ones train the same weights. `files`:
    split → sha256 of its file, where the file alone says which sentences are read. `usual`: facts
    that nobody asked for, which a run that an earlier version began goes on without.
    """

    facts: Mapping[str, object]
    labels: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    usual: frozenset[str] = frozenset()

    def as_recorded(self, recorded: Mapping[str, object]) -> dict[str, object]:
        """The facts as the version that wrote `recorded` would have put them.

        Earlier ones knew the corpus by the bytes of its files, and the tokenizer by its model's
        name.
        """
        unknown = {"tokenizer", *self.usual}.difference(recorded)
        said = {name: value for name, value in self.facts.items() if name not in unknown}
        for split, sha256 in self.files.items():
            if f"{split}_sha256" in recorded and f"{split}_digest" not in recorded:
                del said[f"{split}_digest"]
                said[f"{split}_sha256"] = sha256
        return said


@dataclass(frozen=True)
class Start:
    """The point at which a run begins: the beginning with no state, or a checkpoint's position.

    `is_named`: RESUME names the checkpoint, which may be of another output.
    """

    position: Position = field(default_factory=Position)
    state: State | None = None
    checkpoint: Checkpoint | None = None
    is_named: bool = False


def find_start(
    store: CheckpointStore,
    resume: str,
    identity: Identity,
    network: torch.nn.Module,
    scratch: Path,
) -> Start:
    """The newest checkpoint that verifies, or the beginning.

    `resume`: auto, never, or the URL of one checkpoint. Raises IncompatibleError, naming each
    difference, when the checkpoint is of another run or does not fit into the network, or when the
    store has one of another run: the best would be chosen among both.
    """
    checkpoint = _choose(store, resume, scratch)
    if checkpoint is None:
        return Start()
    for each in [checkpoint] if resume == "auto" else [checkpoint, *store.committed()]:
        _refuse(each, _differences(each, identity))
    state = load_state(scratch)
    _refuse(checkpoint, differing_shapes(state["network"], network))
    position = position_of(state)
    logger.info(
        "Going on from %s: epoch %d, step %d.",
        checkpoint.url,
        position.epoch + 1,
        position.step + 1,
    )
    if checkpoint.code_version != job.__version__:
        was, now = checkpoint.code_version, job.__version__
        logger.warning(
            "The checkpoint is of version %s, this is %s: results may differ in the last bits.",
            was,
            now,
        )
    return Start(position, state, checkpoint, is_named=resume != "auto")


def adopt(start: Start, store: CheckpointStore, folder: Path) -> None:
    """Commits the checkpoint that RESUME named, whose files `folder` holds, to the run's own store,
    where it lacks that state: it may stay the best, and the next start goes on from here."""
    checkpoint = start.checkpoint
    if checkpoint is None or any(checkpoint.is_same(own) for own in store.committed()):
        return
    facts = {
        "metrics": checkpoint.metrics,
        "settings": checkpoint.settings,
        "labels": checkpoint.labels,
        "position": start.position.counters(),
    }
    copied = store.commit(folder, step=checkpoint.step, facts=facts)
    logger.info("%s was copied to %s.", checkpoint.url, copied)


def _choose(store: CheckpointStore, resume: str, scratch: Path) -> Checkpoint | None:
    """The checkpoint that RESUME means, its files in `scratch`; None to begin anew."""
    if resume == "never":
        return None
    if resume == "auto":
        return store.newest(scratch)
    checkpoint = store.read(resume)
    if checkpoint is None or not store.fetch(checkpoint, scratch):
        raise IncompatibleError(f"RESUME={resume}: there is no intact checkpoint there.")
    return checkpoint


def _differences(checkpoint: Checkpoint, identity: Identity) -> list[str]:
    """The reasons why a checkpoint cannot be resumed, a phrase each."""
    if checkpoint.format != FORMAT:
        return [f"its format is {checkpoint.format!r} and that of this version is {FORMAT}"]
    found = [
        f"{name} was {checkpoint.settings.get(name)!r} and is {value!r}"
        for name, value in identity.as_recorded(checkpoint.settings).items()
        if checkpoint.settings.get(name) != value
    ]
    if checkpoint.labels != identity.labels:
        found.append(f"the labels were {checkpoint.labels} and are {identity.labels}")
    return found


def _refuse(checkpoint: Checkpoint, differences: list[str]) -> None:
    if differences:
        raise IncompatibleError(
            f"{checkpoint.url} is of another run: {'; '.join(differences)}. Set them back, choose "
            "another DOWNSTREAM_MODEL_DIR, or start anew with RESUME=never."
        )
