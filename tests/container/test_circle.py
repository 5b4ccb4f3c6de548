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
from google.cloud.aiplatform_v1.types import CustomJob
from google.protobuf import json_format

from tests.container.containers import IMAGE, ROOT, run
from tests.gcloud.api import serve
from tests.gcs import GcsServer
from tests.runs import World

BASE = "gs://bucket/ner/run-1"


@pytest.fixture
def bucket(tmp_path):
    """A bucket that holds the toy corpus and the tiny model."""
    world = World(tmp_path)
    with GcsServer() as server:
        for folder, place in ((world.corpus, "corpora/toy"), (world.model, "models/tiny")):
            for file in folder.iterdir():
                server.put(f"{place}/{file.name}", file.read_bytes())
        yield server


def specification() -> str:
    """What the command prints for a GPU job on that corpus and model."""
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
        [sys.executable, "-m", "job", "spec", "vertex-gpu", *words],
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


def test_what_gcloud_sends_is_what_trains(bucket, tmp_path):
    """Image, arguments and variables as the API got them, and AIP_* and CLUSTER_SPEC as it sets
    them; this machine has no GPU, so that one variable differs."""
    job = sent_by_gcloud(specification(), tmp_path).job_spec
    assert job.base_output_directory.output_uri_prefix == BASE
    [pool] = job.worker_pool_specs
    container = pool.container_spec
    assert container.image_uri == IMAGE
    cluster = {
        "cluster": {"workerpool0": ["cmle-training-workerpool0-0:2222"]},
        "environment": "cloud",
        "task": {"type": "workerpool0", "index": 0, "trial": ""},
        "job": "{}",
    }
    variables = {entry.name: entry.value for entry in container.env} | {
        "AIP_MODEL_DIR": f"{BASE}/model/",
        "AIP_CHECKPOINT_DIR": f"{BASE}/checkpoints/",
        "AIP_TENSORBOARD_LOG_DIR": f"{BASE}/logs/",
        "CLUSTER_SPEC": json.dumps(cluster),
        "CLOUD_ML_JOB_ID": "123",
        "ACCELERATOR": "cpu",
        "STORAGE_EMULATOR_HOST": bucket.url,
    }
    options = [f"--env={name}={value}" for name, value in variables.items()]
    done = run(["--network=host", *options], *container.args, timeout=280)
    assert (done.code, done.err) == (0, ""), done.out
    for line in done.out.splitlines():
        assert json.loads(line)["severity"] in ("INFO", "WARNING")
    names = set(bucket.objects())
    model = BASE.removeprefix("gs://bucket/") + "/model"
    assert {f"{model}/MANIFEST.json", f"{model}/model.safetensors"} <= names
    assert "ner/run-1/LEASE.json" not in names
