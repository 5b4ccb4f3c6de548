"""Flags, environment and .env file become one Settings, or every mistake at once."""

from pathlib import Path

import pytest

from job.errors import ArgumentError
from job.settings.settings import Settings
from tests.support.arguments import parse

NOWHERE = Path("/nonexistent")


def settings_of(*argv, environ=None, cwd=NOWHERE):
    return parse(argv, environ or {}, cwd).settings


def mistakes_of(*argv, environ=None, cwd=NOWHERE):
    with pytest.raises(ArgumentError) as caught:
        parse(argv, environ or {}, cwd)
    return str(caught.value).split("\n")


def test_nothing_said_means_training_with_the_defaults():
    """Each value has the source `default`."""
    parsed = parse([], {}, NOWHERE)
    assert (parsed.command, parsed.operands, parsed.print_settings) == ("train", (), False)
    assert parsed.settings.model_dump(exclude={"cache_dir"}) == Settings().model_dump(
        exclude={"cache_dir"}
    )
    assert set(parsed.sources.values()) == {"default"}
    assert list(parsed.sources) == list(Settings.model_fields)


def test_a_flag_beats_the_environment_that_beats_the_file_that_beats_the_default(tmp_path):
    """Each value says which of them it came from, with the line of .env."""
    (tmp_path / ".env").write_text("EPOCHS=4\nSEED=4\nBATCH_SIZE=4\n")
    environ = {"EPOCHS": "5", "SEED": "5"}
    parsed = parse(["--epochs=6"], environ, tmp_path)
    settings = parsed.settings
    assert (settings.epochs, settings.seed, settings.batch_size) == (6, 5, 4)
    assert [parsed.sources[n] for n in ("epochs", "seed", "batch_size", "fp16")] == [
        "flag --epochs",
        "environment",
        ".env line 3",
        "default",
    ]


def test_a_value_that_was_overruled_is_not_judged():
    """A bad EPOCHS in the environment does no harm beside a good flag."""
    assert settings_of("--epochs=6", environ={"EPOCHS": "many"}).epochs == 6


def test_an_empty_variable_is_unset_unless_it_is_text():
    """A text or a flag that is empty is a mistake."""
    assert settings_of(environ={"EPOCHS": "", "FP16": " ", "MONITOR": "", "HF_TOKEN": ""}) == (
        settings_of()
    )
    (mistake,) = mistakes_of(environ={"PRETRAINED_MODEL_NAME": ""})
    assert mistake.startswith("PRETRAINED_MODEL_NAME = '' (environment): must be ")
    (mistake,) = mistakes_of("--epochs=")
    assert mistake.startswith("EPOCHS = '' (flag --epochs): must be a whole number")


def test_a_line_end_of_windows_is_no_part_of_a_value():
    """A trailing CR is dropped."""
    assert settings_of(environ={"DOWNSTREAM_MODEL_DIR": "gs://bkt/run\r"}).downstream_model_dir == (
        "gs://bkt/run"
    )


def test_all_mistakes_come_at_once(tmp_path):
    """Flags, environment, .env, values and combinations, each with its source and remedy."""
    (tmp_path / ".env").write_text("# a comment\n\nSEDE=3\nEPOCHS=0\nwhat is this\n")
    found = mistakes_of(
        *("--bathc_size=3", "--accelerator", "--fp16", "--precision=bf16", "--seed", "x"),
        environ={"LERNING_RATE": "1e-4", "WARMUP_RATIO": "0.1", "MAX_SEQ_LENGTH": "three"},
        cwd=tmp_path,
    )
    assert found == [
        "--bathc_size: unknown flag; is --batch_size meant?",
        "--accelerator has no value; write --accelerator=VALUE.",
        "SEDE = '3' (.env line 3): no such variable; is SEED meant? Rename it or unset it.",
        f"{tmp_path}/.env:5 is not a setting; write NAME=value, or # before it.",
        "LERNING_RATE = '1e-4' (environment): no such variable; is LEARNING_RATE meant? "
        "Rename it or unset it.",
        "MAX_SEQ_LENGTH = 'three' (environment): must be a whole number, at least 4 and at most "
        "32768.",
        "EPOCHS = '0' (.env line 4): must be a whole number, at least 1 and at most 100000.",
        "SEED = 'x' (flag --seed): must be a whole number, at least 0 and below 4294967296.",
        "FP16 = 'true' (flag --fp16) with PRECISION = 'bf16' (flag --precision): FP16 means "
        "PRECISION=16; leave one of the two out.",
        "WARMUP_RATIO = '0.1' (environment) with LR_SCHEDULER = 'exponential' (default): only "
        "LR_SCHEDULER=linear has a warm-up; set it, or WARMUP_RATIO=0.",
    ]


def test_a_bad_value_does_not_also_count_as_a_bad_combination():
    """One mistake is listed once."""
    found = mistakes_of("--warmup_ratio=0.1", "--lr_scheduler=liner")
    assert found == [
        "LR_SCHEDULER = 'liner' (flag --lr_scheduler): must be exponential, linear or constant."
    ]


def test_a_long_value_is_shortened_and_stays_on_its_line():
    """Whatever it holds, a mistake is one line of less than 200 characters."""
    (mistake,) = mistakes_of("--epochs=" + "a\nb" * 1000)
    assert len(mistake) < 200


@pytest.mark.parametrize(
    ("argv", "environ"),
    [
        (["--hf_token=hunter2"], {}),
        (["--hf_token", "hunter2"], {}),
        (["--hf-tokn", "hunter2"], {}),
        ([], {"HF_TOKNE": "hunter2"}),
        (["--epochs=0"], {"HF_TOKEN": "hunter2"}),
        (["--downstream_model_dir=https:/me:hunter2@host/x"], {}),
        ([], {"DOWNSTREAM_MODEL_DIRS": "https://me:hunter2@host/x"}),
    ],
)
def test_no_mistake_shows_a_secret(argv, environ):
    """Not of a misspelt name, a wrong place or a broken URL either."""
    assert "hunter2" not in "\n".join(mistakes_of(*argv, environ=environ))


def test_a_broken_line_of_the_file_is_named_but_not_shown(tmp_path):
    """It may hold half a secret."""
    (tmp_path / ".env").write_text('EPOCHS=3\nHF_TOKEN="hunter2\nSEED=3\n')
    (mistake, *_) = mistakes_of(cwd=tmp_path)
    assert mistake.startswith(f"{tmp_path}/.env:2 is not a setting")
    assert "hunter2" not in mistake


def test_a_file_in_another_encoding_is_a_mistake(tmp_path):
    """The sentence names UTF-8."""
    (tmp_path / ".env").write_bytes("EPOCHS=3 # 세 번\n".encode("cp949"))
    (mistake,) = mistakes_of(cwd=tmp_path)
    assert "UTF-8" in mistake


def test_a_file_with_quotes_comments_export_and_a_byte_order_mark_is_read(tmp_path):
    """As shells and editors write it; other programs' names are ignored."""
    text = "\ufeffexport EPOCHS='4' # four\nMONITOR=\"max val_f1\"\nOTHER=thing\nSEED=5\r\n"
    (tmp_path / ".env").write_text(text)
    settings = settings_of(cwd=tmp_path)
    assert (settings.epochs, settings.monitor, settings.seed) == (4, "max val_f1", 5)


def test_a_folder_called_env_is_no_file_of_settings(tmp_path):
    """It is passed over."""
    (tmp_path / ".env").mkdir()
    assert settings_of(cwd=tmp_path).epochs == 3


def test_on_vertex_the_output_goes_to_its_base_directory():
    """Unless DOWNSTREAM_MODEL_DIR is set."""
    environ = {"AIP_MODEL_DIR": "gs://bkt/run/model/"}
    parsed = parse([], environ, NOWHERE)
    assert parsed.settings.downstream_model_dir == "gs://bkt/run"
    assert parsed.sources["downstream_model_dir"] == "Vertex AI"
    told = parse([], {**environ, "DOWNSTREAM_MODEL_DIR": "gs://mine"}, NOWHERE)
    assert told.settings.downstream_model_dir == "gs://mine"


def test_on_vertex_without_an_output_the_job_does_not_start():
    """The machine's disk would be lost with the machine."""
    (mistake,) = mistakes_of(environ={"CLOUD_ML_TRIAL_ID": "1"})
    assert mistake.startswith("DOWNSTREAM_MODEL_DIR is not set")
    settings_of("--downstream_model_dir=gs://bkt/x", environ={"CLOUD_ML_TRIAL_ID": "1"})


def test_a_broken_cluster_is_listed_with_the_other_mistakes():
    """CLUSTER_SPEC comes first, the wrong argument after it."""
    found = mistakes_of("--epochs=0", environ={"CLUSTER_SPEC": "{"})
    assert len(found) == 2
    assert found[0].startswith("CLUSTER_SPEC = '{' ")


def test_the_sample_preset_is_named_as_a_source():
    """Its defaults are marked as such, and a flag beats them."""
    parsed = parse(["--downstream_corpus_name=sample", "--epochs=2"], {}, NOWHERE)
    assert parsed.sources["pretrained_model_name"] == "sample preset"
    assert parsed.sources["epochs"] == "flag --epochs"
    assert parsed.settings.pretrained_model_name == "sample"


def test_the_cache_follows_the_given_environment():
    """HOME and CACHE_DIR are read from it, not from the process."""
    assert settings_of(environ={"HOME": "/h"}).cache_dir == Path("/h/.cache/korean-ner-job")
    assert settings_of(environ={"CACHE_DIR": "/c"}).cache_dir == Path("/c")


@pytest.mark.parametrize("given", [{}, {"ACCELERATOR": "auto"}])
def test_where_the_runtime_is_a_tpu_s_auto_means_a_tpu(given):
    """With its batch size and its rules, said or not; a specification is for another machine."""
    environ = {"PJRT_DEVICE": "TPU", **given}
    settings = parse([], environ, Path("/nonexistent")).settings
    assert (settings.accelerator, settings.batch_size) == ("tpu", 4)
    with pytest.raises(ArgumentError, match="COMPILE is for GPUs"):
        parse(["--compile"], environ, Path("/nonexistent"))
    words = ["spec", "vertex-gpu", "--image=a.b/c:1", "--downstream_model_dir=gs://bucket/run"]
    assert parse(words, environ, Path("/nonexistent")).settings.accelerator == "auto"


def test_an_image_s_own_defaults_are_the_weakest(tmp_path, monkeypatch):
    """They stand in for the built-in ones alone: a .env that says nothing of them leaves them."""
    file = tmp_path / "image.env"
    file.write_text("DOWNSTREAM_CORPUS_NAME=sample\n")
    monkeypatch.setattr("job.settings.parsing.IMAGE_DEFAULTS", file)
    (tmp_path / ".env").write_text("EPOCHS=2\n")
    parsed = parse([], {}, tmp_path)
    assert (parsed.settings.downstream_corpus_name, parsed.settings.epochs) == ("sample", 2)
    assert parsed.sources["downstream_corpus_name"] == "image.env line 1"
    (tmp_path / ".env").write_text("DOWNSTREAM_CORPUS_NAME=news\n")
    assert parse([], {}, tmp_path).settings.downstream_corpus_name == "news"


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("strong", ["flag", "environment", ".env"])
def test_of_the_two_ways_to_say_the_corpus_the_stronger_source_wins(
    tmp_path, monkeypatch, strong, order
):
    """Whatever a weaker one says of the other way is as if it were not said."""
    file = tmp_path / "image.env"
    monkeypatch.setattr("job.settings.parsing.IMAGE_DEFAULTS", file)
    here, there = [
        {"downstream_corpus": "corpora/news"},
        {"downstream_corpus_name": "toy", "downstream_corpus_root_dir": "root"},
    ][::order]
    weaker = {"flag": "environment", "environment": ".env", ".env": "image"}[strong]
    said = {strong: here, weaker: there}

    def lines(source):
        return "".join(f"{name.upper()}={v}\n" for name, v in said.get(source, {}).items())

    file.write_text(lines("image"))
    (tmp_path / ".env").write_text(lines(".env"))
    environ = {name.upper(): value for name, value in said.get("environment", {}).items()}
    flags = [f"--{name}={value}" for name, value in said.get("flag", {}).items()]
    parsed = parse(flags, environ, tmp_path)
    assert parsed.settings.model_fields_set & {*here, *there} == {*here}
    assert all(getattr(parsed.settings, name) == value for name, value in here.items())
    assert {parsed.sources[name] for name in there} == {"default"}


def test_a_source_that_says_the_corpus_in_both_ways_is_refused():
    """With the values of all that it says, and nothing of what it does not."""
    (mistake,) = mistakes_of("--downstream_corpus=news", "--downstream_corpus_root_dir=corpora")
    assert mistake == (
        "DOWNSTREAM_CORPUS = 'news' (flag --downstream_corpus) with DOWNSTREAM_CORPUS_ROOT_DIR = "
        "'corpora' (flag --downstream_corpus_root_dir): each says where the corpus lies; leave "
        "DOWNSTREAM_CORPUS or the other out."
    )


QUOTED = ('"{}"', "'{}'", '"{}', "“{}”", "`{}`")


@pytest.mark.parametrize("around", QUOTED)
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DOWNSTREAM_MODEL_DIR", "/data/out"),
        ("DOWNSTREAM_CORPUS_ROOT_DIR", "gs://bucket/corpora"),
        ("EPOCHS", "3"),
        ("FP16", "true"),
        ("HF_TOKEN", "hunter2"),
        ("CACHE_DIR", "/cache"),
    ],
)
def test_quotation_marks_that_docker_leaves_are_refused(around, variable, value):
    """Of every variable, once, with what to do; a secret in them is not shown."""
    (mistake,) = mistakes_of(environ={variable: around.format(value)})
    assert mistake.startswith(f"{variable} = ")
    assert "is in quotation marks, which docker's --env-file does not take off" in mistake
    assert "hunter2" not in mistake


def test_quotation_marks_of_a_flag_are_refused_and_those_of_a_file_taken_off(tmp_path):
    """A shell takes one pair off, a .env file as well; what is left then is a mistake there."""
    (mistake,) = mistakes_of("--downstream_model_dir='/data/out'")
    assert mistake == (
        "DOWNSTREAM_MODEL_DIR = \"'/data/out'\" (flag --downstream_model_dir) is in quotation "
        "marks; leave the marks out."
    )
    (tmp_path / ".env").write_text('DOWNSTREAM_MODEL_DIR="/data/out"  # here\n')
    assert settings_of(cwd=tmp_path).downstream_model_dir == "/data/out"


@pytest.mark.parametrize("comment", [" # the best", "\t# x", " #x"])
def test_a_comment_that_docker_leaves_is_refused(comment):
    """Of paths, URLs, numbers and choices; a flag's `run #1` was meant."""
    values = {"DOWNSTREAM_MODEL_DIR": "gs://b/run", "EPOCHS": "3", "MONITOR": "max val_f1"}
    for variable, value in values.items():
        (mistake,) = mistakes_of(environ={variable: value + comment})
        assert "ends in a comment, which docker's --env-file does not take off" in mistake
    assert settings_of("--downstream_model_dir=/data/run #1").downstream_model_dir == "/data/run #1"
    assert settings_of(environ={"DOWNSTREAM_MODEL_DIR": "/a/run#1"}).downstream_model_dir


ON_VERTEX = {"CLOUD_ML_JOB_ID": "1"}
LOST_THERE = (
    "my-bucket/ner/run-1",
    "./output",
    "/data/out",
    "~/out",
    "/gcs",
    "/gcs/",
    "/gcs/../x",
    "/gcs/bucket/../../x",
    "/gcsfuse/bucket",
    "gcs/bucket",
    "file:///data/out",
    "file:///gcs/",
    "memory://out",
)
KEPT_THERE = (
    "gs://bucket/run",
    "s3://bucket/run",
    "/gcs/bucket",
    "/gcs/bucket/run",
    "//gcs/bucket",
    "file:///gcs/bucket/run",
    "/mnt/nfs/share/run",
)


@pytest.mark.parametrize("command", ["train", "check"])
@pytest.mark.parametrize("output", LOST_THERE)
def test_an_output_that_ends_with_vertex_s_machine_is_refused(output, command):
    """On its disk or in its memory; elsewhere the same words are fine."""
    (mistake,) = mistakes_of(command, environ={**ON_VERTEX, "DOWNSTREAM_MODEL_DIR": output})
    assert mistake.startswith(f"DOWNSTREAM_MODEL_DIR = '{output}' (environment): a machine of ")
    assert "gs://BUCKET/FOLDER" in mistake
    assert settings_of(command, environ={"DOWNSTREAM_MODEL_DIR": output})


@pytest.mark.parametrize("flags", [[], ["--output=/scores"]])
def test_a_report_that_vertex_s_machine_would_lose_is_refused(flags):
    """That of `evaluate`, by its default, too."""
    words = ["evaluate", "in", "--downstream_model_dir=gs://bkt/x"]
    (mistake,) = mistakes_of(*words, *flags, environ=ON_VERTEX)
    assert mistake.startswith("OUTPUT = ")
    assert "deleted with all that it wrote" in mistake
    settings_of(*words, "--output=gs://bkt/scores", environ=ON_VERTEX)


@pytest.mark.parametrize("output", KEPT_THERE)
def test_an_output_that_outlives_vertex_s_machine_is_taken(output):
    """Buckets, also those mounted at /gcs, and network drives."""
    assert settings_of(f"--downstream_model_dir={output}", environ=ON_VERTEX)


def test_what_is_only_read_may_lie_on_vertex_s_machine():
    """A corpus or a model in the image; the model that predict reads; a relative path in a mounted
    bucket."""
    words = ["--downstream_corpus_root_dir=/corpora", "--resume=/old/step=1"]
    settings_of("--downstream_model_dir=gs://bkt/x", *words, environ=ON_VERTEX)
    settings_of("predict", "in", "out", "--downstream_model_dir=/model", environ=ON_VERTEX)
    settings_of("--downstream_model_dir=run", environ=ON_VERTEX, cwd=Path("/gcs/bucket"))
