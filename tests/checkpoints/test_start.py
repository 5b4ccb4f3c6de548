"""A checkpoint is gone on from when it is of the same run, else each difference is named."""

import json

import pytest
import torch

from job import storage
from job.checkpoints.start import Identity, adopt, find_start
from job.checkpoints.state import STATE
from job.checkpoints.store import CheckpointStore
from job.encoding.labels import LabelMap
from job.errors import IncompatibleError

IDENTITY = {"seed": 7, "learning_rate": 0.01}
POSITION = {"epoch": 1, "step": 2, "global_step": 9, "stopped_early": False}


@pytest.fixture
def store(tmp_path):
    """A store with one checkpoint of the run that IDENTITY describes."""
    network = torch.nn.Linear(2, 3)
    folder = tmp_path / "staging"
    folder.mkdir()
    state = {"network": network.state_dict(), "position": POSITION, "history": []}
    torch.save(state, folder / STATE)
    store = CheckpointStore(str(tmp_path / "checkpoints"), ("min", "val_loss"), 1)
    facts = {"metrics": {}, "settings": IDENTITY, "labels": LabelMap(("PER",)).labels}
    store.commit(folder, step=9, facts=facts)
    return store


def start(store, tmp_path, resume="auto", facts=IDENTITY, types=("PER",), outputs=3, files=None):
    identity = Identity(facts, LabelMap(types).labels, files or {})
    return find_start(store, resume, identity, torch.nn.Linear(2, outputs), tmp_path / "got")


def edit_manifest(store, **changed):
    place = storage.join(store.committed()[0].url, "MANIFEST.json")
    manifest = json.loads(storage.read_bytes(place)) | changed
    storage.write_bytes(place, json.dumps(manifest).encode())


def test_the_same_run_goes_on(store, tmp_path):
    """The position is that of the checkpoint, found or named."""
    for resume in ("auto", store.committed()[0].url):
        found = start(store, tmp_path, resume)
        assert (found.position.epoch, found.position.step) == (1, 2)
        assert found.position.global_step == 9


@pytest.fixture
def other_store(store, tmp_path):
    """The store of another output, with another state of the same run and step."""
    other = CheckpointStore(str(tmp_path / "other"), ("min", "val_loss"), 1)
    network = torch.nn.Linear(2, 3)
    torch.save(
        {"network": network.state_dict(), "position": POSITION, "history": []},
        tmp_path / "staging" / STATE,
    )
    facts = {"metrics": {}, "settings": IDENTITY, "labels": LabelMap(("PER",)).labels}
    other.commit(tmp_path / "staging", step=9, facts=facts)
    return other


def test_the_named_checkpoint_takes_the_place_of_another_of_its_step(store, other_store, tmp_path):
    """Else the output would keep, compare and export what this run did not start from."""
    [named] = other_store.committed()
    found = start(store, tmp_path, resume=named.url)
    adopt(found, store, tmp_path / "got")
    [own] = store.committed()
    assert own.files[STATE]["sha256"] == named.files[STATE]["sha256"]
    assert store.fetch(own, tmp_path / "fetched")


def test_a_named_checkpoint_is_refused_beside_those_of_another_run(store, other_store, tmp_path):
    """Of two corpora's checkpoints none is the best; the output's own is named."""
    edit_manifest(store, settings=IDENTITY | {"seed": 8})
    [named], [own] = other_store.committed(), store.committed()
    with pytest.raises(IncompatibleError, match=f"{own.url} is of another run: seed was 8 and is"):
        start(store, tmp_path, resume=named.url)


def test_never_is_the_beginning(store, tmp_path):
    """RESUME=never looks at nothing."""
    found = start(store, tmp_path, "never", {})
    assert found.state is None
    assert found.position.global_step == 0


def test_each_difference_is_named(store, tmp_path):
    """Arguments with both values, and the labels."""
    other = {"seed": 8, "learning_rate": 0.02}
    with pytest.raises(IncompatibleError) as refused:
        start(store, tmp_path, facts=other, types=("LOC",))
    text = str(refused.value)
    assert "seed was 7 and is 8; learning_rate was 0.01 and is 0.02" in text
    assert "B-PER" in text
    assert "B-LOC" in text
    assert "RESUME=never" in text


def test_other_shapes_are_refused(store, tmp_path):
    """The weight, its shape then and now."""
    with pytest.raises(IncompatibleError, match=r"weight weight was \(3, 2\) and is \(4, 2\)"):
        start(store, tmp_path, outputs=4)


def test_another_version_of_the_same_format_goes_on(store, tmp_path, caplog):
    """With a warning that names both."""
    edit_manifest(store, code_version="0.0.9")
    assert start(store, tmp_path).position.global_step == 9
    assert "0.0.9" in caplog.text


def test_another_format_is_refused(store, tmp_path):
    """What this version cannot read is not guessed at."""
    edit_manifest(store, format=99)
    with pytest.raises(IncompatibleError, match="format is 99"):
        start(store, tmp_path)


def test_a_url_without_a_checkpoint_is_refused(store, tmp_path):
    """RESUME=<url> names one checkpoint, not any."""
    with pytest.raises(IncompatibleError, match="there is no intact checkpoint"):
        start(store, tmp_path, str(tmp_path))


BY_SENTENCES = IDENTITY | {"tokenizer": "t", "train_digest": "train read", "val_digest": "val read"}
BY_BYTES = IDENTITY | {"train_sha256": "train bytes", "val_sha256": "val bytes"}
FILES = {"train": "train bytes", "val": "val bytes"}


def test_a_checkpoint_that_knows_the_bytes_of_its_corpus_goes_on():
    """Equal files are the same corpus for it, and other files are another one."""
    identity = Identity(BY_SENTENCES, (), FILES)
    assert identity.as_recorded(BY_BYTES) == BY_BYTES
    assert identity.as_recorded(BY_SENTENCES) == BY_SENTENCES
    other = BY_BYTES | {"train_sha256": "other bytes"}
    assert identity.as_recorded(other) != other


@pytest.mark.parametrize(("bytes_of_train", "goes_on"), [("train bytes", True), ("others", False)])
def test_a_checkpoint_by_bytes_is_gone_on_from(store, tmp_path, bytes_of_train, goes_on):
    """Its manifest names the files' digests; the run that goes on knows its sentences."""
    edit_manifest(store, settings=BY_BYTES | {"train_sha256": bytes_of_train})
    if goes_on:
        assert start(store, tmp_path, facts=BY_SENTENCES, files=FILES).position.global_step == 9
    else:
        with pytest.raises(IncompatibleError, match="train_sha256 was 'others'"):
            start(store, tmp_path, facts=BY_SENTENCES, files=FILES)
