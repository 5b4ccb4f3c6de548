"""A disk that is full or read-only, and a clock that cannot be trusted."""

import os
import subprocess

import pytest

from job.errors import OutputError
from tests.faults.jobs import Inside
from tests.faults.ledger import folder_place

STATE_BYTES = 80_000  # of a checkpoint here, about


@pytest.fixture
def mounted(tmp_path):
    """Makes a file system of so many bytes, with these options."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(*options: str):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True).returncode:
            if os.environ.get("CI"):
                pytest.fail("no disk could be mounted: in CI this test must run")
            pytest.skip("only root can mount a disk: a full or read-only one is NOT tested")
        return folder

    yield mount
    subprocess.run(["umount", str(folder)], capture_output=True)


def test_a_disk_that_fills_up_stops_the_run(runs, mounted, untouched):
    """Room for one checkpoint and not for two: 73 with the remedy, the first is there, and with
    more room the next start ends bit for bit."""
    disk = mounted(f"size={STATE_BYTES * 2}")
    place = folder_place(disk / "out")
    code, log = runs.finish(place, save_every_steps=0)
    assert code == OutputError.exit_code, log
    assert "no space left on the device" in log
    assert "Traceback" not in log
    assert place.steps() == [12]
    subprocess.run(["mount", "-o", "remount,size=4m", str(disk)], check=True)
    code, log = runs.finish(place, save_every_steps=0)
    assert code == 0, log
    assert "Going on from" in log
    assert place.outcome() == untouched()


def test_a_quota_that_is_used_up_stops_the_run(runs, tmp_path, untouched):
    """73 with the remedy, no half of a checkpoint, and with more quota the next start ends well."""
    place = folder_place(tmp_path / "out")
    inside = Inside(lacks={"room for checkpoints": "EDQUOT"}, below=tmp_path / "out")
    code, log = runs.finish(place, inside=inside)
    assert code == OutputError.exit_code, log
    assert "the disk quota is used up: free some, or choose another output" in log
    assert "Traceback" not in log
    assert place.steps() == []
    code, log = runs.finish(place)
    assert code == 0, log
    assert place.outcome() == untouched()


def test_a_scratch_disk_that_is_full_is_named(runs, place, mounted):
    """Checkpoints are written here before they go up: 73, TMPDIR as the remedy."""
    disk = mounted("size=40k")
    runs.environ["TMPDIR"] = str(disk)
    code, log = runs.finish(place)
    assert code == OutputError.exit_code, log
    assert "TMPDIR" in log
    assert "Traceback" not in log
    assert place.steps() == []


def test_a_read_only_output_stops_the_run_at_once(runs, mounted):
    """Told before anything is trained."""
    disk = mounted("ro")
    code, log = runs.finish(str(disk / "out"))
    assert code == OutputError.exit_code, log
    assert str(disk) in log
    assert "epoch 1" not in log
    assert "Traceback" not in log


def test_an_output_that_is_a_file_stops_the_run_at_once(runs, tmp_path):
    """A name that is taken by a file: told before anything is trained."""
    (tmp_path / "out").write_text("")
    code, log = runs.finish(str(tmp_path / "out"))
    assert code == OutputError.exit_code, log
    assert str(tmp_path / "out") in log
    assert "epoch 1" not in log


@pytest.mark.parametrize("where", ["bucket", "folder"])
def test_a_clock_that_jumps_changes_nothing(runs, server, place, tmp_path, untouched, where):
    """By a day to and fro at every look, in a run that is killed, too: order is by step, the lease
    is nobody else's, and the end is bit for bit the same."""
    place = place if where == "bucket" else folder_place(tmp_path / "out")
    hold = "job.training.evaluate:evaluate_split"
    job = runs.start(place, inside=Inside(hold=hold, day_jumps=True), epochs=1)
    job.until_held()
    job.kill()
    code, log = runs.finish(place, inside=Inside(day_jumps=True))
    assert code == 0, log
    assert "Going on from" in log
    assert place.steps()[-1] == 36
    assert place.outcome() == untouched()


def test_the_scratch_folder_of_a_killed_run_is_removed(runs, place):
    """What it had written on this machine on its way to the store goes with the next start."""
    job = runs.start(place, inside=Inside(hold="job.training.evaluate:evaluate_split"), epochs=1)
    job.until_held()
    assert len(list((runs.folder / "tmp").iterdir())) == 1
    other = runs.start(
        "gs://bucket/other", inside=Inside(hold="job.training.evaluate:evaluate_split")
    )
    other.until_held()
    job.kill()
    assert runs.finish(place, epochs=1)[0] == 0
    [left] = (runs.folder / "tmp").iterdir()
    other.let_go()
    assert other.wait()[0] == 0, "the folder of a run that lives was touched"
    assert not left.exists()


def test_what_a_killed_export_leaves_is_removed(runs, tmp_path, untouched):
    """Killed between a folder's copy and its renaming: the next start leaves no copy behind."""
    place = folder_place(tmp_path / "out")
    job = runs.start(place, inside=Inside(hold="job.storage.local:Path.rename", skip=6))
    job.until_held()
    job.kill()
    assert any(path.startswith(".report.new-") for path in place.files())
    code, log = runs.finish(place)
    assert code == 0, log
    assert not any(path.startswith(".report") for path in place.files())
    assert place.outcome() == untouched()
