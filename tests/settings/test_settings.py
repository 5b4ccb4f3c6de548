"""What may be said, what its absence means, and what cannot be said together."""

import inspect
import json
import re
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from job.settings import conflicts
from job.settings.field_types import SAMPLE_DEFAULTS, cache_home
from job.settings.settings import SECRETS, Settings

HEX = "0123456789abcdef" * 4


def test_the_tutorials_arguments_keep_its_names_and_defaults():
    """The values are those that the tutorial's page passes."""
    settings = Settings()
    expected = {
        "pretrained_model_name": "beomi/kcbert-base",
        "downstream_task_name": "named-entity-recognition",
        "downstream_corpus_name": "ner",
        "max_seq_length": 64,
        "batch_size": 32,
        "learning_rate": 5e-5,
        "epochs": 3,
        "seed": 7,
        "tpu_cores": 0,
        "fp16": False,
        "save_top_k": 1,
        "monitor": "max val_f1",
        "overwrite_cache": False,
        "force_download": False,
        "test_mode": False,
    }
    assert {name: getattr(settings, name) for name in expected} == expected


def test_the_environment_of_the_process_changes_nothing(monkeypatch):
    """Settings are what they are given."""
    monkeypatch.setenv("EPOCHS", "9")
    monkeypatch.setenv("epochs", "9")
    assert Settings().epochs == 3


def test_settings_are_frozen_and_take_known_names_only():
    """Neither a change afterwards nor a misspelt name passes."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().epochs = 4
    with pytest.raises(ValidationError, match="bathc_size"):
        Settings(bathc_size=3)


def test_a_default_is_the_value_that_its_text_would_be():
    """A checkpoint knows its run by these values: 60 and 60.0 are two."""
    given = {name: str(value) for name, value in Settings().public_values().items() if value}
    assert json.dumps(Settings(**given).public_values()) == json.dumps(Settings().public_values())


def test_every_field_is_described():
    """For --help, without a full stop."""
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert not field.description.endswith("."), name


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("downstream_task_name", "document-classification"),
        ("downstream_corpus_name", ""),
        ("downstream_corpus_name", "a/b"),
        ("downstream_corpus_name", ".."),
        ("downstream_corpus_root_dir", "gs:/bucket/corpora"),
        ("downstream_model_dir", ""),
        ("downstream_model_dir", "gs:/bucket"),
        ("pretrained_model_name", ""),
        ("corpus_sha256", "train=abc"),
        ("corpus_sha256", f"dev={HEX}"),
        ("corpus_sha256", f"train={HEX},train={HEX}"),
        ("corpus_sha256", HEX),
        ("max_seq_length", "3"),
        ("max_seq_length", "64.5"),
        ("batch_size", "-1"),
        ("learning_rate", "0"),
        ("learning_rate", "nan"),
        ("gradient_clip", "inf"),
        ("gradient_clip", "-0.5"),
        ("epochs", "0"),
        ("epochs", ""),
        ("seed", "4294967296"),
        ("tpu_cores", "3"),
        ("fp16", "maybe"),
        ("precision", "64"),
        ("save_top_k", "0"),
        ("monitor", "max val_loss"),
        ("monitor", "val_loss"),
        ("resume", "yes"),
        ("resume", ""),
        ("warmup_ratio", "1"),
        ("window_stride", "-1"),
        ("max_rejected_ratio", "5"),
        ("log_every_s", "0"),
        ("devices", "0"),
        ("devices", "-1"),
        ("devices", "257"),
        ("restarts", "-1"),
        ("restarts", "1001"),
        ("step_timeout_s", "0.5"),
        ("step_timeout_s", "nan"),
    ],
)
def test_a_value_out_of_bounds_is_refused(name, bad):
    """The error is at that field."""
    with pytest.raises(ValidationError) as caught:
        Settings(**{name: bad})
    assert caught.value.errors()[0]["loc"] == (name,)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("batch_size", "32.0", 32),  # hyperparameter tuning writes whole numbers like this
        ("batch_size", "0", 0),
        ("tpu_cores", "8", 8),
        ("devices", "8", 8),
        ("devices", "", None),
        ("step_timeout_s", "900", 900.0),
        ("fp16", "True", True),
        ("downstream_corpus_name", "우리말-1.0", "우리말-1.0"),
        ("downstream_corpus_root_dir", "", None),
        ("downstream_corpus_root_dir", "memory://corpora", "memory://corpora"),
        ("downstream_model_dir", "gs://bucket/run 1", "gs://bucket/run 1"),
        ("downstream_model_dir", "file:///tmp/out", "file:///tmp/out"),
        ("pretrained_model_name", "./models/a:b", "./models/a:b"),
        ("pretrained_model_revision", "", None),
        ("hf_token", "", None),
        ("resume", "gs://bucket/step=00000381", "gs://bucket/step=00000381"),
        ("resume", "./output/step=00000381", "./output/step=00000381"),
    ],
)
def test_a_good_value_is_taken(name, text, value):
    """Texts of flags and variables become numbers, truths, None or stay as they are."""
    assert getattr(Settings(**{name: text}), name) == value


def test_the_sample_corpus_brings_its_defaults_but_no_more_than_defaults():
    """Only for `sample`, and a value that was given beats them."""
    for name, value in SAMPLE_DEFAULTS.items():
        assert getattr(Settings(downstream_corpus_name="sample"), name) == value
        assert getattr(Settings(), name) != value
    assert Settings(downstream_corpus_name="sample", epochs="2").epochs == 2


def test_a_tpu_core_takes_four_sentences_unless_told_otherwise():
    """Eight cores take 32, as the tutorial's GPU does."""
    assert Settings(tpu_cores=8).batch_size == 4
    assert Settings(accelerator="tpu").batch_size == 4
    assert Settings(tpu_cores=8, batch_size=16).batch_size == 16


def test_the_default_overlap_of_windows_fits_every_allowed_length():
    """It shrinks where windows are short, so that each brings new wordpieces."""
    assert Settings().window_stride == 16
    for length in range(4, 64):
        assert Settings(max_seq_length=length).window_stride < length - 2


@pytest.mark.parametrize(
    ("place", "title"),
    [
        ("corpora/news", "news"),
        ("corpora/news.jsonl", "news"),
        ("/data/klue-1.1/", "klue-1.1"),
        ("말뭉치/뉴스.tar.gz", "뉴스"),
        ("gs://bucket/corpora/news/", "news"),
        ("gs://bucket", "bucket"),
        ("https://me:pw@host/%EB%89%B4%EC%8A%A4.json?key=hunter2", "뉴스"),
        ("https://me:pw@host", "host"),
        (".", Path.cwd().name),
        ("/", "corpus"),
    ],
)
def test_a_corpus_is_called_by_the_last_part_of_its_place(place, title):
    """Without its ending, and without what may be a secret."""
    assert Settings(downstream_corpus=place).corpus_title == title
    assert Settings().corpus_title == "ner"


def test_the_sample_is_embedded_where_no_root_is_said():
    """Below a root a folder of that name has nothing to do with the tiny model."""
    assert Settings(downstream_corpus_name="sample").is_sample
    below = Settings(downstream_corpus_name="sample", downstream_corpus_root_dir="corpora")
    assert not below.is_sample
    assert below.pretrained_model_name == Settings().pretrained_model_name


def test_the_share_of_val_is_known_to_be_said():
    """So that it can be refused beside a val split."""
    assert Settings().given_val_ratio is None
    assert Settings(val_ratio="0.1").given_val_ratio == Settings().val_ratio == 0.1


def test_fp16_and_tpu_cores_are_names_for_precision_and_accelerator():
    """The tutorial's two arguments set the two that the job asks."""
    assert Settings().wanted_precision == "auto"
    assert Settings(fp16=True).wanted_precision == "16"
    assert Settings(precision="bf16").wanted_precision == "bf16"
    assert Settings(tpu_cores=8).wanted_accelerator == "tpu"
    assert Settings(accelerator="gpu").wanted_accelerator == "gpu"


def test_the_monitor_is_a_direction_and_a_metric():
    """Two words become two values."""
    assert Settings().monitored == ("max", "val_f1")
    assert Settings(monitor="min val_loss").monitored == ("min", "val_loss")


def test_test_mode_trains_one_epoch():
    """Whatever EPOCHS is."""
    assert Settings(epochs=5).epochs_to_train == 5
    assert Settings(epochs=5, test_mode=True).epochs_to_train == 1


def test_pinned_checksums_become_a_mapping():
    """Split → lower-case hex; none is an empty one."""
    settings = Settings(corpus_sha256=f" train={HEX.upper()} , val={HEX}")
    assert settings.corpus_sha256_by_split == {"train": HEX, "val": HEX}
    assert Settings().corpus_sha256_by_split == {}


BAD_TOGETHER = [
    {"downstream_corpus": "news", "downstream_corpus_name": "news"},
    {"downstream_corpus": "news", "downstream_corpus_root_dir": "corpora"},
    {"fp16": True, "precision": "bf16"},
    {"fp16": True, "accelerator": "cpu"},
    {"precision": "16", "accelerator": "cpu"},
    {"tpu_cores": 8, "accelerator": "gpu"},
    {"tpu_cores": 8, "batch_size": 0},
    {"accelerator": "tpu", "compile": True},
    {"accelerator": "tpu", "devices": 1},
    {"accelerator": "tpu", "restarts": 1},
    {"tpu_cores": 8, "fp16": True},
    {"warmup_ratio": 0.1},
    {"window_stride": 62},
    {"pretrained_model_revision": "main", "pretrained_model_name": "sample"},
]


@pytest.mark.parametrize("values", BAD_TOGETHER)
def test_a_bad_combination_is_found_and_says_what_to_do(values):
    """All arguments of it are named, with a remedy."""
    (found,) = Settings(**values).conflicts()
    assert set(found.names) >= set(values)
    assert re.search("set |leave |lower ", found.remedy)


def test_every_rule_about_combinations_is_tried_above():
    """The rules are the places where conflicts.py yields one."""
    tried = {each.names for values in BAD_TOGETHER for each in Settings(**values).conflicts()}
    assert len(tried) == inspect.getsource(conflicts).count("yield Conflict(")


@pytest.mark.parametrize(
    "values",
    [
        {"fp16": True, "precision": "16"},
        {"fp16": True, "accelerator": "gpu"},
        {"tpu_cores": 8, "accelerator": "tpu", "precision": "bf16"},
        {"warmup_ratio": 0.1, "lr_scheduler": "linear"},
        {"window_stride": 62, "long_sentences": "truncate"},
    ],
)
def test_a_good_combination_is_taken(values):
    """What looks alike and is meant passes."""
    assert Settings(**values).conflicts() == []


def test_a_secret_is_never_shown():
    """Not in a repr, a text, the public values or an error."""
    settings = Settings(hf_token="hf_abc")
    assert SECRETS == ("hf_token",)
    assert settings.hf_token == SecretStr("hf_abc")
    assert "hf_abc" not in f"{settings!r} {settings} {json.dumps(settings.public_values())}"
    assert "hf_token" not in settings.public_values()
    with pytest.raises(ValidationError) as caught:
        Settings(hf_token="hf_abc", epochs=0)
    assert "hf_abc" not in str(caught.value)


def test_the_cache_is_where_the_base_directory_specification_says():
    """XDG_CACHE_HOME where it is absolute, else ~/.cache."""
    assert cache_home({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/korean-ner-job")
    assert cache_home({"HOME": "/h"}) == Path("/h/.cache/korean-ner-job")
    assert cache_home({"XDG_CACHE_HOME": "c", "HOME": "/h"}) == Path("/h/.cache/korean-ner-job")
    assert cache_home({}).is_absolute()
