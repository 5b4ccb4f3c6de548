"""A checkpoint is gone on from when it is of the same run, else each difference is named."""

import json
from types import SimpleNamespace

import pytest
import torch

from job import storage
from job.checkpoints.state import STATE
from job.checkpoints.store import CheckpointStore
from job.encoding.labels import LabelMap
from job.errors import IncompatibleError
from job.settings.settings import Settings
from job.training.identity import find_start, identity_of, in_words_of

IDENTITY = {"seed": 7, "learning_rate": 0.01}
POSITION = {"epoch": 1, "step": 2, "global_step": 9, "stopped_early": False}


@pytest.fixture
def store(tmp_path):
    """A store with one checkpoint of the run that IDENTITY and `prepared` describe."""
    network = torch.nn.Linear(2, 3)
    folder = tmp_path / "staging"
    folder.mkdir()
    state = {"network": network.state_dict(), "position": POSITION, "history": []}
    torch.save(state, folder / STATE)
    store = CheckpointStore(str(tmp_path / "checkpoints"), ("min", "val_loss"), 1)
    facts = {"metrics": {}, "settings": IDENTITY, "labels": LabelMap(("PER",)).labels}
    store.commit(folder, step=9, facts=facts)
    return store


def prepared(types=("PER",), outputs=3):
    return SimpleNamespace(label_map=LabelMap(types), network=torch.nn.Linear(2, outputs))


def start(store, tmp_path, resume="auto", identity=IDENTITY, **changed):
    return find_start(store, resume, identity, prepared(**changed), tmp_path / "got")


def edit_manifest(store, **changed):
    place = storage.join(store.committed()[0].url, "MANIFEST.json")
    manifest = json.loads(storage.read_bytes(place)) | changed
    storage.write_bytes(place, json.dumps(manifest).encode())


@pytest.mark.parametrize(
    "changed",
    [
        {"pretrained_model_name": "a/b"},
        {"pretrained_model_revision": "v2"},
        {"max_seq_length": 32},
        {"long_sentences": "truncate"},
        {"window_stride": 3},
        {"learning_rate": 0.1},
        {"seed": 8},
        {"lr_scheduler": "linear"},
        {"warmup_ratio": 0.2, "lr_scheduler": "linear"},
        {"weight_decay": 0.1},
        {"gradient_accumulation": 2},
        {"gradient_clip": 0.5},
        {"test_mode": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_changes_the_weights_changes_the_identity(monkeypatch, changed):
    """Each argument by its name."""
    monkeypatch.setattr("job.training.identity.tokenizer_digest", lambda tokenizer: "")
    splits = {name: SimpleNamespace(digest=name) for name in ("train", "val")}
    plan = SimpleNamespace(world_size=1)
    run = SimpleNamespace(batch_size=8, plan=plan, splits=splits, tokenizer=None)
    name = next(iter(changed))
    assert identity_of(Settings(**changed), run)[name] != identity_of(Settings(), run)[name]


def test_the_same_run_goes_on(store, tmp_path):
    """The position is that of the checkpoint, found or named."""
    for resume in ("auto", store.committed()[0].url):
        found = start(store, tmp_path, resume)
        assert (found.progressed.epoch, found.progressed.step) == (1, 2)
        assert found.progressed.global_step == 9


def test_never_is_the_beginning(store, tmp_path):
    """RESUME=never looks at nothing."""
    found = start(store, tmp_path, "never", {})
    assert found.state is None
    assert found.progressed.global_step == 0


def test_each_difference_is_named(store, tmp_path):
    """Arguments with both values, and the labels."""
    other = {"seed": 8, "learning_rate": 0.02}
    with pytest.raises(IncompatibleError) as refused:
        start(store, tmp_path, identity=other, types=("LOC",))
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
    assert start(store, tmp_path).progressed.global_step == 9
    assert "0.0.9" in caplog.text


def test_another_format_is_refused(store, tmp_path):
    """What this version cannot read is not guessed at."""
    edit_manifest(store, format=99)
    with pytest.raises(IncompatibleError, match="format is 99"):
        start(store, tmp_path)


def test_a_url_without_a_checkpoint_is_refused(store, tmp_path):
    """RESUME=<url> names one checkpoint, not any."""
    with pytest.raises(IncompatibleError, match="no checkpoint that verifies"):
        start(store, tmp_path, str(tmp_path))


def test_no_secret_goes_into_a_checkpoint():
    """A manifest is read by whoever reads the bucket, and a new key is no other model."""
    splits = {name: SimpleNamespace(sha256="0", digest="1") for name in ("train", "val")}
    tokenizer = SimpleNamespace(backend_tokenizer=SimpleNamespace(to_str=str))
    plan = SimpleNamespace(world_size=1)
    run = SimpleNamespace(batch_size=2, plan=plan, splits=splits, tokenizer=tokenizer)
    identity = identity_of(Settings(pretrained_model_name="https://me:hunter2@h/m?k=hunter2"), run)
    assert identity["pretrained_model_name"] == "https://(secret)@h/m?(secret)"


def of_corpus(options=()):
    """What is prepared of a corpus whose sentences and whose files are known."""
    splits = {
        name: SimpleNamespace(sha256=f"{name} bytes", digest=f"{name} read", options=options)
        for name in ("train", "val")
    }
    return SimpleNamespace(splits=splits)


BY_SENTENCES = IDENTITY | {"tokenizer": "t", "train_digest": "train read", "val_digest": "val read"}
BY_BYTES = IDENTITY | {"train_sha256": "train bytes", "val_sha256": "val bytes"}


def test_a_checkpoint_that_knows_the_bytes_of_its_corpus_goes_on():
    """Equal files are the same corpus for it, and other files are another one."""
    assert in_words_of(BY_BYTES, BY_SENTENCES, of_corpus()) == BY_BYTES
    assert in_words_of(BY_SENTENCES, BY_SENTENCES, of_corpus()) == BY_SENTENCES
    other = BY_BYTES | {"train_sha256": "other bytes"}
    assert in_words_of(other, BY_SENTENCES, of_corpus()) != other


def test_an_argument_of_reading_ends_what_equal_bytes_allow():
    """CORPUS_FIELDS and NORMALIZE read other sentences from the same file."""
    said = in_words_of(BY_BYTES, BY_SENTENCES, of_corpus(options=("text=2",)))
    assert said["train_digest"] == "train read"
    assert said != BY_BYTES


@pytest.mark.parametrize(("bytes_of_train", "goes_on"), [("train bytes", True), ("others", False)])
def test_a_checkpoint_by_bytes_is_gone_on_from(store, tmp_path, bytes_of_train, goes_on):
    """Its manifest names the files' digests; the run that goes on knows its sentences."""
    edit_manifest(store, settings=BY_BYTES | {"train_sha256": bytes_of_train})
    run = SimpleNamespace(**vars(prepared()), **vars(of_corpus()))
    if goes_on:
        found = find_start(store, "auto", BY_SENTENCES, run, tmp_path / "got")
        assert found.progressed.global_step == 9
    else:
        with pytest.raises(IncompatibleError, match="train_sha256 was 'others'"):
            find_start(store, "auto", BY_SENTENCES, run, tmp_path / "got")
