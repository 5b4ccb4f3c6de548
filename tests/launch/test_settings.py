"""What `python -m job spec` takes, and what goes into the container."""

import pytest

from docker.render_specs import EXAMPLES, SPECS, rendered
from job.__main__ import main
from job.errors import ArgumentError
from job.launch.target import TARGETS
from tests.support.arguments import parse
from tests.support.specs import BUCKET, IMAGE, env_of, mistakes_of, pool_of, spec_of


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_are_what_the_code_renders(name):
    """docker/specs/ holds what `make specs` writes, and nothing else."""
    assert (SPECS / name).read_text("utf-8") == rendered(name)
    assert {file.name for file in SPECS.iterdir()} == EXAMPLES.keys()


def test_there_is_an_example_of_each_target():
    """Every target has at least one."""
    assert {words[0] for words in EXAMPLES.values()} == set(TARGETS)


def test_what_was_given_goes_into_the_container_and_defaults_do_not():
    """Flags, environment and .env become variables; the image's own defaults stay its own."""
    env = env_of(pool_of("vertex-gpu", "--epochs=2", environ={"SEED": "3", "FP16": "true"}))
    given = {"EPOCHS": "2", "SEED": "3", "FP16": "true"}
    own = {"ACCELERATOR": "gpu", "RESTARTS": "3", "DOWNSTREAM_CORPUS_NAME": "ner"}
    assert env == {**own, **given}


def test_the_container_reads_back_the_settings_that_were_given():
    """The job in the container has the settings of the command, to the last bit."""
    argv = ["--learning_rate=3.0000000000000004e-05", "--monitor=max val_f1", "--test_mode"]
    argv += ["--downstream_corpus_name=news", "--downstream_corpus_root_dir=gs://my-bucket/c"]
    there = parse([], {**env_of(pool_of("vertex-gpu", *argv)), "AIP_MODEL_DIR": "gs://bkt/m/model"})
    here = parse(argv)
    differing = {
        name
        for name in here.sources
        if getattr(here.settings, name) != getattr(there.settings, name)
    }
    assert differing == {"downstream_model_dir", "accelerator", "restarts", "cache_dir"} - (
        {"cache_dir"} if here.settings.cache_dir == there.settings.cache_dir else set()
    )


def test_what_an_image_may_lack_is_said_first():
    """COMPILE needs a compiler, and the job would end with exit code 64 without one."""
    text = spec_of("vertex-gpu", IMAGE, BUCKET, "--compile")
    assert "# COMPILE needs a compiler: take an image of your own that has one.\n" in text
    assert "compiler" not in spec_of("vertex-gpu", IMAGE, BUCKET)


@pytest.mark.parametrize("target", TARGETS)
def test_a_secret_is_in_no_specification(target):
    """HF_TOKEN stays out even where it is set; the name of the secret goes in its place."""
    name = "projects/p/secrets/hf-token"
    environ = {"HF_TOKEN": "hunter2", "HF_TOKEN_SECRET": name}
    text = spec_of(target, IMAGE, BUCKET, environ=environ)
    assert "hunter2" not in text
    assert name in text


@pytest.mark.parametrize(
    ("target", "flag", "takers"),
    [
        ("docker", "--strategy=spot", "vertex-gpu, vertex-gpu-multinode, "),
        ("docker", "--zone=us-central1-a", "tpu-vm"),
        ("vertex-gpu", "--replica_count=2", "vertex-gpu-multinode"),
        ("vertex-gpu", "--shm_size_gb=2", "tpu-vm, docker"),
        ("vertex-gpu-multinode", "--max_trials=3", "vertex-hptuning"),
        ("vertex-tpu", "--queued", "tpu-vm"),
    ],
)
def test_a_flag_that_a_target_does_not_take_is_refused(target, flag, takers):
    """It would do nothing; as a variable it may be meant for another target."""
    [found] = mistakes_of(target, IMAGE, BUCKET, flag)
    assert found.startswith(f"{flag.split('=')[0]} is for {takers}")
    name, _, value = flag.lstrip("-").partition("=")
    meant_for_another = spec_of(target, IMAGE, BUCKET, environ={name.upper(): value or "true"})
    assert meant_for_another == spec_of(target, IMAGE, BUCKET)


@pytest.mark.parametrize(
    ("target", "environ"),
    [
        ("tpu-vm", {"MACHINE_TYPE": "g2-standard-8", "ACCELERATOR_COUNT": "3"}),
        ("docker", {"ACCELERATOR_TYPE": "TPU_V3", "ACCELERATOR_COUNT": "3", "ZONE": "nowhere"}),
        ("vertex-gpu", {"MAX_TRIALS": "0", "ZONE": "nowhere", "CACHE_DIR": "/a,b"}),
    ],
)
def test_variables_for_another_target_are_left_alone(target, environ):
    """A .env serves several; even their mistakes are nobody's here, and change nothing."""
    assert spec_of(target, IMAGE, BUCKET, environ=environ) == spec_of(target, IMAGE, BUCKET)


def test_an_empty_variable_is_left_out():
    """It means that nothing is set, not the word None."""
    env = env_of(pool_of("vertex-gpu", environ={"HF_TOKEN_SECRET": "", "CORPUS_SHA256": ""}))
    assert "None" not in env.values()
    assert "None" not in spec_of("docker", IMAGE, "--pretrained_model_revision=")


def test_folders_of_this_machine_stay_out_of_the_cloud():
    """A cache folder here is none there; docker mounts it."""
    assert "CACHE_DIR" not in env_of(pool_of("vertex-gpu", environ={"CACHE_DIR": "/my/cache"}))
    assert "source=/my/cache,target=/cache" in spec_of("docker", IMAGE, "--cache_dir=/my/cache")


def test_all_mistakes_come_at_once_and_nothing_is_printed(capsys):
    """Image, bucket and machine in one go; stdout stays empty, so no file is half right."""
    assert main(["spec", "vertex-gpu", "--machine_type=x", "--epochs=0"]) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    for part in ("EPOCHS", "IMAGE is not set", "DOWNSTREAM_MODEL_DIR", "no such machine is known"):
        assert part in captured.err


def test_after_a_mistake_its_own_help_is_named(capsys):
    """The help of the job does not list what only `spec` takes."""
    main(["spec", "vertex-gpu", "--epochs=0"])
    assert "`python -m job spec --help` lists its arguments." in capsys.readouterr().err
    main(["--epochs=0"])
    assert "`python -m job --help` lists every argument." in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["vertex"], ["vertex-gpu", "x"]])
def test_a_target_is_needed(words):
    """The targets are listed where none or a wrong one is named."""
    assert any("needs one target of vertex-gpu, " in each for each in mistakes_of(*words))


def test_an_unknown_target_is_told_alone():
    """With the one that was probably meant; what else is missing depends on the target."""
    assert mistakes_of("vertexgpu") == ["'vertexgpu': unknown target; is vertex-gpu meant?"]
    (listed,) = mistakes_of("vertex")
    assert listed.startswith("spec needs one target of vertex-gpu, ")


def test_what_only_a_specification_takes_is_no_argument_of_the_job():
    """As a flag it is refused; as a variable it is a stranger, since a .env may serve both."""
    with pytest.raises(ArgumentError, match="--machine_type is for `spec` only; leave it out"):
        parse(["--machine_type=g2-standard-8"])
    parse([], {"MACHINE_TYPE": "nonsense", "IMAGE": "nonsense"})


def test_the_help_of_spec_lists_what_it_takes(capsys):
    """Every argument of its own, with its default, within the screen's width."""
    assert main(["spec", "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.split("\n"))) <= 100
    for name in ("IMAGE", "ACCELERATOR_TYPE", "TUNING_PARAMETERS", *TARGETS):
        assert name in text
    assert "\n  EPOCHS" not in text
    operands, arguments = text.split("\nExample\n")
    assert "\n  TARGET " in operands
    assert "\n  TARGET " not in arguments
