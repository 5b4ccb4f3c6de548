"""The custom jobs that `spec` writes for Vertex AI."""

import pytest
import yaml

from job.launch.catalog import ACCELERATORS
from tests.support.specs import BUCKET, IMAGE, env_of, mistakes_of, pool_of, spec_of


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
        machine = pool_of(target, f"--accelerator_type={name}")["machineSpec"]
        assert machine["acceleratorType"] == name
        assert machine["acceleratorCount"] in accelerator.counts[machine["machineType"]]


def test_a_cluster_is_one_machine_and_the_rest():
    """Vertex AI's first pool is one replica."""
    text = spec_of("vertex-gpu-multinode", IMAGE, BUCKET, "--replica_count=4")
    spec = yaml.safe_load(text)
    assert [pool["replicaCount"] for pool in spec["workerPoolSpecs"]] == [1, 3]


@pytest.mark.parametrize(
    ("target", "argv", "is_restarted"),
    [
        ("vertex-gpu-multinode", [], False),
        ("vertex-gpu-multinode", ["--restarts=1", "--restart_on_worker_restart=false"], False),
        ("vertex-gpu-multinode", ["--restart_on_worker_restart"], True),
        ("vertex-gpu-multinode", ["--restarts=0"], True),
        ("vertex-gpu", ["--restarts=0"], False),
        ("vertex-gpu", ["--restart_on_worker_restart"], True),
    ],
)
def test_a_cluster_is_restarted_whole_only_where_nobody_waits(target, argv, is_restarted):
    """With RESTARTS the others wait for a lost machine, and start their ranks again with it."""
    scheduling = yaml.safe_load(spec_of(target, IMAGE, BUCKET, *argv))["scheduling"]
    assert scheduling["restartJobOnWorkerRestart"] is is_restarted


def test_every_machine_with_a_gpu_starts_its_ranks_again():
    """Three times where the user says nothing: an exit code would end Vertex AI's job for good."""
    cluster = yaml.safe_load(spec_of("vertex-gpu-multinode", IMAGE, BUCKET))["workerPoolSpecs"]
    tuning = yaml.safe_load(spec_of("vertex-hptuning", IMAGE, BUCKET))["trialJobSpec"]
    for pool in (pool_of("vertex-gpu"), *cluster, *tuning["workerPoolSpecs"]):
        assert env_of(pool)["RESTARTS"] == "3"
    for said in ("0", "7"):
        assert env_of(pool_of("vertex-gpu", f"--restarts={said}"))["RESTARTS"] == said
        assert env_of(pool_of("vertex-gpu", environ={"RESTARTS": said}))["RESTARTS"] == said
    for target in ("vertex-tpu", "tpu-vm", "docker"):
        assert "RESTARTS" not in spec_of(target, IMAGE, BUCKET)


def test_all_gpus_of_a_machine_are_trained_on_unless_devices_says_less():
    """Nothing is remarked of several; those that DEVICES leaves idle are paid, which is said."""
    for machine, gpus in (("a2-highgpu-8g", 8), ("a2-highgpu-1g", 1)):
        words = (IMAGE, BUCKET, "--accelerator_type=NVIDIA_TESLA_A100", f"--machine_type={machine}")
        text = spec_of("vertex-gpu", *words)
        assert "idle" not in text
        assert "DEVICES" not in text
        assert f"acceleratorCount: {gpus}\n" in text
        assert "idle" not in spec_of("vertex-gpu", *words, f"--devices={gpus}")
    eight = ("--accelerator_type=NVIDIA_TESLA_A100", "--machine_type=a2-highgpu-8g")
    text = spec_of("vertex-gpu", IMAGE, BUCKET, *eight, "--devices=6")
    assert "\n# DEVICES=6: 2 of the machine's 8 GPUs idle, and are paid.\n" in text
    assert env_of(pool_of("vertex-gpu", *eight, "--devices=6"))["DEVICES"] == "6"


def test_scheduling_says_how_long_and_at_what_price():
    """Spot and flexible start are Vertex AI's strategies; a standard job says nothing."""
    spot = yaml.safe_load(spec_of("vertex-gpu", IMAGE, BUCKET, "--strategy=spot"))
    assert spot["scheduling"]["strategy"] == "SPOT"
    argv = ("--strategy=flex_start", "--max_wait_hours=2", "--timeout_hours=1.5")
    flexible = yaml.safe_load(spec_of("vertex-gpu", IMAGE, BUCKET, *argv))["scheduling"]
    assert (flexible["maxWaitDuration"], flexible["timeout"]) == ("7200s", "5400s")
    assert "strategy" not in yaml.safe_load(spec_of("vertex-gpu", IMAGE, BUCKET))["scheduling"]


def test_a_cluster_s_machines_are_not_restarted_alone():
    """Where their ranks do not start again, it is refused, and not overruled in silence."""
    argv = ("vertex-gpu-multinode", IMAGE, BUCKET, "--restart_on_worker_restart=false")
    [found] = mistakes_of(*argv, "--restarts=0")
    assert found == (
        "RESTART_ON_WORKER_RESTART = 'false' (flag --restart_on_worker_restart) with RESTARTS = "
        "'0' (flag --restarts): a machine of a cluster that is restarted alone finds nobody; leave "
        "one of the two out."
    )


def test_h200_machines_boot_from_the_only_disk_that_they_take():
    """Vertex AI's default for them, which is no persistent disk."""
    disk = pool_of("vertex-gpu", "--accelerator_type=NVIDIA_H200_141GB")["diskSpec"]
    assert disk["bootDiskType"] == "hyperdisk-balanced"
