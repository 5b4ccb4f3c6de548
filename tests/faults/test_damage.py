"""Checkpoints that were damaged or changed at rest: passed over, resumed from, or refused."""

import io
import json
import os
import pickle
from hashlib import sha256

import pytest
import torch

from job.errors import DataError, IncompatibleError
from tests.faults.ledger import Place
from tests.support.gcs import GcsServer

NEWEST = 24  # of a run of two epochs; with SAVE_TOP_K=2, 12 is kept beside it


@pytest.fixture
def trained(runs, place) -> Place:
    """Two of three epochs, both their checkpoints kept."""
    code, log = runs.finish(place, epochs=2, save_top_k=2)
    assert code == 0, log
    assert place.steps() == [12, NEWEST]
    return place


def put(server: GcsServer, place: Place, path: str, data: bytes) -> None:
    server.put(f"out/{path}", data)


def change_manifest(server: GcsServer, place: Place, step: int, **changed: object) -> None:
    path = place.path(step, "MANIFEST.json")
    put(server, place, path, json.dumps({**json.loads(place.files()[path]), **changed}).encode())


def change_state(server, ledger, place: Place, step: int, data: bytes) -> None:
    """Puts other data there, and a manifest that is true of it."""
    ledger.forgiven |= {step}
    path = place.path(step, "state")
    facts = {"sha256": sha256(data).hexdigest(), "size": len(data), "object": path.split("/")[-1]}
    put(server, place, path, data)
    change_manifest(server, place, step, files={"state.pt": facts})
    ledger.forgiven -= {step}


def flip(server, place):
    server.flip_bit(f"out/{place.path(NEWEST, 'state')}", at=40_000)


def rewrite_flipped(server, place):
    """As a disk would: the store's own checksum is that of the damaged bytes."""
    path = place.path(NEWEST, "state")
    data = bytearray(place.files()[path])
    data[40_000] ^= 1
    put(server, place, path, bytes(data))


def cut(server, place):
    path = place.path(NEWEST, "state")
    put(server, place, path, place.files()[path][:-1])


def lose(server, place):
    server.store.__class__.remove(server.store, "bucket", f"out/{place.path(NEWEST, 'state')}")


def garble(server, place):
    put(server, place, place.path(NEWEST, "MANIFEST.json"), os.urandom(300))


def empty(server, place):
    put(server, place, place.path(NEWEST, "MANIFEST.json"), b"")


DAMAGES = (flip, rewrite_flipped, cut, lose, garble, empty)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
def test_a_damaged_newest_is_passed_over(runs, server, ledger, trained, untouched, damage):
    """The run goes on from the one before, and ends bit for bit; killed right after its first
    commit, it still has a good one to go on from."""
    ledger.forgiven = frozenset({NEWEST})
    damage(server, trained)
    second = server.fault("POST", "/upload/.*state-", skip=1, stall_s=60, status=503)
    job = runs.start(trained, save_every_steps=2, save_top_k=1)
    job.until_hit(second)
    job.kill()
    server.clear_faults()
    assert "step=00000024" in job.text().split("Going on from")[0], "the damage is told"
    assert "Going on from gs://bucket/out/checkpoints/step=00000012" in job.text()
    code, log = runs.finish(trained)
    assert code == 0, log
    assert trained.outcome() == untouched()


def test_garbage_beyond_the_newest_is_passed_over(runs, server, ledger, trained, untouched):
    """A folder with a higher step and rubbish in it neither stops nor misleads a run."""
    ledger.forgiven = frozenset({99})
    server.put("out/checkpoints/step=00000099/MANIFEST.json", b"\x00garbage")
    server.put("out/checkpoints/step=00000099/state-x.pt", b"\x00garbage")
    code, log = runs.finish(trained)
    assert code == 0, log
    assert "step=00000099" in log
    assert "Going on from gs://bucket/out/checkpoints/step=00000024" in log
    assert trained.outcome() == untouched()


def test_when_all_are_damaged_the_run_refuses(runs, server, ledger, trained):
    """78, the remedy named, and nothing that may still be saved is deleted or overwritten."""
    ledger.forgiven = frozenset({12, NEWEST})
    flip(server, trained)
    server.flip_bit(f"out/{trained.path(12, 'state')}")
    before = trained.files()
    code, log = runs.finish(trained)
    assert code == IncompatibleError.exit_code, log
    assert "RESUME=never" in log
    assert {p: d for p, d in trained.files().items() if "LEASE" not in p} == before


def state_of(place: Place, step: int) -> dict:
    return torch.load(io.BytesIO(place.files()[place.path(step, "state")]), weights_only=True)


def saved(state: object) -> bytes:
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


def test_other_shapes_are_refused_by_name(runs, server, ledger, trained):
    """A weight that does not fit: 78, with its name and both shapes; nothing is changed."""
    state = state_of(trained, NEWEST)
    state["network"]["classifier.bias"] = torch.zeros(3)
    change_state(server, ledger, trained, NEWEST, saved(state))
    code, log = runs.finish(trained)
    assert code == IncompatibleError.exit_code, log
    assert "classifier.bias was (3,) and is (9,)" in log
    assert trained.steps() == [12, NEWEST]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 8}, "seed was 7 and is 8"),
        ({"batch_size": 4}, "batch_size was 8 and is 4"),
        ({"learning_rate": 0.02}, "learning_rate was 0.01 and is 0.02"),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_another_runs_checkpoint_is_refused_by_name(runs, trained, changed, said):
    """An argument that decides the weights differs: 78, with both values; nothing is changed."""
    code, log = runs.finish(trained, **changed)
    assert code == IncompatibleError.exit_code, log
    assert said in log
    assert trained.steps() == [12, NEWEST]


def test_another_version_of_the_code_goes_on_with_a_warning(runs, server, trained, untouched):
    """The same format: gone on from, and told that the last bits may differ."""
    change_manifest(server, trained, NEWEST, code_version="0.0.9")
    code, log = runs.finish(trained)
    assert code == 0, log
    assert "WARNING The checkpoint is of version 0.0.9, this is " in log
    assert trained.outcome() == untouched()


def test_another_format_is_refused(runs, server, trained):
    """A format that this version does not read: 78, with both numbers; nothing is changed."""
    change_manifest(server, trained, NEWEST, format=2)
    code, log = runs.finish(trained)
    assert code == IncompatibleError.exit_code, log
    assert "its format is 2 and that of this version is 1" in log
    assert trained.steps() == [12, NEWEST]


class Evil:
    """Unpickled by a reader who trusts it, it leaves a trace."""

    def __init__(self, trace: str):
        self.trace = trace

    def __reduce__(self):
        return (os.mkdir, (self.trace,))


@pytest.mark.parametrize("kind", ["torch", "pickle"])
def test_an_evil_pickle_is_refused_unexecuted(runs, server, ledger, trained, tmp_path, kind):
    """With a manifest that is true of it: 78, and what it carries is not run."""
    trace = tmp_path / "trace"
    evil = {"network": Evil(str(trace))}
    data = saved(evil) if kind == "torch" else pickle.dumps(evil)
    change_state(server, ledger, trained, NEWEST, data)
    code, log = runs.finish(trained)
    assert code == IncompatibleError.exit_code, log
    assert "not a checkpoint of this job" in log
    assert not trace.exists()
    assert trained.steps() == [12, NEWEST]


def test_a_loss_that_is_no_number_is_never_saved(runs, server, ledger, trained):
    """Weights that are infinite: 65 with the step named; no checkpoint of it, and the best is the
    one that it was."""
    state = state_of(trained, NEWEST)
    state["network"]["classifier.bias"][:] = float("inf")
    change_state(server, ledger, trained, NEWEST, saved(state))
    model = trained.files()["model/model.safetensors"]
    code, log = runs.finish(trained, save_top_k=2)
    assert code == DataError.exit_code, log
    assert "The loss is not a number at epoch 3, step 1" in log
    assert trained.steps() == [12, NEWEST]
    assert trained.files()["model/model.safetensors"] == model
