"""Outputs on poor file systems, mount points and links: whole runs end as on any disk."""

import json
import subprocess
from pathlib import Path

import pytest

from job.errors import OutputError
from tests.faults.jobs import Inside
from tests.faults.ledger import folder_place
from tests.support.lacking import MOUNTED_BUCKET, POOREST

FOLDERS = ("checkpoints", "model", "report")
NFS = {"locks for readers": "EBADF", "links": "EMLINK"}
SMB = {"links": "EOPNOTSUPP", "renaming over files": "EACCES", "modes and times": "EPERM"}


def hidden(folder: Path) -> list[str]:
    """What should not be there any more."""
    return [str(p.relative_to(folder)) for p in folder.rglob(".*")]


@pytest.fixture
def bound(tmp_path):
    """Mounts a folder of its own, on the same disk or on another, at a place."""
    mounted = []

    def bind(place: Path, how: str) -> Path:
        place.mkdir(parents=True)
        volume = tmp_path / f"volume-{len(mounted)}"
        volume.mkdir()
        command = {
            "bind": ["mount", "--bind", str(volume), str(place)],
            "tmpfs": ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)],
        }[how]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("only root can mount: a mount point in the output is NOT tested")
        mounted.append(place)
        return place

    yield bind
    for place in reversed(mounted):
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize(
    "lacks", [MOUNTED_BUCKET, POOREST, NFS, SMB], ids=["bucket", "poorest", "nfs", "smb"]
)
def test_a_run_ends_alike_whatever_is_lacking(runs, tmp_path, untouched, lacks):
    """One epoch, then the rest, then a start that finds it done: bit for bit as on any disk."""
    place = folder_place(tmp_path / "out")
    inside = Inside(lacks=lacks, below=tmp_path / "out")
    code, log = runs.finish(place, inside=inside, words=("check",))
    assert (code, hidden(tmp_path / "out")) == (0, []), log
    for epochs in (1, 3, 3):
        code, log = runs.finish(place, inside=inside, epochs=epochs)
        assert code == 0, log
        assert "Traceback" not in log
    assert "Done already" in log
    assert place.outcome() == untouched()
    assert hidden(tmp_path / "out") == []


@pytest.mark.parametrize("skip", range(0, 16, 3))
def test_killed_where_files_are_put_in_place_it_ends_alike(runs, tmp_path, untouched, skip):
    """Also with a lock file in its hand: the next start breaks it, and never lacks a checkpoint
    that was there."""
    place = folder_place(tmp_path / "out")
    poorest = {"lacks": POOREST, "below": tmp_path / "out"}
    job = runs.start(place, inside=Inside(hold="job.storage.local:_put", skip=skip, **poorest))
    job.until_held()
    job.kill()
    before = place.steps()
    code, log = runs.finish(place, inside=Inside(**poorest))
    assert code == 0, log
    assert not before or "Going on from" in log
    assert place.outcome() == untouched()
    left = [name for name in hidden(tmp_path / "out") if not name.startswith(".probe-")]
    assert [name for name in left if name.endswith(".lock")] == []
    assert [name for name in left if name.startswith(FOLDERS)] == []


@pytest.mark.parametrize("how", ["bind", "tmpfs"])
def test_folders_of_the_output_may_be_mount_points(runs, tmp_path, bound, untouched, how):
    """Each of them a volume, as `docker -v` makes it: content is replaced, and what somebody has
    put there stays."""
    place = folder_place(tmp_path / "out")
    for name in FOLDERS:
        (bound(tmp_path / "out" / name, how) / "lost+found").mkdir()
    for words, epochs in ((("check",), 1), ((), 1), ((), 3)):
        code, log = runs.finish(place, words=words, epochs=epochs)
        assert code == 0, log
        assert "WARNING /" not in log
    assert place.outcome() == untouched()
    assert all((tmp_path / "out" / name / "lost+found").is_dir() for name in FOLDERS)
    assert hidden(tmp_path / "out") == []


def test_folders_of_the_output_may_be_links(runs, tmp_path, untouched):
    """They are written through and stay links; behind them nothing of anybody else goes, also when
    a run starts anew."""
    place = folder_place(tmp_path / "disk")
    (tmp_path / "out").mkdir()
    for name in FOLDERS:
        (tmp_path / "disk" / name).mkdir(parents=True)
        (tmp_path / "disk" / name / "mine").write_text(name)
        (tmp_path / "out" / name).symlink_to(tmp_path / "disk" / name)
    for changed in ({"epochs": 1}, {"epochs": 3}, {"epochs": 3, "resume": "never"}):
        code, log = runs.finish(str(tmp_path / "out"), **changed)
        assert code == 0, log
    assert place.outcome() == untouched()
    for name in FOLDERS:
        assert (tmp_path / "out" / name).is_symlink()
        assert (tmp_path / "disk" / name / "mine").read_text() == name


def test_an_output_behind_a_link_and_on_a_mount_point(runs, tmp_path, bound, untouched):
    """The output itself may be either."""
    volume = bound(tmp_path / "volume", "tmpfs")
    (tmp_path / "out").symlink_to(volume)
    code, log = runs.finish(str(tmp_path / "out"))
    assert code == 0, log
    assert folder_place(volume).outcome() == untouched()
    assert (tmp_path / "out").is_symlink()


@pytest.mark.parametrize("room", [0, 12, 40, 70, 100, 130, 170])
def test_a_disk_that_fills_up_at_any_stage_keeps_what_is_there(
    runs, tmp_path, bound, untouched, room
):
    """With so many KiB left after an epoch: 73 and one sentence, the checkpoint is good and the
    model whole, and with more room the run ends bit for bit."""
    disk = bound(tmp_path / "disk", "tmpfs")
    place = folder_place(disk / "out")
    assert runs.finish(place, epochs=1)[0] == 0
    steps = place.steps()
    model = {n: d for n, d in place.files().items() if n.startswith("model/")}
    used = int(subprocess.check_output(["df", "-k", "--output=used", disk]).split()[-1])
    resize = ["mount", "-o", f"remount,size={used + room}k", str(disk)]
    subprocess.run(resize, check=True)
    code, log = runs.finish(place)
    assert code in (0, OutputError.exit_code), log
    assert "Traceback" not in log
    assert place.steps()[: len(steps)] == steps or place.steps()[-1] > steps[-1]
    if code:
        assert "free" in log
        files = place.files()
        named = json.loads(files["model/MANIFEST.json"])["files"]
        assert {f"model/{name}" for name in named} <= files.keys()
        assert model == {n: d for n, d in files.items() if n.startswith("model/")}
    assert room > 12 or code, log
    subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
    code, log = runs.finish(place)
    assert code == 0, log
    assert place.outcome() == untouched()
    assert hidden(disk) == []
