"""What no machine, bucket or target takes is refused before it costs anything."""

import pytest

from job.launch.target import TARGETS
from tests.support.specs import BUCKET, IMAGE, mistakes_of, spec_of


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
        (
            ["--devices=2"],
            "DEVICES = '2' (flag --devices) with ACCELERATOR_COUNT = '1' (default): a machine has "
            "1 GPU; lower DEVICES, or leave it out for all.",
        ),
        (
            ["--devices=5", "--machine_type=g2-standard-48"],
            "with ACCELERATOR_COUNT = '4' (default): a machine has 4 GPUs; lower DEVICES",
        ),
        (["--devices=0"], "must be a whole number, at least 1 and at most 256; leave it out for"),
        (["--region=mars"], "REGION = 'mars' (flag --region): must be a region such as"),
        (["--downstream_model_dir=gs://"], "it names no bucket; write gs://BUCKET/FOLDER."),
        (["--downstream_model_dir=gs:///run"], "it names no bucket; write gs://BUCKET/FOLDER."),
        (["--downstream_model_dir=output"], "the machine is deleted with all that it wrote"),
        (["--max_wait_hours=0.001"], "must be a number, at least 0.1 and at most 168."),
        (["--downstream_corpus_root_dir=corpora"], "a machine in the cloud has no such folder"),
        (["--downstream_corpus=news.jsonl"], "a machine in the cloud has no such file or folder"),
        (["--downstream_corpus=s3://bucket/c"], "the image cannot open it; copy it into"),
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
        (["--devices=8"], "a TPU's cores are TPU_CORES: leave DEVICES out"),
        (["--tpu_cores=4"], "a v3-8 has eight cores, and all are paid"),
    ],
)
def test_what_the_job_would_refuse_on_a_tpu_is_refused_before_there_is_one(target, argv, mistake):
    """A machine that costs money only to end with exit code 64 is not asked for."""
    [found] = mistakes_of(target, IMAGE, BUCKET, *argv)
    assert mistake in found


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
