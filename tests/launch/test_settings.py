"""What `python -m job spec` prints for each target, and what it refuses."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from docker.render_specs import EXAMPLES, SPECS, rendered
from job.__main__ import main
from job.errors import ArgumentError
from job.launch.catalog import ACCELERATORS
from job.launch.target import TARGETS
from job.settings.parsing import parse
from job.spec import render

NOWHERE = Path("/nonexistent")
IMAGE = "--image=europe-docker.pkg.dev/p/r/korean-ner-job:1"
BUCKET = "--downstream_model_dir=gs://my-bucket/run"


def spec_of(*argv: str, environ=None) -> str:
    return render(parse(["spec", *argv], environ or {}, NOWHERE))


def pool_of(*argv: str, environ=None) -> dict:
    [pool] = yaml.safe_load(spec_of(*argv, IMAGE, BUCKET, environ=environ))["workerPoolSpecs"]
    return pool


def env_of(pool: dict) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in pool["containerSpec"]["env"]}


def mistakes_of(*argv: str, environ=None) -> list[str]:
    with pytest.raises(ArgumentError) as caught:
        parse(["spec", *argv], environ or {}, NOWHERE)
    assert caught.value.exit_code == 64
    return str(caught.value).split("\n")


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
    assert env == {"ACCELERATOR": "gpu", "DOWNSTREAM_CORPUS_NAME": "ner", **given}


def test_the_container_reads_back_the_settings_that_were_given():
    """The job in the container has the settings of the command, to the last bit."""
    argv = ["--learning_rate=3.0000000000000004e-05", "--monitor=max val_f1", "--test_mode"]
    argv += ["--downstream_corpus_name=news", "--downstream_corpus_root_dir=gs://my-bucket/c"]
    there = parse(
        [], {**env_of(pool_of("vertex-gpu", *argv)), "AIP_MODEL_DIR": "gs://bkt/m/model"}, NOWHERE
    )
    here = parse(argv, {}, NOWHERE)
    differing = {
        name
        for name in here.sources
        if getattr(here.settings, name) != getattr(there.settings, name)
    }
    assert differing == {"downstream_model_dir", "accelerator", "cache_dir"} - (
        {"cache_dir"} if here.settings.cache_dir == there.settings.cache_dir else set()
    )


def test_the_output_is_the_base_output_directory():
    """It is said once, where trials get folders of their own below it."""
    text = spec_of("vertex-gpu", IMAGE, BUCKET)
    assert yaml.safe_load(text)["baseOutputDirectory"] == {"outputUriPrefix": "gs://my-bucket/run"}
    assert spec_of("vertex-gpu", IMAGE, f"{BUCKET}/") == text
    assert "DOWNSTREAM_MODEL_DIR" not in text


def test_the_header_has_the_command_that_takes_the_file():
    """Region, project and name are in it, since the file cannot hold them."""
    argv = ("--region=europe-west4", "--project=my-project", "--display-name=news")
    text = spec_of("vertex-gpu", IMAGE, BUCKET, *argv)
    assert (
        "#   gcloud ai custom-jobs create --region=europe-west4 --project=my-project "
        "--display-name=news --config=vertex-gpu.yaml\n"
    ) in text


def test_the_machine_follows_the_accelerator():
    """Naming an accelerator is enough: machine type and count are those that go with it."""
    for name, accelerator in ACCELERATORS.items():
        target = "vertex-tpu" if name == "TPU_V3" else "vertex-gpu"
        region = sorted(accelerator.regions)[0]
        strategy = "spot" if "H100" in name else "standard"
        argv = (f"--accelerator_type={name}", f"--region={region}", f"--strategy={strategy}")
        machine = pool_of(target, *argv)["machineSpec"]
        assert machine["acceleratorType"] == name
        assert machine["acceleratorCount"] in accelerator.counts[machine["machineType"]]


def test_a_cluster_is_one_machine_and_the_rest():
    """Vertex AI's first pool is one replica; all are restarted together."""
    text = spec_of("vertex-gpu-multinode", IMAGE, BUCKET, "--replica_count=4")
    spec = yaml.safe_load(text)
    assert [pool["replicaCount"] for pool in spec["workerPoolSpecs"]] == [1, 3]
    assert spec["scheduling"]["restartJobOnWorkerRestart"] is True


def test_scheduling_says_how_long_and_at_what_price():
    """Spot and flexible start are Vertex AI's strategies; a standard job says nothing."""
    spot = yaml.safe_load(spec_of("vertex-gpu", IMAGE, BUCKET, "--strategy=spot"))
    assert spot["scheduling"]["strategy"] == "SPOT"
    argv = ("--strategy=flex_start", "--max_wait_hours=2", "--timeout_hours=1.5")
    flexible = yaml.safe_load(spec_of("vertex-gpu", IMAGE, BUCKET, *argv))["scheduling"]
    assert (flexible["maxWaitDuration"], flexible["timeout"]) == ("7200s", "5400s")
    assert "strategy" not in yaml.safe_load(spec_of("vertex-gpu", IMAGE, BUCKET))["scheduling"]


def test_trials_vary_what_was_asked_for():
    """Ranges of numbers, whole ones among them, lists of numbers and lists of words."""
    wanted = (
        "learning_rate=1e-5..1e-4:log,epochs=2..5,batch_size=32|16,lr_scheduler=linear|constant"
    )
    text = spec_of("vertex-hptuning", IMAGE, BUCKET, f"--tuning_parameters={wanted}")
    study = yaml.safe_load(text)["studySpec"]
    assert study["metrics"] == [{"metricId": "val_loss", "goal": "MINIMIZE"}]
    rate, epochs, batch, scheduler = study["parameters"]
    assert rate["doubleValueSpec"] == {"minValue": 1e-5, "maxValue": 1e-4}
    assert (rate["scaleType"], epochs["scaleType"]) == ("UNIT_LOG_SCALE", "UNIT_LINEAR_SCALE")
    assert epochs["integerValueSpec"] == {"minValue": "2", "maxValue": "5"}
    assert batch["discreteValueSpec"] == {"values": [16.0, 32.0]}
    assert scheduler["categoricalValueSpec"] == {"values": ["linear", "constant"]}


def test_a_trial_s_flags_are_understood():
    """Vertex AI appends them after `args`; a whole number may come with a dot."""
    words = ["train", "--batch_size=16.0", "--learning_rate", "3e-5"]
    settings = parse(words, {"BATCH_SIZE": "8"}, NOWHERE).settings
    assert (settings.batch_size, settings.learning_rate) == (16, 3e-5)


def test_docker_mounts_folders_and_passes_the_token_by_its_name():
    """The corpus and the model are mounted read-only, the output and the cache to be written."""
    argv = ("--downstream_corpus_root_dir=/data/my corpora", "--pretrained_model_name=./model")
    text = spec_of("docker", "--image=job:1", *argv, environ={"HF_TOKEN": "hunter2"})
    assert "source='/data/my corpora',target=/corpora,readonly" in text
    assert 'source="$PWD"/model,target=/model,readonly' in text
    assert 'source="$PWD"/output,target=/output \\' in text
    assert "--env HF_TOKEN \\" in text
    assert "--gpus all" in text
    assert "--shm-size=16g" in text
    assert "hunter2" not in text
    assert subprocess.run(["bash", "-n"], input=text, text=True).returncode == 0
    forgotten = subprocess.run(["bash"], input=text, text=True, capture_output=True, env={})
    assert "HF_TOKEN: export it" in forgotten.stderr, "a line of .env reaches no docker"


def test_docker_starts_without_a_gpu_where_the_cpu_is_asked_for():
    """On a laptop, `--gpus all` would be an error of docker's."""
    text = spec_of("docker", "--image=job:1", "--accelerator=cpu")
    assert "--gpus" not in text
    assert "--env ACCELERATOR=cpu" in text


def test_docker_takes_credentials_along_where_a_bucket_is_used():
    """Those of gcloud's application default login, read-only."""
    text = spec_of("docker", "--image=job:1", BUCKET)
    assert "target=/gcloud,readonly" in text
    assert '.config/gcloud}"\n' in text, "docker mounts no missing folder"
    assert "gcloud" not in spec_of("docker", "--image=job:1")


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
    ("argv", "mistake"),
    [
        (
            ["--machine_type=n1-standard-8"],
            "MACHINE_TYPE = 'n1-standard-8' (flag --machine_type) with ACCELERATOR_TYPE = "
            "'NVIDIA_L4' (default): n1-standard-8 takes NVIDIA_TESLA_T4; set "
            "ACCELERATOR_TYPE=NVIDIA_TESLA_T4.",
        ),
        (["--machine_type=n2-standard-8"], "no such machine is known to take it; set MACHINE_TYPE"),
        (["--accelerator_count=3"], "g2-standard-8 takes 1 NVIDIA_L4."),
        (["--accelerator_type=NVIDIA_TESLA_V100"], "ACCELERATOR_TYPE = 'NVIDIA_TESLA_V100'"),
        (
            ["--accelerator_type=TPU_V3"],
            "takes no such accelerator; leave ACCELERATOR_TYPE out (NV",
        ),
        (["--region=us-south1"], "us-south1 has no NVIDIA_L4; choose one of asia-east1, "),
        (["--region=mars"], "REGION = 'mars' (flag --region): must be a region such as"),
        (["--downstream_model_dir=gs://"], "it names no bucket; write gs://BUCKET/FOLDER."),
        (["--downstream_model_dir=gs:///run"], "it names no bucket; write gs://BUCKET/FOLDER."),
        (["--downstream_model_dir=output"], "the machine is deleted with all that it wrote"),
        (["--max_wait_hours=0.001"], "must be a number, at least 0.1 and at most 168."),
        (["--downstream_corpus_root_dir=corpora"], "a machine in the cloud has no such folder"),
        (["--downstream_corpus_root_dir=memory://c"], "what is in memory ends with its process"),
        (
            ["--downstream_corpus_root_dir=HTTPS://h/c?hunter2"],
            "all that follows the path, secrets",
        ),
        (
            ["--downstream_corpus_root_dir=https://h/c#hunter2"],
            "all that follows the path, secrets",
        ),
        (["--downstream_corpus_root_dir=https://me:hunt/er2@h/c"], "would show the password in it"),
        (["--downstream_corpus_root_dir=s3://bucket/c"], "the image cannot open it; copy it into"),
        (["--image=localhost:5000/korean-ner-job:1"], "name the registry, too"),
        (["--downstream_corpus_root_dir=/data"], "a machine in the cloud has no such folder"),
        (["--downstream_corpus_root_dir=https://me:pw@h/c"], "would show the password in it"),
        (
            ["--pretrained_model_name=output/news/model"],
            "a machine in the cloud has no such folder",
        ),
        (["--resume=https://me:pw@h/c"], "would show the password in it"),
        (["--resume=gs://"], "it names no bucket"),
        (["--image=korean-ner-job"], "IMAGE = 'korean-ner-job' (flag --image): must be an image"),
        (["--image=korean-ner-job:1"], "name the registry, too: REGION-docker.pkg.dev/PROJECT/"),
        (["--image=user/korean-ner-job:1"], "name the registry, too"),
        (["--image=https://europe-docker.pkg.dev/p/r/i:1"], "must be an image with a tag"),
        (["--image=europe-docker.pkg.dev/p/r/i:판"], "must be an image with a tag"),
        (["--image=europe-docker.pkg.dev/p//i:1"], "must be an image with a tag"),
        (["--image=host:5000/korean-ner-job"], "must be an image with a tag or a digest"),
        (["--boot_disk_size_gb=70000"], "must be a whole number, at least 100 and at most 64000."),
        (["--timeout_hours=1000"], "must be a number, at least 0.1 and at most 672."),
        (["--strategy=flex_start", "--timeout_hours=200"], "168 hours at most; lower it."),
        (["--service_account=me@example.com"], "must be the e-mail address of an account."),
        (["--accelerator=cpu"], "with TARGET = 'vertex-gpu' (command line): it has a GPU; leave"),
        (["--tpu_cores=8"], "it has no TPU; leave TPU_CORES out, or use the target vertex-tpu or"),
        (["--resume=./output/checkpoints/step=00000381"], "the container has no such folder"),
        (
            ["--strategy=flex_start", "--accelerator_type=NVIDIA_TESLA_T4"],
            "flex_start gives NVIDIA_L4, NVIDIA_TESLA_A100, ",
        ),
        (["--accelerator_type=NVIDIA_H100_80GB"], "can be had as spot and flex_start only; choose"),
        (
            ["--accelerator_type=NVIDIA_H200_141GB", "--boot_disk_type=pd-ssd"],
            "its machines take hyperdisk-balanced.",
        ),
        (["--machine_typ=x"], "--machine_typ: unknown flag; is --machine_type meant?"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(argv, mistake):
    """Exit code 64, and gcloud is not called."""
    images = [] if argv[0].startswith("--image") else [IMAGE]
    [found] = mistakes_of("vertex-gpu", *images, BUCKET, *argv)
    assert mistake in found
    assert "hunt" not in found
    assert len(found) < 700
    assert found[-1] in ".?"


@pytest.mark.parametrize(
    ("parameters", "mistake"),
    [
        ("lr=1..2", "any of learning_rate, batch_size, epochs"),
        ("epochs=5..2", "a range of epochs that rises"),
        ("hf_token=a|b", "'hf_token' is none."),
        ("accelerator=cpu|gpu", "'accelerator' is none."),
        ("batch_size=-1|16", "batch_size must be greater than or equal to 0"),
        ("learning_rate=0.1..2", "must be less than or equal to 1, not 2"),
        ("batch_size=16|16", "a list of different values for batch_size"),
        ("seed=1|2,seed=3|4", "a list that names seed once"),
        ("warmup_ratio=0|0.1", "a trial with warmup_ratio=0.1 would be refused: only LR_"),
        ("window_stride=8..62", "a trial with window_stride=62 would be refused: WINDOW_STRIDE"),
        ("window_stride=8|20,max_seq_length=16|64", "with window_stride=20, max_seq_length=16"),
        ("pretrained_model_name=a/b|./model", "./model: a machine in the cloud has no such folder"),
    ],
)
def test_trials_that_would_be_refused_are_not_asked_for(parameters, mistake):
    """Each of them would cost a machine's start."""
    [found] = mistakes_of("vertex-hptuning", IMAGE, BUCKET, f"--tuning_parameters={parameters}")
    assert mistake in found


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
    assert found.startswith(f"{flag.split('=')[0]}: is for {takers}")
    name, _, value = flag.lstrip("-").partition("=")
    meant_for_another = spec_of(target, IMAGE, BUCKET, environ={name.upper(): value or "true"})
    assert meant_for_another == spec_of(target, IMAGE, BUCKET)


def test_a_trial_s_secret_is_not_shown_where_it_is_refused():
    """The refusal is read by whoever reads the log."""
    parameters = "pretrained_model_name=a/b|https://me:hunter2@h/c"
    [found] = mistakes_of("vertex-hptuning", IMAGE, BUCKET, f"--tuning_parameters={parameters}")
    assert "https://(secret)@h/c: a specification would show the password" in found
    assert "hunter2" not in found


def test_an_argument_that_every_trial_replaces_is_not_judged():
    """Its own value is never used."""
    argv = ("vertex-hptuning", IMAGE, BUCKET, "--window_stride=80")
    study = yaml.safe_load(spec_of(*argv, "--tuning_parameters=max_seq_length=128|256"))
    [varied] = study["studySpec"]["parameters"]
    assert varied["parameterId"] == "max_seq_length"
    [pool] = study["trialJobSpec"]["workerPoolSpecs"]
    assert env_of(pool)["WINDOW_STRIDE"] == "80"
    assert "MAX_SEQ_LENGTH" not in env_of(pool)
    [found] = mistakes_of(*argv, "--tuning_parameters=max_seq_length=64|256")
    assert "a trial with max_seq_length=64 would be refused" in found


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


@pytest.mark.parametrize(
    "argv",
    [
        ["--image=docker.io/user/korean-ner-job:1"],
        ["--image=gcr.io/p/korean-ner-job:1"],
        ["--image=registry.example.com:5000/a/b:1"],
        [f"{IMAGE}@sha256:{'0' * 64}"],
        [IMAGE, "--project=example.com:my-project"],
        [IMAGE, "--downstream_corpus_root_dir=https://example.com:8080/corpora/@news"],
        [IMAGE, "--downstream_corpus_root_dir=hf://datasets/a/b"],
        [IMAGE, "--pretrained_model_name=klue/bert-base"],
        [IMAGE, "--pretrained_model_name=gs://my-bucket/model,2"],
        [IMAGE, "--downstream_corpus_name=sample"],
    ],
)
def test_what_is_fine_is_not_refused(argv):
    """Registries, hub ids and places that a machine in the cloud reaches are given to it."""
    text = spec_of("vertex-gpu", BUCKET, *argv)
    for flag in argv:
        assert flag.partition("=")[2] in text


def test_docker_takes_what_it_does_not_mount(tmp_path, monkeypatch):
    """A comma in a bucket, and the embedded model beside a folder of its name."""
    (tmp_path / "sample").mkdir()
    monkeypatch.chdir(tmp_path)
    text = spec_of("docker", IMAGE, "--downstream_corpus_root_dir=gs://bkt/a,b")
    assert "target=/corpora" not in text
    assert "target=/gcloud" in text
    assert "target=/model" not in spec_of("docker", IMAGE, "--downstream_corpus_name=sample")
    [found] = mistakes_of("docker", IMAGE, "--downstream_model_dir=https://example.com/out")
    assert "a web server takes no output" in found


def test_defaults_of_a_trial_follow_its_arguments():
    """A shorter window has a shorter stride unless one is set."""
    text = spec_of("vertex-hptuning", IMAGE, BUCKET, "--tuning_parameters=max_seq_length=16|64")
    [pool] = yaml.safe_load(text)["trialJobSpec"]["workerPoolSpecs"]
    assert not {"MAX_SEQ_LENGTH", "WINDOW_STRIDE"} & env_of(pool).keys()


def test_a_cluster_s_machines_are_not_restarted_alone():
    """Said on purpose it is refused, and not overruled in silence."""
    argv = ("vertex-gpu-multinode", IMAGE, BUCKET, "--restart_on_worker_restart=false")
    [found] = mistakes_of(*argv)
    assert "finds nobody; leave it out" in found


def test_an_empty_variable_is_left_out():
    """It means that nothing is set, not the word None."""
    env = env_of(pool_of("vertex-gpu", environ={"HF_TOKEN_SECRET": "", "CORPUS_SHA256": ""}))
    assert "None" not in env.values()
    assert "None" not in spec_of("docker", IMAGE, "--pretrained_model_revision=")


@pytest.mark.parametrize(
    ("place", "mistake"),
    [
        ("/my,data", "docker's --mount takes no comma and no quote"),
        ('/my"data', "docker's --mount takes no comma and no quote"),
        ("~else/data", "another user's home is not known here"),
    ],
)
def test_folders_that_docker_cannot_mount_are_refused(place, mistake):
    """Before docker says something that nobody understands."""
    for name in ("downstream_corpus_root_dir", "downstream_model_dir", "cache_dir"):
        [found] = mistakes_of("docker", "--image=job:1", f"--{name}={place}")
        assert mistake in found


def test_a_model_s_folder_is_mounted_whatever_it_looks_like(tmp_path, monkeypatch):
    """`output/model` could be an id of the hub, were there no such folder here."""
    monkeypatch.chdir(tmp_path)
    argv = ("docker", "--image=job:1", "--pretrained_model_name=output/model")
    assert "--env PRETRAINED_MODEL_NAME=output/model" in spec_of(*argv)
    (tmp_path / "output/model").mkdir(parents=True)
    assert 'source="$PWD"/output/model,target=/model,readonly' in spec_of(*argv)
    [found] = mistakes_of("vertex-gpu", IMAGE, BUCKET, argv[2])
    assert "has no such folder" in found


@pytest.mark.parametrize("target", ["vertex-tpu", "tpu-vm"])
@pytest.mark.parametrize(
    ("argv", "mistake"),
    [
        (["--accelerator=gpu"], "it has a TPU; leave ACCELERATOR out."),
        (["--batch_size=0"], "a TPU does not tell how much memory is free; set BATCH_SIZE"),
        (["--compile"], "COMPILE is for GPUs, and a TPU always compiles"),
        (["--precision=16"], "a TPU has no 16-bit floats of this kind"),
        (["--tpu_cores=8", "--fp16"], "a TPU has no 16-bit floats of this kind"),
        (["--strategy=flex_start"], "use spot"),
        (["--tpu_cores=4"], "a v3-8 has eight cores, and all are paid"),
    ],
)
def test_what_the_job_would_refuse_on_a_tpu_is_refused_before_there_is_one(target, argv, mistake):
    """A machine that costs money only to end with exit code 64 is not asked for."""
    [found] = mistakes_of(target, IMAGE, BUCKET, *argv)
    assert mistake in found


def test_h200_machines_boot_from_the_only_disk_that_they_take():
    """Vertex AI's default for them, which is no persistent disk."""
    disk = pool_of("vertex-gpu", "--accelerator_type=NVIDIA_H200_141GB")["diskSpec"]
    assert disk["bootDiskType"] == "hyperdisk-balanced"


def test_folders_of_this_machine_stay_out_of_the_cloud():
    """A cache folder here is none there; docker mounts it."""
    assert "CACHE_DIR" not in env_of(pool_of("vertex-gpu", environ={"CACHE_DIR": "/my/cache"}))
    assert "source=/my/cache,target=/cache" in spec_of("docker", IMAGE, "--cache_dir=/my/cache")


def test_more_trials_at_a_time_than_in_all_are_refused():
    """But only where there are trials."""
    [found] = mistakes_of("vertex-hptuning", IMAGE, BUCKET, "--max_trials=1")
    assert "no more trials can run at a time than there are in all" in found
    spec_of("vertex-gpu", IMAGE, BUCKET, environ={"MAX_TRIALS": "1"})


@pytest.mark.parametrize("target", [target for target in TARGETS if target != "docker"])
def test_a_secret_given_as_a_plain_value_is_refused(target):
    """A specification is read by many; neither the refusal nor anything else shows it."""
    for environ, part in (
        ({"HF_TOKEN": "hf_hunter2"}, "put it into Secret Manager"),
        ({"HF_TOKEN_SECRET": "hf_hunter2"}, "must be the name of a secret"),
    ):
        [found] = mistakes_of(target, IMAGE, BUCKET, environ=environ)
        assert part in found
        assert "hunter2" not in found
    [found] = mistakes_of(target, IMAGE, BUCKET, "--hf_token=hunter2")
    assert "hunter2" not in found


def test_all_mistakes_come_at_once_and_nothing_is_printed(capsys):
    """Image, bucket and machine in one go; stdout stays empty, so no file is half right."""
    assert main(["spec", "vertex-gpu", "--region=us-south1", "--epochs=0"]) == 64
    captured = capsys.readouterr()
    assert captured.out == ""
    for part in ("EPOCHS", "IMAGE is not set", "DOWNSTREAM_MODEL_DIR", "us-south1 has no"):
        assert part in captured.err


@pytest.mark.parametrize("words", [[], ["vertex"], ["vertex-gpu", "x"]])
def test_a_target_is_needed(words):
    """The targets are listed where none or a wrong one is named."""
    assert any("needs one target of vertex-gpu, " in each for each in mistakes_of(*words))


def test_what_only_a_specification_takes_is_no_argument_of_the_job():
    """As a flag it is refused; as a variable it is a stranger, since a .env may serve both."""
    with pytest.raises(ArgumentError, match="--machine_type: is for `spec` only; leave it out"):
        parse(["--machine_type=g2-standard-8"], {}, NOWHERE)
    parse([], {"MACHINE_TYPE": "nonsense", "IMAGE": "nonsense"}, NOWHERE)


def test_the_help_of_spec_lists_what_it_takes(capsys):
    """Every argument of its own, with its default, within the screen's width."""
    assert main(["spec", "--help"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.split("\n"))) <= 100
    for name in ("IMAGE", "ACCELERATOR_TYPE", "TUNING_PARAMETERS", *TARGETS):
        assert name in text
    assert "\n  EPOCHS" not in text
    assert not re.search(r"\n  TARGET ", text)
