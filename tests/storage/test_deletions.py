"""Every object that runs delete, counted: the names that the documentation lists, and no other."""

import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.faults.ledger import bucket_place, folder_place
from tests.support.lacking import POOREST, lack
from tests.support.runs import World

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "checkpoints.md"
# What a person may have put there, named like what the job writes and not.
THEIRS = (
    *("notes.txt", "checkpoints/notes.txt", "checkpoints/step=00000001/mine.txt", "model/mine.md"),
    *("checkpoints/step=00000099/state-mine.pt", "report/mine.csv", "logs/mine", "models/x"),
    *("LEASE.json.mine", ".probe-mine", ".model.old-mine/x", "runs/checkpoints/step=00000001/x"),
)
ONE_BY_ONE = {"model/MANIFEST.json", "model/.unfinished.json", "model/<file>"}
LOCKS = {".LEASE.json.lock", "checkpoints/step=#/.MANIFEST.json.lock"}
PATHS_ALONE = {".model.new-#/<file>", ".report.new-#/<file>"}
AS_A_WHOLE = {".model.old-#/<file>", ".report.old-#/<file>"}
AT_A_DEATH = {"LEASE.json.#"}


def documented() -> set[str]:
    """The names in the block under "What is deleted"."""
    _, _, text = DOCUMENT.read_text("utf-8").partition("## What is deleted")
    block = text.split("```")[1].removeprefix("text\n")
    return {line.split("  ")[0] for line in block.splitlines()}


def as_documented(name: str) -> str:
    """A deleted name as the document writes it."""
    name = re.sub(r"(?<=[-.=])([0-9a-f]{8}|\d{8,})(?=[./]|$)", "#", name)
    if ".probe-#/" in name:
        return ".probe-#/<file>"
    if re.match(r"\.(model|report)\.(new|old)-#/", name):
        return name.partition("/")[0] + "/<file>"
    return "model/<file>" if name == "model/vocab.old" else name


class Watch:
    """The files that this process deletes below a folder, by the system's own word."""

    def __init__(self):
        self.folder: Path | None = None
        self.deleted: list[str] = []
        sys.addaudithook(self._hear)  # for the life of the process; it hears nothing without folder

    def _hear(self, event: str, arguments: tuple) -> None:
        if self.folder is None or event != "os.remove":
            return
        path, at = arguments
        where = Path.cwd() if at == -1 else Path(f"/proc/self/fd/{at}").readlink()
        file = where / os.fsdecode(path)
        if self.folder in file.parents and os.path.lexists(file):
            self.deleted.append(str(file.relative_to(self.folder)))


WATCH = Watch()


@pytest.fixture(params=["path", "poor path", "gs", "root"])
def place(request, tmp_path, monkeypatch):
    """A folder, one where links, locks and renaming are lacking, a folder in a bucket, or a
    bucket's root; and the list of what is deleted there."""
    if "path" in request.param:
        lacks = POOREST if request.param == "poor path" else {}
        lack(monkeypatch, lacks, tmp_path / "run[1]")
        folder = tmp_path / "run[1]"
        monkeypatch.setattr(WATCH, "folder", folder)
        monkeypatch.setattr(WATCH, "deleted", [])
        yield folder_place(folder), WATCH.deleted, lambda n, data: _write(folder / n, data)
        return
    server = request.getfixturevalue("gcs")
    server.store.objects["bucket"], deleted, remove = {}, [], server.store.remove
    server.store.contents.clear()
    start = "" if request.param == "root" else "run[1]/"

    def recorded(bucket: str, name: str) -> None:
        remove(bucket, name)
        deleted.append(name.removeprefix(start))

    monkeypatch.setattr(server.store, "remove", recorded)
    found = bucket_place(server, start.rstrip("/"))
    if request.param == "root":
        found = type(found)("gs://bucket", server.objects)
    yield found, deleted, lambda name, data: server.put(start + name, data)


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def test_runs_delete_what_is_documented_and_nothing_else(request, place, tmp_path, capsys):
    """A run, one that goes on, one that starts anew and a second export delete all of the listed
    names and no other, and a person's files are there afterwards, byte for byte."""
    where, deleted, put = place
    world = World(tmp_path / "world")

    def run(**changed: object) -> None:
        options = {"save_every_steps": 4, "downstream_model_dir": where.url, **changed}
        code, log = world.run(capsys, **options)
        assert code == 0, log

    for name in THEIRS:
        put(name, name.encode())
    run(epochs=2)
    put("checkpoints/step=00000007/state-0dead000.pt", b"half")
    manifest = json.loads(where.files()["model/MANIFEST.json"])
    manifest["files"]["vocab.old"] = {"sha256": "", "size": 1}
    put("model/MANIFEST.json", json.dumps(manifest).encode())
    put("model/vocab.old", b"")
    run(epochs=3)
    run(epochs=1, resume="never")
    put("model/MANIFEST.json", b"damaged")
    run(epochs=1)
    files = where.files()
    assert {name: files.get(name) for name in THEIRS} == {name: name.encode() for name in THEIRS}
    assert "model/vocab.old" not in files
    staged = re.compile(r"(.*/)?\.(MANIFEST\.json|LEASE\.json|state-\w+\.pt)\.[0-9a-f]{8}")
    if request.node.callspec.params["place"] == "poor path":  # where a copy is not renamed
        staged = re.compile(r"((model|report|checkpoints/.*)/)?\.[\w.-]+\.[0-9a-f]{8}")
    whole = {name for name in deleted if where.url.startswith("gs") or not staged.fullmatch(name)}
    elsewhere = {
        "path": ONE_BY_ONE | LOCKS,
        "poor path": AS_A_WHOLE,
        "gs": PATHS_ALONE | AS_A_WHOLE | LOCKS,
        "root": PATHS_ALONE | AS_A_WHOLE | LOCKS,
    }[request.node.callspec.params["place"]]
    assert {as_documented(name) for name in whole} == documented() - elsewhere - AT_A_DEATH
