"""The custom jobs that `spec` writes for Vertex AI."""

import yaml

from job.launch.catalog import ACCELERATORS
from tests.support.specs import BUCKET, IMAGE, mistakes_of, pool_of, spec_of


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


def test_a_cluster_s_machines_are_not_restarted_alone():
    """Said on purpose it is refused, and not overruled in silence."""
    argv = ("vertex-gpu-multinode", IMAGE, BUCKET, "--restart_on_worker_restart=false")
    [found] = mistakes_of(*argv)
    assert "finds nobody; leave it out" in found


def test_h200_machines_boot_from_the_only_disk_that_they_take():
    """Vertex AI's default for them, which is no persistent disk."""
    disk = pool_of("vertex-gpu", "--accelerator_type=NVIDIA_H200_141GB")["diskSpec"]
    assert disk["bootDiskType"] == "hyperdisk-balanced"
