"""Whole runs against a bucket store that fails: done in the end, or stopped with the right code."""

import re
import time

import pytest

from job.errors import (
    OutputError,
    PermissionDeniedError,
    StorageError,
)

EVER = 10**6
CHECKPOINTS = "out/checkpoints/"
# Name → the faults, which pass; the run must end as if there had been none.
PASSING = {
    "503 three times": [{"path": "/upload/.*step=", "status": 503, "times": 3}],
    "429": [{"path": "/upload/.*step=", "status": 429, "times": 2}],
    "reset in a body": [{"path": r"/upload/.*state-", "drop_after": 30_000}],
    "stall": [{"path": r"/upload/.*state-", "stall_s": 600}],
    "corrupted on the way": [{"path": "/upload/.*step=", "corrupt": "up", "times": 2}],
    "truncated on the way": [{"path": r"/upload/.*state-", "truncate": 5000}],
    "committed, then 503": [
        {"path": r"/upload/.*MANIFEST", "status": 503, "commit_first": True, "times": 2},
        {"path": r"/upload/.*LEASE", "status": 503, "commit_first": True, "times": 3},
    ],
    "committed, then reset": [
        {"path": r"/upload/.*MANIFEST", "drop_after": 0, "commit_first": True, "times": 2},
        {"path": r"/upload/.*LEASE", "drop_after": 0, "commit_first": True, "times": 2},
    ],
    "deletions refused": [{"method": "DELETE", "path": CHECKPOINTS, "status": 403, "times": EVER}],
}


@pytest.mark.slow
@pytest.mark.parametrize("case", PASSING)
def test_a_fault_that_passes_changes_nothing(runs, server, place, untouched, case):
    """The run ends with 0, bit for bit as without the fault, and says that it tried again."""
    said = [server.fault(**way) for way in PASSING[case]]
    code, log = runs.finish(place, storage_timeout_s=2, storage_deadline_s=15)
    assert code == 0, log
    assert all(fault.hits for fault in said)
    assert "trying again" in log or "could not be deleted" in log
    assert place.outcome() == untouched()


@pytest.mark.parametrize(
    "way",
    [{"corrupt": "down"}, {"truncate": 5000}, {"drop_after": 5000}, {"status": 503, "times": 2}],
    ids=["corrupted", "truncated", "reset", "503"],
)
@pytest.mark.slow
def test_a_checkpoint_damaged_on_its_way_down_is_fetched_again(runs, server, place, untouched, way):
    """The newest is gone on from all the same: it lies there undamaged."""
    assert runs.finish(place, epochs=2)[0] == 0
    fault = server.fault("GET", r"step=00000024/state-.*alt=media", **way)
    code, log = runs.finish(place)
    assert code == 0, log
    assert fault.hits
    assert re.search(r"Going on from \S+step=00000024: epoch 3, step 1", log)
    assert place.outcome() == untouched()


def test_an_outage_for_ever_is_outlasted_for_a_while(runs, server, place, untouched):
    """Nothing can be saved from step 13 on: training goes on meanwhile, the run then stops with 74,
    and what was committed is there for the next start, which ends as if nothing had been."""
    server.fault(path=r"/upload/.*step=000000(?!04|08|12)", status=503, times=EVER)
    started = time.monotonic()
    code, log = runs.finish(place, epochs=9, storage_deadline_s=1, log_every_s=0.01)
    assert code == StorageError.exit_code, log
    assert time.monotonic() - started < 60
    assert "training goes on" in log
    assert "STORAGE_DEADLINE_S" in log
    after = log[log.index("training goes on") :]
    assert re.search(r"epoch \d/9, step", after), "no step was made meanwhile"
    assert "epoch 9/9" not in log, "for a while, not to the end"
    assert place.steps() == [12]
    assert not any(path.startswith("model/") for path in place.files())
    server.clear_faults()
    code, log = runs.finish(place)
    assert code == 0, log
    assert place.outcome() == untouched()


def test_a_last_save_that_fails_is_never_reported_as_done(runs, server, place, untouched):
    """All steps are made, the last upload fails for ever: 74, no model, nothing called done."""
    server.fault(path=r"/upload/.*step=00000036", status=503, times=EVER)
    code, log = runs.finish(place, storage_deadline_s=1)
    assert code == StorageError.exit_code, log
    assert "Saved gs://bucket/out/checkpoints/step=00000036" not in log
    assert "The best checkpoint" not in log
    assert place.steps()[-1] >= 24
    assert not any(path.startswith("model/") for path in place.files())
    server.clear_faults()
    code, log = runs.finish(place)
    assert code == 0, log
    assert place.outcome() == untouched()


REFUSED = {
    "403": (r"/upload/", 403, PermissionDeniedError),
    "401": (r"/upload/", 401, PermissionDeniedError),
    "no such bucket": (r"/b/bucket", 404, OutputError),
    "no deletion": (None, 403, PermissionDeniedError),
}


@pytest.mark.parametrize("case", REFUSED)
def test_without_a_permission_nothing_is_trained(runs, server, place, case):
    """Told before the first step, with the code of a missing permission or bucket."""
    path, status, error = REFUSED[case]
    if path:
        server.fault(path=path, status=status, times=EVER)
    else:
        server.fault("DELETE", status=status, times=EVER)
    code, log = runs.finish(place)
    assert code == error.exit_code, log
    assert "gs://bucket/out" in log
    assert "epoch 1" not in log
    assert "Traceback" not in log
    assert place.steps() == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_permission_that_ends_midway_stops_the_run(runs, server, place, untouched, status):
    """From some moment on every request is refused: 77, and the checkpoints stay as they are."""
    held = server.fault(path=r"/upload/.*step=00000024/state", status=status, stall_s=60)
    job = runs.start(place, epochs=9)
    job.until_hit(held)
    before = place.steps()
    refused = server.fault(status=status, times=EVER)
    held.over.set()
    code, log = job.wait()
    assert code == PermissionDeniedError.exit_code, log
    assert refused.hits
    assert "trying again" not in log
    assert "Traceback" not in log
    assert place.steps() == before
    assert 12 in before
    server.clear_faults()
    code, log = runs.finish(place)
    assert code == 0, log
    assert place.outcome() == untouched()


def test_without_credentials_nothing_is_asked(runs, world, server, place, tmp_path):
    """No key, no metadata server, no login: 77 with the remedy, and no server was asked."""
    runs.environ |= {
        "STORAGE_EMULATOR_HOST": None,
        "GOOGLE_APPLICATION_CREDENTIALS": None,
        "GOOGLE_CLOUD_PROJECT": None,
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "HOME": str(tmp_path),
        "NO_GCE_CHECK": "true",
    }
    code, log = runs.finish(place)
    assert code == PermissionDeniedError.exit_code, log
    assert "gcloud auth application-default login" in log
    assert "epoch 1" not in log
    assert "Traceback" not in log
    assert server.log == []
