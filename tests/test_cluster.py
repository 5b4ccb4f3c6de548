"""Two machines train as one with twice the sentences, and start, stop and end as one."""

import json
import signal

import pytest
from safetensors.torch import load_file

from job.manifest import sha256_of
from tests.faults.jobs import Inside, Job
from tests.machines import Pair
from tests.runs import World, line
from tests.tiny import make_network

TOLERANCE = 2e-6  # of weights around 0.1 to 1, after some steps of Adam in 32 bits
# Dropout, and a schedule that moves in each step: only an exact resume ends alike.
OPTIONS = {"epochs": 3, "save_every_steps": 4, "lr_scheduler": "linear", "warmup_ratio": 0.1}
STEP = "job.model:TokenClassifier.training_step"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def still_world(tmp_path_factory) -> World:
    """Without dropout, so that it trains alike on any machines; the last step has one sentence."""
    world = World(tmp_path_factory.mktemp("still"))
    world.write("train", [line(n) for n in range(33)])
    network = make_network(layers=1)
    network.config.hidden_dropout_prob = network.config.attention_probs_dropout_prob = 0.0
    network.save_pretrained(world.model)
    return world


def single(world: World, output: str, **changed: object) -> str:
    """The log of a run on one machine that takes as many sentences a step as both."""
    flags = world.flags(output, **{"batch_size": 8, "log_format": "text", **changed})
    code, log = Job(flags, world.folder / f"{output}.log").wait()
    assert code == 0, log
    return log


def history(world: World, output: str) -> list[dict]:
    return json.loads((world.folder / output / "report/metrics.json").read_text())["history"]


@pytest.mark.parametrize("accumulation", [1, 2])
def test_two_machines_train_what_one_trains_with_twice_the_sentences(still_world, accumulation):
    """Weights, losses and F1 of every epoch, though one gets no sentence in the last step."""
    options = {"epochs": 2, "gradient_accumulation": accumulation}
    outputs = [f"{machines}-{accumulation}" for machines in ("one", "two")]
    single(still_world, outputs[0], **options)
    codes, logs = Pair(still_world, outputs[1], **options).wait()
    assert codes == [0, 0], logs
    one, two = (
        load_file(still_world.folder / output / "model/model.safetensors") for output in outputs
    )
    assert max((one[name] - two[name]).abs().max().item() for name in one) < TOLERANCE
    epochs = zip(*(history(still_world, output) for output in outputs), strict=True)
    for alone, together in epochs:
        for name in ("train_loss", "val_loss"):
            assert together[name] == pytest.approx(alone[name], rel=1e-5)
        for name in ("f1_characters", "f1_wordpieces", "step"):
            assert together[name] == alone[name]
    told = [text for text in logs[1].splitlines() if text[:2].isdigit()]
    assert all(text[8:].startswith(" WARNING machine 1: ") for text in told)
    assert logs[1].endswith("Machine 1 is done; the first one tells of the model.\n")
    assert "Traceback" not in logs[0]


def test_stopped_and_killed_it_ends_as_if_nothing_had_happened(world):
    """A SIGTERM to the second machine, a kill -9 of each, to the end; and once more: done."""
    codes, logs = Pair(world, "untouched", **OPTIONS).wait()
    assert codes == [0, 0], logs

    pair = Pair(world, "out", (None, Inside(STEP, skip=5)), **OPTIONS)
    pair.jobs[1].until_held()
    pair.jobs[1].send(signal.SIGTERM)
    pair.jobs[1].let_go()
    codes, logs = pair.wait()
    assert codes == [143, 143], logs
    assert "Saved" in logs[0]
    assert "Traceback" not in "".join(logs)

    for dies, stays in ((1, 0), (0, 1)):
        inside = [None, None]
        inside[dies] = Inside(STEP, skip=7)
        pair = Pair(world, "out", tuple(inside), **OPTIONS)
        pair.jobs[dies].until_held()
        pair.jobs[dies].kill()
        code, log = pair.jobs[stays].wait()
        assert code == 69, log
        assert f"Machine {dies} has died" in log
        assert "Traceback" not in log
        assert stays == 1 or "Going on from" in log

    codes, logs = Pair(world, "out", **OPTIONS).wait()
    assert codes == [0, 0], logs
    assert "Going on from" in logs[0]
    models = [world.folder / name / "model/model.safetensors" for name in ("untouched", "out")]
    assert sha256_of(models[0]) == sha256_of(models[1])

    codes, logs = Pair(world, "out", **OPTIONS).wait()
    assert codes == [0, 0], logs
    assert "Done already" in logs[0]
