"""A trial of hyperparameter tuning reports its metric where Vertex AI looks for it."""

import json
from pathlib import Path

from job import storage
from job.__main__ import main
from job.cloud.vertex_environment import DEFAULT_METRIC_FILE, read_vertex
from job.training.trial_metric import LINES_KEPT, append_metric, trial_callbacks
from tests.support.runs import World


def lines_of(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_trial_reports_the_metric_of_each_epoch(tmp_path, monkeypatch, gcs):
    """As cloudml-hypertune writes it: JSON lines whose values are text; the report agrees."""
    world, file = World(tmp_path), tmp_path / "metrics" / "output.metrics"
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "7")
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(file))
    output = {"downstream_model_dir": "gs://bucket/trial"}
    assert main(world.flags(epochs=2, monitor="max val_f1", **output)) == 0
    lines = lines_of(file)
    assert [line["trial"] for line in lines] == ["7", "7"]
    assert [line["global_step"] for line in lines] == ["12", "24"]
    assert all(0 <= float(line["val_f1"]) <= 1 for line in lines)
    assert lines[0].keys() == {"timestamp", "trial", "val_f1", "global_step", "checkpoint_path"}
    assert isinstance(lines[0]["val_f1"], str)
    assert lines[0]["timestamp"] <= lines[1]["timestamp"]


def test_the_newest_hundred_lines_are_kept(tmp_path):
    """The file does not grow for ever."""
    file = tmp_path / "output.metrics"
    for step in range(LINES_KEPT + 5):
        append_metric(file, "1", "val_loss", 0.5, step)
    lines = lines_of(file)
    assert (len(lines), lines[0]["global_step"], lines[-1]["global_step"]) == (100, "5", "104")


def test_a_run_that_is_no_trial_reports_nothing():
    """Outside tuning there is nobody to read the file."""
    assert trial_callbacks(read_vertex({}), "val_f1", is_given=True) == []
    trial = read_vertex({"CLOUD_ML_TRIAL_ID": "2"})
    [callback] = trial_callbacks(trial, "val_f1", is_given=True)
    assert (str(callback.file), callback.metrics) == (DEFAULT_METRIC_FILE, ["val_f1"])


def test_a_study_that_reads_val_loss_and_says_no_monitor_keeps_getting_it(
    tmp_path, monkeypatch, gcs
):
    """As the specifications of earlier versions did; the metric of MONITOR's default stands beside
    it, each under its own name."""
    world, file = World(tmp_path), tmp_path / "output.metrics"
    monkeypatch.setenv("CLOUD_ML_TRIAL_ID", "7")
    monkeypatch.setenv("CLOUD_ML_HP_METRIC_FILE", str(file))
    assert main(world.flags(epochs=1, downstream_model_dir="gs://bucket/trial")) == 0
    reported = [line.keys() & {"val_f1", "val_loss"} for line in lines_of(file)]
    assert reported == [{"val_f1"}, {"val_loss"}]
    metrics = json.loads(storage.read_bytes("gs://bucket/trial/report/metrics.json"))
    assert float(lines_of(file)[1]["val_loss"]) == metrics["history"][0]["val_loss"]
