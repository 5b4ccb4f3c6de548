"""Checkpoints at a URL: commit, find, verify, prune.

    <url>/step=00000381/state-5f0c….pt   everything that a run needs to go on
    <url>/step=00000381/MANIFEST.json    written last: what is in the folder, with sha256

A folder without a manifest does not exist. The order is data → verify → manifest → prune, so that
from the first commit on there is never a moment without one good checkpoint. Each writer's data has
names of its own: one that should long be dead cannot damage what its successor committed. Order is
by step, not by clock.
"""

import json
import logging
import math
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from job import storage
from job.errors import IncompatibleError, JobError, OutputError
from job.figures import counted
from job.storage import MANIFEST, CorruptedError, describe_files, is_staged, sha256_of

logger = logging.getLogger(__name__)

FOLDER = re.compile(r"step=\d{8,}")
# All that the job writes into such a folder; before the writers had names of their own, state.pt.
WRITTEN = re.compile(rf"{re.escape(MANIFEST)}|state(-[0-9a-f]+)?\.pt")


@dataclass(frozen=True)
class Checkpoint:
    """One committed checkpoint; `metrics` are the last validation's, `files` name → facts."""

    url: str
    step: int
    metrics: Mapping[str, float]
    settings: Mapping[str, object]
    labels: tuple[str, ...]
    format: int
    code_version: str
    files: Mapping[str, Mapping] = field(repr=False)

    def is_same(self, other: "Checkpoint") -> bool:
        """Whether both hold the same state, wherever they lie."""
        return self.step == other.step and _digests(self) == _digests(other)


@dataclass(frozen=True)
class CheckpointStore:
    """The checkpoints of one run below `url`. `monitor` is ("min" or "max", metric).

    `confirm` raises when this process may no longer write; it is asked around each commit.
    """

    url: str
    monitor: tuple[str, str]
    keep_best: int
    confirm: Callable[[], None] = lambda: None
    writer: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    damaged: set[str] = field(default_factory=set)  # found by `newest`; they keep nothing in place

    def present(self) -> list[str]:
        """The URLs of all folders with a manifest, readable or not, oldest first."""
        names = [name for name in storage.list_names(self.url) if FOLDER.fullmatch(name)]
        folders = [storage.join(self.url, name) for name in sorted(names, key=step_of)]
        return [folder for folder in folders if storage.exists(storage.join(folder, MANIFEST))]

    def committed(self) -> list[Checkpoint]:
        """Every committed checkpoint, oldest first. An unreadable manifest commits nothing."""
        urls = [url for url in self.present() if url not in self.damaged]
        return [checkpoint for url in urls if (checkpoint := self.read(url))]

    def read(self, url: str) -> Checkpoint | None:
        """The checkpoint at `url`, or None where none is committed there."""
        try:
            manifest = json.loads(storage.read_bytes(storage.join(url, MANIFEST)))
            _check(manifest)
            return Checkpoint(
                url=url,
                step=int(manifest["step"]),
                metrics=manifest["metrics"],
                settings=manifest["settings"],
                labels=tuple(manifest["labels"]),
                format=manifest["format"],
                code_version=manifest["code_version"],
                files={name: dict(facts) for name, facts in manifest["files"].items()},
            )
        except FileNotFoundError:
            return None
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
            logger.warning("%s: the manifest cannot be read (%s); ignored.", url, error)
            return None
        except CorruptedError as error:
            logger.warning("%s: the manifest cannot be read (%s); ignored.", url, error)
            return None

    def commit(self, folder: Path, *, step: int, facts: Mapping[str, object]) -> str:
        """Uploads the files of `folder`, then the manifest, then prunes. Returns the URL.

        `facts` are the manifest's `metrics`, `settings` and `labels`.
        """
        url = storage.join(self.url, f"step={step:08d}")
        manifest = {"step": step, **facts, **describe_files(folder)}
        for name, file in manifest["files"].items():
            stem, dot, suffix = name.partition(".")
            file["object"] = f"{stem}-{self.writer}{dot}{suffix}"
            storage.upload_file(folder / name, storage.join(url, file["object"]))
        place = storage.join(url, MANIFEST)
        data = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        before = _content(place)  # of a checkpoint of this step that did not verify
        self.confirm()
        try:
            if before is None:
                storage.create(place, data)
            else:
                storage.swap(place, before, data)
        except FileExistsError as error:
            raise OutputError(f"{place}: another job wrote this first; only one may.") from error
        # Where the lease is lost by now the manifest stays: the successor may have gone on from it.
        self.confirm()
        self.damaged.discard(url)
        self._prune_patiently(url)
        return url

    def _prune_patiently(self, latest: str) -> None:
        """Prunes; a failure is a warning, and the next save tries again."""
        try:
            self.prune(latest)
        except JobError as error:
            logger.warning("An old checkpoint could not be deleted: %s", error)

    def prune(self, latest: str) -> None:
        """Deletes what is neither the newest, nor the latest, nor among the `keep_best` best;
        manifests first. The latest is not the newest where a run went on from an older one."""
        committed = self.committed()
        kept = {c.url for c in [*committed[-1:], *self.best(committed)[: self.keep_best]]}
        kept.add(latest)
        for checkpoint in committed:
            if checkpoint.url not in kept:
                self.delete(checkpoint.url)

    def delete(self, url: str) -> None:
        """Manifest first: at no moment does one stand over data that is not there."""
        if not storage.is_link(url):
            storage.remove(storage.join(url, MANIFEST), self.url)
        self._remove_written(url)

    def _remove_written(self, folder: str) -> None:
        """Deletes of a folder what the job wrote there. A link to one is taken off alone."""
        if left := storage.remove(folder, self.url, _is_written):
            names = ", ".join(left)
            logger.info("%s: left in place, because the job did not write them: %s.", folder, names)

    def clean_up(self, *, start_anew: bool) -> None:
        """Deletes what dead runs left below `url`: folders that were never committed, or no longer
        are, and data that no manifest names; to start anew, every checkpoint.

        What the job did not write stays. Only for who may write here, and before it does.
        """
        if start_anew:
            for url in self.present():
                self.delete(url)
        for name in filter(FOLDER.fullmatch, storage.list_names(self.url)):
            folder = storage.join(self.url, name)
            if not storage.is_link(folder):
                self._clean_up_folder(folder)

    def _clean_up_folder(self, folder: str) -> None:
        files = storage.list_names(folder)
        if MANIFEST not in files:
            if any(map(_is_written, files)):
                logger.info("%s was never committed; deleted.", folder)
            self._remove_written(folder)
        elif checkpoint := self.read(folder):
            named = {MANIFEST, *(f.get("object", n) for n, f in checkpoint.files.items())}
            for orphan in filter(_is_written, set(files) - named):
                storage.remove(storage.join(folder, orphan), self.url)

    def best(self, committed: list[Checkpoint]) -> list[Checkpoint]:
        """Those with the monitored metric, best first; equal ones, the older first."""
        mode, metric = self.monitor
        sign = 1 if mode == "min" else -1
        scored = [c for c in committed if math.isfinite(c.metrics.get(metric, math.nan))]
        return sorted(scored, key=lambda c: (sign * c.metrics[metric], c.step))

    def fetch(self, checkpoint: Checkpoint, folder: Path) -> bool:
        """Downloads the files of a checkpoint; False, and a warning, when one fails to verify."""
        for name, facts in checkpoint.files.items():
            url = storage.join(checkpoint.url, facts.get("object", name))
            try:
                storage.download_file(url, folder / name)
            except FileNotFoundError:
                logger.warning("%s is missing; the checkpoint is not used.", url)
                return False
            except CorruptedError as error:
                logger.warning("%s; the checkpoint is not used.", error)
                return False
            if sha256_of(folder / name) != facts["sha256"]:
                logger.warning("%s does not match its sha256; the checkpoint is not used.", url)
                return False
        return True

    def newest(self, folder: Path) -> Checkpoint | None:
        """The newest checkpoint that verifies, its files in `folder`; None when there are none.

        Raises IncompatibleError when there are some and none verifies: starting anew would
        overwrite what may still be saved.
        """
        present = self.present()
        for url in reversed(present):
            if (checkpoint := self.read(url)) and self.fetch(checkpoint, folder):
                return checkpoint
            self.damaged.add(url)
        if present:
            raise IncompatibleError(
                f"{self.url}: none of {counted(len(present), 'checkpoint')} verifies; restore one, "
                "or choose another DOWNSTREAM_MODEL_DIR, or start anew with RESUME=never."
            )
        return None


def step_of(name: str) -> int:
    """The step in a checkpoint folder's name."""
    return int(name.rpartition("=")[2])


def _digests(checkpoint: Checkpoint) -> dict[str, object]:
    return {name: facts["sha256"] for name, facts in checkpoint.files.items()}


def _is_written(name: str) -> bool:
    return bool(WRITTEN.fullmatch(name)) or is_staged(name, WRITTEN)


def _content(url: str) -> bytes | None:
    try:
        return storage.read_bytes(url)
    except FileNotFoundError:
        return None


def _check(manifest: Mapping) -> None:
    """Raises ValueError where names would lead out of the folder, or numbers are none."""
    for name, facts in manifest["files"].items():
        for part in (name, facts.get("object", name), facts["sha256"]):
            if not re.fullmatch(r"\w[\w.=-]*", part, re.ASCII):
                raise ValueError(f"{part!r} is no name of a file here")
    for name, value in manifest["metrics"].items():
        if not isinstance(value, int | float):
            raise ValueError(f"metric {name} is {value!r}")
