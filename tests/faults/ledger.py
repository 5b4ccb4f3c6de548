"""What no fault may do: lose a committed checkpoint, or leave one that does not verify."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.support.gcs import GcsServer

MANIFEST = re.compile(r"checkpoints/step=(\d+)/MANIFEST\.json$")


def sound_steps(files: Mapping[str, bytes], forgiven: frozenset[int] = frozenset()) -> set[int]:
    """The steps whose manifest names only files that are there with that sha256; each manifest
    must be such a one, except those of the `forgiven` steps."""
    sound = set()
    for path, data in files.items():
        if not (found := MANIFEST.search(path)):
            continue
        step, folder = int(found[1]), path.rpartition("/")[0]
        try:
            named = json.loads(data)["files"].values()
            sums = {f"{folder}/{facts['object']}": facts["sha256"] for facts in named}
        except ValueError:
            sums = {"nowhere": ""}
        is_sound = all(p in files and sha256(files[p]).hexdigest() == s for p, s in sums.items())
        assert is_sound or step in forgiven, f"{path} stands over other data than it names"
        if is_sound:
            sound.add(step)
    return sound


@dataclass(frozen=True)
class Place:
    """Where a run writes: its URL, and what lies there now, path below it → bytes."""

    url: str
    files: Callable[[], dict[str, bytes]]

    def steps(self) -> list[int]:
        return sorted(sound_steps(self.files()))

    def path(self, step: int, name: str) -> str:
        """Of MANIFEST.json or, named "state", of the data of a checkpoint."""
        folder = f"checkpoints/step={step:08d}"
        if name == "state":
            manifest = json.loads(self.files()[f"{folder}/MANIFEST.json"])
            name = manifest["files"]["state.pt"]["object"]
        return f"{folder}/{name}"

    def orphans(self) -> set[str]:
        """Data below checkpoints/ that no manifest names."""
        files = self.files()
        named = {p for p in files if MANIFEST.search(p)} | {
            self.path(step, "state") for step in self.steps()
        }
        return {p for p in files if p.startswith("checkpoints/")} - named

    def outcome(self) -> dict[str, object]:
        """What must be equal, bit for bit, of two runs that ended alike."""
        files = self.files()
        metrics = json.loads(files["report/metrics.json"])
        times = ("seconds", "sentences_per_s")
        return {
            "weights": sha256(files["model/model.safetensors"]).hexdigest(),
            "predictions": sha256(files["report/predictions.jsonl"]).hexdigest(),
            "splits": metrics["splits"],
            "history": [{k: v for k, v in e.items() if k not in times} for e in metrics["history"]],
        }


def folder_place(folder: Path) -> Place:
    def files() -> dict[str, bytes]:
        found = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in found}

    return Place(str(folder), files)


def bucket_place(server: GcsServer, name: str) -> Place:
    def files() -> dict[str, bytes]:
        below = f"{name}/"
        found = server.objects()
        return {p.removeprefix(below): data for p, data in found.items() if p.startswith(below)}

    return Place(f"gs://bucket/{name}", files)


class Ledger:
    """Looks at a bucket's checkpoints at each of its changes and notes what must not be."""

    def __init__(self, server: GcsServer):
        self.server, self.wrong = server, []
        self.forgiven: frozenset[int] = frozenset()  # steps that the test itself has damaged
        self._had: dict[str, set[int]] = {}
        store = server.store
        store.commit, store.remove = self._watched(store.commit), self._watched(store.remove)

    def _watched(self, act: Callable) -> Callable:
        def change(bucket: str, name: str, *arguments, **options):
            with self.server.store.lock:
                result = act(bucket, name, *arguments, **options)
                if "/checkpoints/" in name:
                    self._look(name.partition("/checkpoints/")[0])
            return result

        return change

    def _look(self, run: str) -> None:
        try:
            steps = sound_steps(bucket_place(self.server, run).files(), self.forgiven)
        except AssertionError as error:
            self.wrong.append(str(error))
            return
        if self._had.get(run) and not steps:
            self.wrong.append(f"{run}: of the checkpoints {self._had[run]} none is left")
        self._had[run] = steps
