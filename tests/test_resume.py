"""A run that was stopped, at any moment, ends with the weights of one that was not."""

import json
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
