"""kill -9 at any moment: the next start goes on, and the end is that of an untouched run."""

import random
from hashlib import sha256

import pytest

from tests.faults.kill import kill_at_random
from tests.faults.ledger import folder_place

MANIFEST_12 = r"name=out/checkpoints/step=00000012/MANIFEST"
# Where a run is held: method, path, whether the store has done the request when the kill comes.
POINTS = {
    "before the lease is taken": ("POST", "name=out/LEASE", False),
    "after the lease was taken": ("POST", "name=out/LEASE", True),
    "in the first upload": ("POST", r"step=00000004/state-", False),
    "in an upload": ("POST", r"step=00000012/state-", False),
    "before the manifest": ("POST", MANIFEST_12, False),
    "after the manifest": ("POST", MANIFEST_12, True),
    "pruning, before": ("DELETE", r"step=00000004/MANIFEST", False),
    "pruning, between manifest and data": ("DELETE", r"step=00000004/MANIFEST", True),
    "pruning, after": ("DELETE", r"step=00000004/state-", True),
    "exporting the model": ("POST", "name=out/model/model.safetensors", False),
    "before the model's manifest": ("POST", "name=out/model/MANIFEST", False),
    "giving the lease back": ("DELETE", "out/LEASE.json", False),
}
QUICK = ("before the manifest", "pruning, between manifest and data")
SEEDS = (1, 2, 3, 4)
TIMES = 5


@pytest.mark.parametrize(
    "point",
    [pytest.param(p, marks=() if p in QUICK else pytest.mark.slow, id=p) for p in POINTS],
)
def test_killed_at_a_point_of_the_protocol_it_ends_alike(runs, server, place, untouched, point):
    """Held there and killed: what was committed verifies, and the next start ends bit for bit."""
    method, path, is_done = POINTS[point]
    fault = server.fault(method, path, stall_s=60, status=503, commit_first=is_done)
    job = runs.start(place)
    job.until_hit(fault)
    job.kill()
    server.clear_faults()
    committed = place.steps()
    code, log = runs.finish(place)
    assert code == 0, log
    assert ("Going on from" in log) == bool(committed) or "Done already" in log
    assert place.outcome() == untouched()
    assert place.orphans() == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_random_moments_it_ends_alike(runs, server, place, untouched, seed):
    """kill -9 again and again, on gs://: weights, predictions, metrics as if never touched."""
    print(f"seed {seed}")
    kill_at_random(runs, place, server, random.Random(seed), TIMES)
    assert place.outcome() == untouched()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_random_moments_on_a_disk_it_ends_alike(runs, tmp_path, untouched, seed):
    """The same on a folder."""
    print(f"seed {seed}")
    place = folder_place(tmp_path / "out")
    kill_at_random(runs, place, None, random.Random(seed), TIMES)
    assert place.outcome() == untouched()
    assert place.orphans() == set()


def test_a_second_start_after_the_end_writes_nothing(runs, place):
    """A finished run that is started again says so, exits with 0 and leaves each byte as it was."""
    assert runs.finish(place)[0] == 0
    before = {path: sha256(data).hexdigest() for path, data in place.files().items()}
    code, log = runs.finish(place)
    assert code == 0, log
    assert "Done already" in log
    assert {path: sha256(data).hexdigest() for path, data in place.files().items()} == before


def test_more_epochs_go_on_from_the_end(runs, place, untouched):
    """EPOCHS raised on a finished run ends as a run that had as many from the start."""
    assert runs.finish(place, epochs=1)[0] == 0
    code, log = runs.finish(place, epochs=3)
    assert code == 0, log
    assert "Going on from" in log
    assert "epoch 2, step 1" in log
    assert place.outcome() == untouched()
