"""A run that was stopped, at any moment, ends with the weights of one that was not."""

import json
import shutil
import re
import signal

import pytest

from job.manifest import sha256_of
from tests.runs import World, finish

# Dropout, worker processes, accumulation across a cut epoch and a schedule that moves each step.
OPTIONS = {
    "epochs": 4,
    "save_every_steps": 2,
    "gradient_accumulation": 2,
    "cpu_workers": 1,
    "lr_scheduler": "linear",
    "warmup_ratio": 0.1,
    "early_stopping_patience": 9,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def untouched(world):
    """The files that say how an uninterrupted run ended."""
    code, log = finish(world.start("untouched", **OPTIONS))
    assert code == 0, log
    return outcome(world.folder / "untouched")


def outcome(output) -> dict[str, object]:
    metrics = json.loads((output / "report/metrics.json").read_text())
    times = ("seconds", "sentences_per_s")
    return {
        "weights": sha256_of(output / "model/model.safetensors"),
        "predictions": sha256_of(output / "report/predictions.jsonl"),
        "splits": metrics["splits"],
        "history": [{k: v for k, v in e.items() if k not in times} for e in metrics["history"]],
    }


def stop_after(process, saves: int, number: int) -> tuple[int, str]:
    """Sends a signal once so many checkpoints were announced."""
    log = ""
    for text in process.stdout:
        log += text
        saves -= "Saved" in text
        if not saves:
            process.send_signal(number)
            break
    code, rest = finish(process)
    return code, log + rest


@pytest.mark.parametrize("stops", [[(1, signal.SIGKILL), (4, signal.SIGKILL), (2, signal.SIGKILL)]])
def test_killed_at_any_moment_it_ends_bit_for_bit_the_same(world, untouched, stops):
    """Three times kill -9: weights, predictions, metrics and history are those of the other run."""
    for saves, number in stops:
        code, log = stop_after(world.start("killed", **OPTIONS), saves, number)
        assert code == -number, log
    code, log = finish(world.start("killed", **OPTIONS))
    assert code == 0, log
    assert re.search(r"Going on from .*: epoch \d, step \d+", log)
    assert outcome(world.folder / "killed") == untouched


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_asked_to_stop_it_saves_and_says_so(world, untouched, number, expected):
    """One signal: one checkpoint, the documented exit code, and an exact end on the next start."""
    output = f"stopped-{expected}"
    code, log = stop_after(world.start(output, **OPTIONS), 1, number)
    assert code == expected, log
    assert "Traceback" not in log
    code, log = finish(world.start(output, **OPTIONS))
    assert code == 0, log
    assert "Going on from" in log
    assert outcome(world.folder / output) == untouched


def test_a_model_of_fewer_epochs_is_not_the_end(world, untouched):
    """Killed between the last checkpoint and the export, over an older export: it is made anew."""
    output = world.folder / "older-model"
    assert finish(world.start("older-model", **OPTIONS))[0] == 0
    manifest = output / "model/MANIFEST.json"
    old = json.loads(manifest.read_text())
    old["trained"]["steps"] -= 1
    manifest.write_text(json.dumps(old))
    code, log = finish(world.start("older-model", **OPTIONS))
    assert code == 0, log
    assert "Done already" not in log
    assert outcome(output) == untouched
    assert "Done already" in finish(world.start("older-model", **OPTIONS))[1]


def test_patience_can_be_set_on_the_way_and_is_final(world):
    """A run without it goes on with it; once it has stopped a run, no epoch is added later."""
    options = {"epochs": 1, "learning_rate": 1e-9}
    assert finish(world.start("patient", **options))[0] == 0
    options |= {"epochs": 9, "early_stopping_patience": 1}
    code, log = finish(world.start("patient", **options))
    assert code == 0, log
    output = world.folder / "patient"
    ended = outcome(output)
    assert len(ended["history"]) < 9
    shutil.rmtree(output / "model")
    code, log = finish(world.start("patient", **options))
    assert code == 0, log
    assert outcome(output) == ended
