"""The container and a bucket, as Vertex AI puts them together: no output is mounted."""

import json

import pytest

from tests.container.containers import docker, run, running
from tests.support.gcs import GcsServer


@pytest.fixture
def bucket():
    with GcsServer() as server:
        yield server


def options_of(toy, bucket, **changed):
    """What reaches a server on this machine's loopback, and the variables of a custom job."""
    base = "gs://bucket/run"
    return [
        "--network=host",
        *toy.data,
        *toy.environment(**changed),
        f"--env=STORAGE_EMULATOR_HOST={bucket.url}",
        f"--env=AIP_MODEL_DIR={base}/model/",
        f"--env=AIP_CHECKPOINT_DIR={base}/checkpoints/",
        f"--env=AIP_TENSORBOARD_LOG_DIR={base}/logs/",
        "--read-only",
        "--cap-drop=ALL",
        "--tmpfs=/tmp",
    ]


def test_a_run_leaves_everything_in_the_bucket(toy, bucket):
    """Model, report and logs lie below the job's base directory; the lease is given back."""
    done = run(options_of(toy, bucket))
    assert (done.code, done.err) == (0, ""), done.out
    names = set(bucket.objects())
    assert {"run/model/MANIFEST.json", "run/model/model.safetensors"} <= names
    assert {"run/report/index.html", "run/label_map.txt"} <= names
    assert any(name.startswith("run/logs/") for name in names)
    assert "run/LEASE.json" not in names


def test_a_stopped_container_is_gone_on_from_the_bucket(toy, bucket):
    """Another container, with nothing of the first one's but the URL, ends the job."""
    options = options_of(toy, bucket, EPOCHS="40")
    with running(options) as container:
        container.wait_for("Saved ")
        docker("stop", container.name)
        assert container.wait() == 143, container.log()
    assert "run/model/MANIFEST.json" not in bucket.objects()
    done = run(options)
    assert done.code == 0, done.out
    messages = [json.loads(line)["message"] for line in done.out.splitlines()]
    assert any(m.startswith("Going on from gs://bucket/run/checkpoints/") for m in messages)
    assert "run/model/MANIFEST.json" in bucket.objects()


def test_a_bucket_that_is_not_there_is_told_before_anything_else(toy, bucket):
    """One JSON line with the bucket's URL and an exit code of storage's, no traceback."""
    done = run([*options_of(toy, bucket), "--env=AIP_MODEL_DIR=gs://absent/run/model/"])
    assert done.code in (73, 74, 77)
    last = json.loads(done.out.splitlines()[-1])
    assert last["severity"] == "ERROR"
    assert "gs://absent/run" in last["message"]
    assert "Traceback" not in done.out + done.err
