"""The room on the disks: told before a run, from figures that are those of its files."""

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from job.errors import OutputError
from job.training.output import space
from job.training.output.space import Need, require_space
from tests.support.runs import World

MB = 1_000_000


def disks(monkeypatch: pytest.MonkeyPatch, free: dict[str, int | None]) -> None:
    """Each of the folders is a disk of its own with so many bytes; None: it does not tell."""

    def statvfs(path):
        size = free[Path(path).name]
        blocks = 0 if size is None else 1_000_000_000
        return SimpleNamespace(f_bavail=size or 0, f_frsize=1, f_blocks=blocks)

    def device(path):
        return SimpleNamespace(st_dev=list(free).index(Path(path).name))

    monkeypatch.setattr(space.os, "statvfs", statvfs)
    monkeypatch.setattr(space.Path, "exists", lambda path: path.name in free)
    monkeypatch.setattr(space.Path, "stat", device)


def needs(*places: tuple[str, int, int]) -> list[Need]:
    return [Need(Path("/x") / place, least, most, "do this") for place, least, most in places]


def test_room_for_less_than_one_checkpoint_is_refused(monkeypatch):
    """Named with what is free, what is needed and the remedy."""
    disks(monkeypatch, {"x": 7 * MB})
    said = r"/x/a: 7\.0 MB are free on its disk, and 8\.0 MB are needed for one .*; do this\."
    with pytest.raises(OutputError, match=said):
        require_space(needs(("a", 8 * MB, 8 * MB), ("b", 1, 1)))


def test_room_for_less_than_all_is_warned_of_and_no_more(monkeypatch, caplog):
    """What is needed of one disk is added up, and that of two is not."""
    disks(monkeypatch, {"x": 9 * MB, "own": 9 * MB})
    require_space(needs(("a", MB, 5 * MB), ("b", MB, 4 * MB), ("own/c", 9 * MB, 9 * MB)))
    assert caplog.messages == []
    require_space(needs(("a", MB, 5 * MB), ("b", MB, 5 * MB)))
    [said] = caplog.messages
    assert said == ("/x/a: 9.0 MB are free on its disk, and up to 10.0 MB may be needed; do this.")


def test_a_disk_that_does_not_tell_its_size_is_trusted(monkeypatch, caplog):
    """Some in user space say 0 of everything."""
    disks(monkeypatch, {"x": None})
    require_space(needs(("a", MB, MB)))
    assert caplog.messages == []


@pytest.fixture
def mounted(tmp_path):
    """Mounts a file system of so many bytes at a folder."""
    folders = []

    def mount(folder: Path, size: str) -> Path:
        folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True).returncode:
            if os.environ.get("CI"):
                pytest.fail("no disk could be mounted: in CI this test must run")
            pytest.skip("only root can mount a disk: a small one is NOT tested")
        folders.append(folder)
        return folder

    yield mount
    for folder in folders:
        subprocess.run(["umount", str(folder)], capture_output=True)


@pytest.mark.parametrize("words", [(), ("check",)])
@pytest.mark.parametrize("name", ["", "checkpoints"])
def test_a_disk_without_room_is_refused_before_training(tmp_path, mounted, capsys, name, words):
    """The output's own, or that of a folder in it; by `check` as by a run."""
    world = World(tmp_path / "world")
    disk = mounted(world.folder / "out" / name, "48k")
    code, log = world.run(capsys, words=words)
    assert code == OutputError.exit_code, log
    assert f"{disk}" in log
    assert "are free on its disk" in log
    assert "epoch 1" not in log
    assert [path.name for path in disk.rglob("*") if path.is_file()] in ([], ["LEASE.json"])


def test_what_is_reckoned_is_what_is_written(tmp_path, capsys, monkeypatch):
    """A checkpoint is at most a few kB more than said, and a model as well."""
    reckoned = []
    monkeypatch.setattr(
        "job.training.output.context.require_space", lambda needs: reckoned.extend(needs)
    )
    world = World(tmp_path / "world")
    code, log = world.run(capsys, epochs=1)
    assert code == 0, log
    out = world.folder / "out"
    [state] = out.glob("checkpoints/*/state-*.pt")
    of = {need.place.name: need.least for need in reckoned[1:]}
    assert reckoned[0].least == of["checkpoints"]
    assert 0 <= state.stat().st_size - of["checkpoints"] < 32_000
    assert 0 <= (out / "model" / "model.safetensors").stat().st_size - of["model"] < 32_000
    code, log = world.run(capsys, epochs=1)
    assert code == 0, log
