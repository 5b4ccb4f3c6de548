"""What a log reader sees: on Vertex AI nothing but JSON lines, at a terminal text."""

import json

import pytest

from tests.container.containers import docker, run, running

VERTEX = [
    "--env=AIP_MODEL_DIR=/work/output/model/",
    "--env=AIP_CHECKPOINT_DIR=/work/output/checkpoints/",
    "--env=AIP_TENSORBOARD_LOG_DIR=/work/output/logs/",
    "--env=CLOUD_ML_JOB_ID=1",
]
SEVERITIES = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
BROKEN = """
import logging, os, subprocess, sys, threading, warnings

def train(*_):
    warnings.warn("something is odd")
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    try:
        raise KeyError("안쪽")
    except KeyError as error:
        raise RuntimeError("broken\\nin two lines") from error
"""


def records(out: str) -> list[dict]:
    """Every line as Cloud Logging reads it; anything else fails."""
    found = [json.loads(line) for line in out.splitlines()]
    for record in found:
        assert record["severity"] in SEVERITIES
        assert record["message"]
        assert isinstance(record["timestampSeconds"], int)
        assert 0 <= record["timestampNanos"] < 10**9
    return found


def test_a_whole_run_on_vertex_is_json(toy):
    """From the first line to the last screen, and nothing on stderr."""
    done = run([*toy.options(), *VERTEX])
    assert (done.code, done.err) == (0, "")
    found = records(done.out)
    assert "micro" in found[-1]["message"]
    assert {record["severity"] for record in found} <= {"INFO", "WARNING"}
    assert toy.has_model()


def test_tracebacks_on_vertex_are_json(tmp_path):
    """A fault of the job, of a thread, and a library's warning: one record each."""
    broken = tmp_path / "train.py"
    broken.write_text(BROKEN)
    done = run([*VERTEX, f"--volume={broken}:/opt/code/job/train.py:ro"])
    assert (done.code, done.err) == (70, "")
    warning, thread, fault = records(done.out)
    assert (warning["severity"], "something is odd" in warning["message"]) == ("WARNING", True)
    assert "ZeroDivisionError" in thread["message"]
    assert fault["severity"] == "CRITICAL"
    assert "broken\nin two lines" in fault["message"]
    assert "KeyError: '안쪽'" in fault["message"]


@pytest.mark.parametrize(
    ("options", "arguments", "code", "severity"),
    [
        ([], ["--epochs=none"], 64, "ERROR"),
        (["--env=CLUSTER_SPEC={"], [], 64, "ERROR"),
        (["--env=ACCELERATOR=gpu"], [], 69, "ERROR"),
        (["--read-only", "--tmpfs=/tmp"], [], 73, "ERROR"),
    ],
    ids=["wrong argument", "wrong CLUSTER_SPEC", "no GPU", "read-only output"],
)
def test_failures_on_vertex_are_json(options, arguments, code, severity):
    """Each way to end early is one record with its severity."""
    done = run([*VERTEX, *options], *arguments)
    assert (done.code, done.err) == (code, "")
    assert [record["severity"] for record in records(done.out)] == [severity]


def test_a_stop_on_vertex_is_json(toy):
    """The checkpoint that SIGTERM brings about, and the end."""
    with running([*toy.options(EPOCHS="100000"), *VERTEX]) as container:
        container.wait_for("Saved ")
        docker("stop", container.name)
        assert container.wait() == 143
        found = records(container.log())
    assert (found[-1]["severity"], "SIGTERM" in found[-1]["message"]) == ("WARNING", True)


def test_at_a_terminal_it_is_text():
    """`docker run -t` shows lines for people."""
    done = run(["--tty"], "check")
    assert done.code == 0
    assert "{" not in done.out
    assert "Would compute on" in done.out
