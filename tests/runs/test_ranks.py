"""Several ranks train as one with as many times the sentences."""

import json

import pytest
from safetensors.torch import load_file
from transformers import XLNetConfig, XLNetForTokenClassification

from tests.faults.jobs import Job
from tests.support.gcs import GcsServer
from tests.support.machines import Machines
from tests.support.runs import World, line
from tests.support.tiny import VOCABULARY, make_network, write_tokenizer

TOLERANCE = 2e-6  # of weights around 0.1 to 1, after some steps of Adam in 32 bits
SHAPES = [(1, 2), (2, 1), (2, 2)]  # machines, ranks on each


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def still_world(tmp_path_factory) -> World:
    """Without dropout, so that it trains alike on any ranks; the last step has one sentence."""
    world = World(tmp_path_factory.mktemp("still"))
    world.write("train", [line(n) for n in range(33)])
    network = make_network(layers=1)
    network.config.hidden_dropout_prob = network.config.attention_probs_dropout_prob = 0.0
    network.save_pretrained(world.model)
    return world


def single(world: World, output: str, **changed: object) -> str:
    """The log of a run on one rank."""
    code, log = Job(
        world.flags(output, log_format="text", **changed), world.folder / f"{output}.log"
    ).wait()
    assert code == 0, log
    return log


def history(world: World, output: str) -> list[dict]:
    return json.loads((world.folder / output / "report/metrics.json").read_text())["history"]


@pytest.mark.parametrize(("machines", "devices"), SHAPES)
def test_ranks_train_what_one_trains_with_all_their_sentences(still_world, machines, devices):
    """Weights, losses and F1 of every epoch, though some get no sentence in the last step."""
    options = {"epochs": 2, "gradient_accumulation": devices}
    outputs = [f"{kind}-{machines}-{devices}" for kind in ("one", "many")]
    single_log = still_world.folder / f"{outputs[0]}.log"
    flags = {**options, "batch_size": 4 * machines * devices, "log_format": "text"}
    code, log = Job(still_world.flags(outputs[0], **flags), single_log).wait()
    assert code == 0, log
    many = Machines(still_world, outputs[1], machines=machines, devices=devices, **options)
    codes, logs = many.wait()
    assert codes == [0] * machines, logs
    one, two = (
        load_file(still_world.folder / output / "model/model.safetensors") for output in outputs
    )
    assert max((one[name] - two[name]).abs().max().item() for name in one) < TOLERANCE
    for alone, together in zip(*(history(still_world, each) for each in outputs), strict=True):
        for name in ("train_loss", "val_loss"):
            assert together[name] == pytest.approx(alone[name], rel=1e-5)
        for name in ("f1_characters", "f1_wordpieces", "step"):
            assert together[name] == alone[name]
    ranks = machines * devices
    assert f"{ranks} ranks take {4 * ranks} sentences a step together, 4 each, at" in logs[0]
    for other in logs[1:]:
        (last,) = [json.loads(text)["message"] for text in other.splitlines()]
        assert last == "machine 1: Done; the first machine tells of the model."


def test_a_model_may_have_weights_without_a_gradient(world, tmp_path):
    """XLNet's for masked words and segments: averaging does not wait for them."""
    write_tokenizer(tmp_path)
    config = XLNetConfig(vocab_size=len(VOCABULARY), d_model=16, n_layer=1, n_head=2, d_inner=32)
    XLNetForTokenClassification(config).save_pretrained(tmp_path)
    ranks = Machines(world, "unused", devices=2, epochs=1, pretrained_model_name=tmp_path)
    codes, logs = ranks.wait()
    assert codes == [0], logs


def test_with_a_bucket_only_the_first_rank_writes(world):
    """As on Vertex AI, where all have its address: the second machine asks the store nothing."""
    with GcsServer() as gcs:
        ranks = Machines(
            world,
            "unused",
            machines=2,
            others={"downstream_model_dir": "gs://no-such-bucket/run"},
            environ={"STORAGE_EMULATOR_HOST": gcs.url},
            downstream_model_dir="gs://bucket/run",
            epochs=6,
            early_stopping_patience=1,
            learning_rate=1e-12,
        )
        codes, logs = ranks.wait()
        assert codes == [0, 0], logs
        left = gcs.objects()
    assert "run/model/model.safetensors" in left
    assert "run/LEASE.json" not in left
    epochs = json.loads(left["run/report/metrics.json"])["history"]
    assert len(epochs) == 2, "both stop early, as the loss does not fall"


def test_a_checkpoint_moves_between_one_rank_and_two(world):
    """Where all of them together take as many sentences a step; else it is refused."""
    options = {"lr_scheduler": "constant"}
    codes, logs = Machines(world, "moved", devices=2, epochs=1, **options).wait()
    assert codes == [0], logs
    assert "Going on from" in single(world, "moved", batch_size=8, epochs=2, **options)
    codes, logs = Machines(world, "moved", machines=2, epochs=3, **options).wait()
    assert codes == [0, 0], logs
    assert "Going on from" in logs[0]
    assert [epoch["epoch"] for epoch in history(world, "moved")] == [1, 2, 3]
    codes, logs = Machines(world, "moved", devices=2, epochs=4, batch_size=8, **options).wait()
    assert codes == [78], logs
    assert "batch_size was 8 and is 16" in logs[0]


def test_batch_size_0_is_the_smallest_that_fits_on_any_rank(world):
    """All take as many."""
    codes, logs = Machines(world, "fitting", devices=2, epochs=1, batch_size=0).wait()
    assert codes == [0], logs
    assert "which fills this machine's memory" in logs[0]
