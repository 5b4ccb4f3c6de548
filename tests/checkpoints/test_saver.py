"""Saves behind the back of training: nothing lost, nothing hidden, nothing run that was stored."""

import os
import threading

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.demos.boring_classes import BoringModel

from job import storage
from job.checkpoints.saver import MISSED_SAVES, Saver
from job.checkpoints.state import STATE, StateCopy, differing_shapes, load_state, tensors_of
from job.checkpoints.store import CheckpointStore
from job.errors import ArgumentError, IncompatibleError, OutputError, StorageError

FACTS = {"metrics": {"val_loss": 0.5}, "settings": {}, "labels": []}


@pytest.fixture
def saver(url, tmp_path):
    return Saver(CheckpointStore(url, ("min", "val_loss"), 9), tmp_path / "scratch")


def save(saver, step, value=0.0):
    saver.save(saver.copy_of({"w": torch.full((1000,), value), "n": [step]}), step, FACTS)


def test_what_is_saved_is_the_state_of_that_moment(saver, tmp_path):
    """Training goes on changing the weights while they are written and uploaded."""
    weights = torch.zeros(200_000)
    for step in (1, 2, 3):
        weights.fill_(step)
        saver.save(saver.copy_of({"w": weights}), step, FACTS)
        weights.fill_(-1)
    saver.wait()
    for checkpoint in saver.store.committed():
        assert saver.store.fetch(checkpoint, tmp_path / "got")
        assert (load_state(tmp_path / "got")["w"] == checkpoint.step).all()
    assert [c.step for c in saver.store.committed()] == [1, 2, 3]
    assert list((tmp_path / "scratch").iterdir()) == []


def test_the_copy_takes_its_memory_once():
    """One extra copy, whatever is saved how often; structure and plain values stay."""
    copy, tensor = StateCopy(), torch.arange(4.0)
    first = copy.of({"a": [tensor, {"b": (1, "x")}]})
    assert first == {"a": [first["a"][0], {"b": (1, "x")}]}
    place = first["a"][0].data_ptr()
    assert place != tensor.data_ptr()
    assert copy.of({"a": [tensor + 1, {"b": (1, "x")}]})["a"][0].data_ptr() == place


def test_memory_can_be_taken_beforehand(saver):
    """What was reserved is what the first copy uses, and the copy is right."""
    state = {"w": torch.ones(1000), "n": [torch.arange(3)]}
    copy = StateCopy()
    copy.hold()
    copy.reserve(list(tensors_of(state)))
    places = {path: buffer.data_ptr() for path, buffer in copy._buffers.items()}
    copied = copy.of(state)
    assert places == {("w",): copied["w"].data_ptr(), ("n", 0): copied["n"][0].data_ptr()}
    assert torch.equal(copied["w"], state["w"])
    saver.reserve(state)
    assert torch.equal(saver.copy_of(state)["n"][0], state["n"][0])


def held_at(saver, monkeypatch, name="upload_file"):
    """An event that lets uploads pass, and one that says that the first has begun."""
    go, begun, act = threading.Event(), threading.Event(), getattr(storage, name)

    def wait(*arguments):
        begun.set()
        assert go.wait(30)
        act(*arguments)

    monkeypatch.setattr(storage, name, wait)
    return go, begun


def test_training_does_not_wait_for_an_upload(saver, monkeypatch):
    """A save returns while its upload, and one more, have still to be done."""
    go, begun = held_at(saver, monkeypatch)
    save(saver, 1)
    save(saver, 2)
    assert begun.wait(30)
    assert saver.is_busy
    assert saver.store.committed() == []
    go.set()
    saver.wait()
    assert not saver.is_busy
    assert [c.step for c in saver.store.committed()] == [1, 2]


def fails(monkeypatch, times, error):
    """Makes the next uploads fail."""
    act, left = storage.upload_file, [times]

    def fail(*arguments):
        left[0] -= 1
        if left[0] >= 0:
            raise error
        act(*arguments)

    monkeypatch.setattr(storage, "upload_file", fail)


def test_a_missed_save_is_made_up_for(saver, monkeypatch, caplog):
    """After an outage the next save brings the missed one with it."""
    fails(monkeypatch, MISSED_SAVES - 1, StorageError("gone"))
    for step in (1, 2, 3):
        save(saver, step)
        while saver.is_busy:
            pass
        saver.raise_if_failed()
    saver.wait()
    assert [c.step for c in saver.store.committed()] == [1, 2, 3]
    assert "step 1 not saved; training goes on" in caplog.text


def test_a_bounded_number_of_missed_saves_ends_the_run(saver, monkeypatch):
    """MISSED_SAVES in a row: the store is taken to be gone."""
    fails(monkeypatch, MISSED_SAVES, StorageError("gone"))
    for step in range(MISSED_SAVES):
        save(saver, step)
        while saver.is_busy:
            pass
    with pytest.raises(StorageError, match="gone"):
        saver.raise_if_failed()


def test_a_late_failure_is_not_reported_as_done(saver, monkeypatch):
    """The very last upload fails for ever: waiting for it raises."""
    save(saver, 1)
    saver.wait()
    fails(monkeypatch, 99, StorageError("gone"))
    save(saver, 2)
    with pytest.raises(StorageError, match="gone"):
        saver.wait()
    assert [c.step for c in saver.store.committed()] == [1]


def test_what_no_waiting_mends_ends_the_run_at_once(saver, monkeypatch):
    """A full disk or a missing permission is not an outage."""
    fails(monkeypatch, 1, OutputError("full"))
    save(saver, 1)
    with pytest.raises(OutputError, match="full"):
        saver.wait()


def test_a_failing_run_still_ends_its_uploads(saver, monkeypatch, caplog):
    """What broke training is told, and the good checkpoint that was under way is committed."""
    with pytest.raises(ValueError, match="training"), saver.finishing():  # noqa: PT012
        save(saver, 1)
        raise ValueError("training")
    assert [c.step for c in saver.store.committed()] == [1]
    fails(monkeypatch, 99, StorageError("gone"))
    with pytest.raises(ValueError, match="training"), saver.finishing():  # noqa: PT012
        save(saver, 2)
        raise ValueError("training")
    assert "The last checkpoint was not saved: gone" in caplog.text


def test_it_is_lightnings_checkpoint_io(saver, tmp_path):
    """`trainer.save_checkpoint(url)` commits, loading verifies, and other places are refused."""
    trainer = pl.Trainer(
        plugins=[saver], logger=False, enable_checkpointing=False, accelerator="cpu"
    )
    trainer.strategy.connect(BoringModel())
    place = storage.join(saver.store.url, "step=00000009")
    trainer.save_checkpoint(place)
    saver.wait()
    assert set(saver.load_checkpoint(place)["state_dict"]) == {"layer.weight", "layer.bias"}
    with pytest.raises(ArgumentError, match=r"checkpoints go to .*step=<number>"):
        trainer.save_checkpoint(storage.join(saver.store.url, "best.ckpt"))
    saver.remove_checkpoint(place)
    with pytest.raises(IncompatibleError, match="there is no intact checkpoint"):
        saver.load_checkpoint(place)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("executed",)


def test_an_evil_pickle_is_refused_unexecuted(tmp_path, monkeypatch):
    """A checkpoint with a valid sha256 may still hold code: it is not run."""
    monkeypatch.chdir(tmp_path)
    torch.save({"network": Evil()}, tmp_path / STATE)
    with pytest.raises(IncompatibleError, match="not a checkpoint of this job"):
        load_state(tmp_path)
    assert not (tmp_path / "executed").exists()


def test_other_shapes_are_named():
    """Every weight that is missing, unknown or of another shape, and how."""
    network = torch.nn.Linear(2, 3)
    saved = {"weight": torch.zeros(4, 2), "extra": torch.zeros(1)}
    assert differing_shapes(saved, network) == [
        "weight bias is missing",
        "weight extra is unknown",
        "weight weight was (4, 2) and is (3, 2)",
    ]
    assert differing_shapes(network.state_dict(), network) == []
