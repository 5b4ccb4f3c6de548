"""Two runs are the same run when equal weights come out of them."""

from types import SimpleNamespace

import pytest

from job.encoding.labels import LabelMap
from job.settings.settings import Settings
from job.training.identity import identity_of


def prepared(options: tuple[str, ...] = ()) -> SimpleNamespace:
    """What is prepared of a corpus whose sentences and whose files are known."""
    splits = {
        name: SimpleNamespace(sha256=f"{name} bytes", digest=f"{name} read", options=options)
        for name in ("train", "val", "test")
    }
    return SimpleNamespace(
        batch_size=2,
        plan=SimpleNamespace(world_size=4),
        splits=splits,
        tokenizer=SimpleNamespace(backend_tokenizer=SimpleNamespace(to_str=str)),
        label_map=LabelMap(("PER",)),
    )


def test_no_secret_goes_into_a_checkpoint():
    """A manifest is read by whoever reads the bucket, and a new key is no other model."""
    settings = Settings(pretrained_model_name="https://me:hunter2@h/m?k=hunter2")
    facts = identity_of(settings, prepared()).facts
    assert facts["pretrained_model_name"] == "https://(secret)@h/m?(secret)"


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
def test_what_changes_the_weights_changes_the_identity(changed):
    """Each argument by its name."""
    name = next(iter(changed))
    facts, others = (identity_of(s, prepared()).facts for s in (Settings(), Settings(**changed)))
    assert facts[name] != others[name]


@pytest.mark.parametrize(
    "changed",
    [{"types_map": "A=B"}, {"types_map": "A*=B"}, {"types_only": "A"}, {"nested": "outer"}],
    ids=str,
)
def test_what_is_made_of_entity_types_is_part_of_the_identity(changed):
    """Where they are read as they are there is no such fact, as in checkpoints from before."""
    assert "entity_types" not in identity_of(Settings(), prepared()).facts
    said = identity_of(Settings(**changed), prepared()).facts["entity_types"]
    other = identity_of(Settings(**changed | {"types_map": "A=C"}), prepared()).facts
    assert said != other["entity_types"]


def test_the_batch_of_all_devices_counts():
    """Two sentences on each of four devices train what eight on one do."""
    assert identity_of(Settings(), prepared()).facts["batch_size"] == 8


def test_the_corpus_is_what_was_read_of_train_and_val():
    """The test split changes no weight."""
    facts = identity_of(Settings(), prepared()).facts
    assert {n: v for n, v in facts.items() if n.endswith("_digest")} == {
        "train_digest": "train read",
        "val_digest": "val read",
    }


@pytest.mark.parametrize("options", [(), ("text=2",)])
def test_an_argument_of_reading_ends_what_equal_bytes_allow(options):
    """CORPUS_FIELDS and NORMALIZE read other sentences from the same file."""
    recorded = {"train_sha256": "train bytes", "val_sha256": "val bytes"}
    said = identity_of(Settings(), prepared(options)).as_recorded(recorded)
    assert ("train_digest" in said) == bool(options)
    assert ("train_sha256" in said) != bool(options)
