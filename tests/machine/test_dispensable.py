"""A fault beside the way to a model warns once and ends no training."""

import json
import logging
import subprocess
import threading
from pathlib import Path

import pytest

from job.cloud import preemption
from job.evaluation.report import curves, page
from job.machine.dispensable import Dispensable
from job.progress_line import ProgressLine
from job.training.event_file import Curves
from tests.evaluation.test_report import write
from tests.support.runs import World


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def said(log: str, text: str) -> int:
    """How many lines of a log are warnings of this."""
    return sum("WARNING" in line and text in line for line in log.splitlines())


def test_only_what_is_an_error_is_spared_and_told_once(caplog):
    """A signal or the end of the reader goes through."""
    spare = Dispensable("The lamp")
    for _ in range(3):
        with spare:
            raise OSError(28, "No space left on device")
    assert [r.getMessage() for r in caplog.records] == [
        "The lamp: the run goes on without it ([Errno 28] No space left on device)."
    ]
    assert spare.is_lost
    with pytest.raises(KeyboardInterrupt), spare:
        raise KeyboardInterrupt


@pytest.mark.parametrize("there", ["file", "/dev/full", "folder of another kind"])
def test_training_needs_no_curves(world, there, capsys):
    """logs/ that is a file, a device or a link to nowhere."""
    output = world.folder / "out"
    output.mkdir()
    if there == "file":
        (output / "logs").write_text("mine")
    else:
        (output / "logs").symlink_to("/dev/full" if there == "/dev/full" else "/proc/1/nowhere")
    code, log = world.run(capsys, epochs=1)
    assert code == 0, log
    assert said(log, "TensorBoard") == 1
    assert (output / "model" / "MANIFEST.json").exists()
    assert there != "file" or (output / "logs").read_text() == "mine"


def test_training_needs_no_room_for_curves(world, capsys):
    """A disk of 4 kB under logs/ fills up in the middle of the run."""
    logs = world.folder / "out" / "logs"
    logs.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k,nr_inodes=8", "tmpfs", str(logs)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk: a full one is NOT tested")
    try:
        code, log = world.run(capsys, epochs=60)
    finally:
        subprocess.run(["umount", str(logs)], check=True)
    assert code == 0, log
    assert said(log, "TensorBoard") == 1
    assert said(log, "No space left on device") == 1


def test_the_curves_are_those_of_tensorboard(tmp_path):
    """Read back by tensorboardX's own definition of an event."""
    from tensorboardX.proto.event_pb2 import Event

    curves = Curves(tmp_path / "logs")
    curves.log_metrics({"loss": 0.5, "f1": 1.0}, step=7)
    curves.finalize("success")
    [file] = (tmp_path / "logs").glob("events.out.tfevents.*")
    data, events = file.read_bytes(), []
    while data:
        length = int.from_bytes(data[:8], "little")
        events.append(Event.FromString(data[12 : 12 + length]))
        data = data[16 + length :]
    values = [(e.step, v.tag, v.simple_value) for e in events for v in e.summary.value]
    assert values == [(7, "loss", 0.5), (7, "f1", 1.0)]
    assert events[0].file_version == "brain.Event:2"


def test_curves_that_failed_are_left_alone(tmp_path):
    """Where the first record is missing, no later one follows."""
    (tmp_path / "logs").write_text("")
    curves = Curves(tmp_path / "logs")
    curves.log_metrics({"loss": 0.5}, step=1)
    (tmp_path / "logs").unlink()
    curves.log_metrics({"loss": 0.4}, step=2)
    curves.finalize("success")
    assert not (tmp_path / "logs").exists()


def test_a_trial_whose_metric_cannot_be_written_still_trains(world, monkeypatch, capsys, gcs):
    """Told once, with the file."""
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "7")
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", "/dev/null/output.metrics")
    code, log = world.run(capsys, epochs=2, downstream_model_dir="gs://bucket/tuned")
    assert code == 0, log
    assert said(log, "/dev/null/output.metrics") == 1


def test_a_progress_line_that_fails_ends_nothing(world, monkeypatch, capsys):
    """Training does not stop for what it would have said."""
    monkeypatch.setattr(ProgressLine, "update", lambda *_, **__: 1 / 0)
    code, log = world.run(capsys, epochs=1)
    assert code == 0, log
    assert said(log, "progress line") == 1


def test_a_machine_without_threads_to_spare_still_trains(monkeypatch, caplog):
    """The notices of the machine are not watched then."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with preemption.stop_when_preempted("127.0.0.1:9"):
        pass
    assert "can't start new thread" in caplog.text
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


@pytest.mark.parametrize(
    ("where", "name", "left"), [(curves, "pygal", "index.html"), (page, "jinja2", "")]
)
def test_a_page_that_cannot_be_drawn_costs_no_number(where, name, left, tmp_path, monkeypatch):
    """Without plots the page is there, without a page the numbers and predictions are."""
    monkeypatch.setattr(where, name, None)
    metrics = write(tmp_path)
    found = {file.name for file in Path(tmp_path).iterdir()}
    assert found == {"predictions.jsonl", "errors.jsonl", "metrics.json"} | ({left} - {""})
    assert json.loads((tmp_path / "metrics.json").read_text())["splits"] == metrics["splits"]
