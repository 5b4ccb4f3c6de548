"""The circle: a specification, through the real gcloud, becomes the container that trains.

`python -m job spec` → `gcloud ai custom-jobs create` → what the API received → docker, with what
Vertex AI adds → the model lies in AIP_MODEL_DIR. Corpus and model lie in the bucket; nothing is
mounted, and nothing but Google's servers is replaced.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.cloud.aiplatform_v1.types import CustomJob, CustomJobSpec
from google.protobuf import json_format

from tests.container.containers import BUILT, ROOT, run, running
from tests.support.gcloud.api import serve
from tests.support.gcs import GcsServer
from tests.support.runs import World

BASE = "gs://bucket/ner/run-1"
IMAGE = f"{BUILT}:gpu-latest"
pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture
def bucket(tmp_path):
    """A bucket that holds the toy corpus and the tiny model."""
    world = World(tmp_path)
    with GcsServer() as server:
        for folder, place in ((world.corpus, "corpora/toy"), (world.model, "models/tiny")):
            for file in folder.iterdir():
                server.put(f"{place}/{file.name}", file.read_bytes())
        yield server


def specification(target: str) -> str:
    """What the command prints for a job on that corpus and model."""
    flags = {
        "image": IMAGE,
        "project": "my-project",
        "service_account": "ner-job@my-project.iam.gserviceaccount.com",
        "downstream_corpus_root_dir": "gs://bucket/corpora",
        "downstream_corpus_name": "toy",
        "pretrained_model_name": "gs://bucket/models/tiny",
        "downstream_model_dir": BASE,
        "max_seq_length": 32,
        "batch_size": 8,
        "epochs": 2,
        "learning_rate": 0.01,
    }
    words = [f"--{name}={value}" for name, value in flags.items()]
    done = subprocess.run(
        [sys.executable, "-m", "job", "spec", target, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sent_by_gcloud(spec: str, folder: Path) -> CustomJob:
    """The job that the API receives when the printed command is run on the printed file."""
    assert shutil.which("gcloud"), "gcloud is not installed: the circle cannot be tested"
    name = re.search(r"--config=(\S+)", spec)[1]
    (folder / name).write_text(spec)
    command = re.search(r"^#\s+(gcloud ai custom-jobs create .*)$", spec, re.M)[1]
    with serve() as api:
        environment = {**os.environ, **api.environment(folder / "gcloud")}
        done = subprocess.run(
            command.split(), cwd=folder, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        [request] = api.sent("POST", r"/v1/projects/my-project/locations/us-central1/customJobs")
    return CustomJob.wrap(json_format.ParseDict(request.body, CustomJob.pb(CustomJob())))


def options_of(job: CustomJobSpec, pool: int, bucket: GcsServer) -> list[str]:
    """docker's options for the first machine of a pool: the variables that the API got, AIP_* and
    CLUSTER_SPEC as Vertex AI adds them. This machine has no GPU, so that one variable differs."""
    pools = [f"workerpool{number}" for number in range(len(job.worker_pool_specs))]
    hosts = [f"cmle-training-{name}-0" for name in pools]
    cluster = {
        "cluster": {name: [f"{host}:2222"] for name, host in zip(pools, hosts, strict=True)},
        "environment": "cloud",
        "task": {"type": pools[pool], "index": 0, "trial": ""},
        "job": "{}",
    }
    container = job.worker_pool_specs[pool].container_spec
    variables = {entry.name: entry.value for entry in container.env} | {
        "AIP_MODEL_DIR": f"{BASE}/model/",
        "AIP_CHECKPOINT_DIR": f"{BASE}/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": f"{BASE}/logs/",
        "CLUSTER_SPEC": json.dumps(cluster),
        "CLOUD_ML_JOB_ID": "123",
        "ACCELERATOR": "cpu",
        "STORAGE_EMULATOR_HOST": bucket.url,
    }
    named = [f"--add-host={host}:127.0.0.1" for host in hosts]
    values = [f"--env={name}={value}" for name, value in variables.items()]
    return ["--network=host", *named, *values]


def require_model(bucket: GcsServer) -> None:
    """The model lies in AIP_MODEL_DIR, and the right to write was given back."""
    names = set(bucket.objects())
    model = BASE.removeprefix("gs://bucket/") + "/model"
    assert {f"{model}/MANIFEST.json", f"{model}/model.safetensors"} <= names
    assert "ner/run-1/LEASE.json" not in names


def require_records(log: str) -> None:
    """JSON lines, none of which tells of an error."""
    for line in log.splitlines():
        assert json.loads(line)["severity"] in ("INFO", "WARNING")


def test_what_gcloud_sends_is_what_trains(bucket, tmp_path):
    """Image, arguments and variables as the API got them."""
    job = sent_by_gcloud(specification("vertex-gpu"), tmp_path).job_spec
    assert job.base_output_directory.output_uri_prefix == BASE
    [pool] = job.worker_pool_specs
    container = pool.container_spec
    assert container.image_uri == IMAGE
    options = options_of(job, 0, bucket)
    done = run(options, *container.args, image=container.image_uri, timeout=280)
    assert (done.code, done.err) == (0, ""), done.out
    require_records(done.out)
    require_model(bucket)


def test_a_cluster_trains_one_model(bucket, tmp_path):
    """Two pools, two containers: the first writes, and the second is done when it is."""
    job = sent_by_gcloud(specification("vertex-gpu-multinode"), tmp_path).job_spec
    assert [pool.replica_count for pool in job.worker_pool_specs] == [1, 1]
    assert {pool.container_spec.image_uri for pool in job.worker_pool_specs} == {IMAGE}
    words = list(job.worker_pool_specs[1].container_spec.args)
    with running(options_of(job, 1, bucket), *words, image=IMAGE) as second:
        done = run(options_of(job, 0, bucket), *words, image=IMAGE, timeout=280)
        assert (done.code, done.err) == (0, ""), done.out
        assert second.wait() == 0, second.log()
        require_records(second.log())
        assert "machine 1: " in second.log()
    require_records(done.out)
    assert "All 2 machines are here" in done.out
    require_model(bucket)
