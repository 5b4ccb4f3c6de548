"""Checkpoints at a URL: save, commit, find, verify, prune.

    <url>/step=00000381/state.pt        everything that a run needs to go on
    <url>/step=00000381/MANIFEST.json   written last: what is in the folder, with sha256

A folder without a manifest does not exist. The order is data → manifest → prune, so that from the
first commit on there is never a moment without one good checkpoint. Order is by step, not by clock.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from job import storage
from job.errors import IncompatibleError
from job.manifest import MANIFEST, describe_files, sha256_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """One committed checkpoint; `metrics` are the last validation's, `files` name → facts."""

    url: str
    step: int
    metrics: Mapping[str, float]
    settings: Mapping[str, object]
    labels: tuple[str, ...]
    files: Mapping[str, Mapping] = field(repr=False)


@dataclass(frozen=True)
class CheckpointStore:
    """The checkpoints of one run below `url`. `monitor` is ("min" or "max", metric)."""

    url: str
    monitor: tuple[str, str]
    keep_best: int

    def committed(self) -> list[Checkpoint]:
        """Every committed checkpoint, oldest first. An unreadable manifest commits nothing."""
        found = [
            self.read(storage.join(self.url, name))
            for name in storage.list_names(self.url)
            if name.startswith("step=")
        ]
        return sorted((c for c in found if c), key=lambda c: c.step)

    def read(self, url: str) -> Checkpoint | None:
        """The checkpoint at `url`, or None where none is committed there."""
        try:
            manifest = json.loads(storage.read_bytes(storage.join(url, MANIFEST)))
            return Checkpoint(
                url=url,
                step=int(manifest["step"]),
                metrics=manifest["metrics"],
                settings=manifest["settings"],
                labels=tuple(manifest["labels"]),
                files=manifest["files"],
            )
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("%s: the manifest cannot be read (%s); ignored.", url, error)
            return None

    def commit(self, folder: Path, *, step: int, facts: Mapping[str, object]) -> str:
        """Uploads the files of `folder`, then the manifest, then prunes. Returns the URL.

        `facts` are the manifest's `metrics`, `settings` and `labels`.
        """
        url = storage.join(self.url, f"step={step:08d}")
        manifest = {"step": step, **facts, **describe_files(folder)}
        for name in manifest["files"]:
            storage.upload_file(folder / name, storage.join(url, name))
        data = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        storage.write_bytes(storage.join(url, MANIFEST), data)
        self.prune()
        return url

    def forget(self) -> None:
        """Uncommits everything: the run starts anew. Manifests first, so nothing is half a one."""
        for checkpoint in self.committed():
            storage.remove(storage.join(checkpoint.url, MANIFEST))
            storage.remove(checkpoint.url)

    def prune(self) -> None:
        """Deletes what is neither the newest nor among the `keep_best` best; manifests first."""
        committed = self.committed()
        kept = {c.url for c in [*committed[-1:], *self.best(committed)[: self.keep_best]]}
        for checkpoint in committed:
            if checkpoint.url not in kept:
                storage.remove(storage.join(checkpoint.url, MANIFEST))
                storage.remove(checkpoint.url)

    def best(self, committed: list[Checkpoint]) -> list[Checkpoint]:
        """Those with the monitored metric, best first; equal ones, the older first."""
        mode, metric = self.monitor
        sign = 1 if mode == "min" else -1
        scored = [c for c in committed if metric in c.metrics]
        return sorted(scored, key=lambda c: (sign * c.metrics[metric], c.step))

    def fetch(self, checkpoint: Checkpoint, folder: Path) -> bool:
        """Downloads the files of a checkpoint; False, and a warning, when one fails to verify."""
        for name, facts in checkpoint.files.items():
            url = storage.join(checkpoint.url, name)
            try:
                storage.download_file(url, folder / name)
            except FileNotFoundError:
                logger.warning("%s is missing; the checkpoint is not used.", url)
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
        committed = self.committed()
        for checkpoint in reversed(committed):
            if self.fetch(checkpoint, folder):
                return checkpoint
        if committed:
            raise IncompatibleError(
                f"{self.url}: none of the {len(committed)} checkpoints verifies; restore one, or "
                "choose another DOWNSTREAM_MODEL_DIR, or start anew with RESUME=never."
            )
        return None
