"""Two runs are the same run when equal weights come out of them."""

import logging
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from job.checkpoints.start import Start
from job.encoding.labels import LabelMap
from job.settings.settings import Settings
from job.training.identity import as_begun, identity_of


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
        {"entity_ends": False},
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


@dataclass(frozen=True)
class Ready:
    """What of a prepared run may change when it goes on."""

    ends: object


def begun_with(**recorded):
    """A start at a checkpoint whose manifest says this."""
    return Start(checkpoint=SimpleNamespace(settings=recorded))


def test_a_run_from_before_there_were_tables_goes_on_without_one(caplog):
    """Its checkpoints say nothing of ends, and new ones neither."""
    identity = identity_of(Settings(), prepared())
    assert "entity_ends" not in identity.as_recorded({})
    with caplog.at_level(logging.INFO):
        ready, said = as_begun(Ready("table"), identity, begun_with(seed=7))
    assert ready.ends is None
    assert "entity_ends" not in said.facts
    assert caplog.text.count("without tables of ends") == 1


@pytest.mark.parametrize(
    "start", [Start(), begun_with(entity_ends=True)], ids=["anew", "with a table"]
)
def test_other_runs_have_their_table(start):
    """From the beginning, or from a checkpoint that knows of it."""
    identity = identity_of(Settings(), prepared())
    assert as_begun(Ready("table"), identity, start) == (Ready("table"), identity)


def test_a_table_that_was_asked_for_is_no_part_of_an_old_run():
    """Given as true it is compared, and differs; given as false it is what that run did."""
    assert identity_of(Settings(entity_ends=True), prepared()).as_recorded({})["entity_ends"]
    assert "entity_ends" not in identity_of(Settings(entity_ends=False), prepared()).as_recorded({})
