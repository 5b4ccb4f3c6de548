"""Two machines train as one with twice the sentences, and start, stop and end as one."""

import json
import signal
import socket
import time

import pytest
from job.devices.cluster.failure_channel import GRACE_S, Watch
from job.devices.cluster.rendezvous import host, join
from safetensors.torch import load_file
from transformers import XLNetConfig, XLNetForTokenClassification

from job.cloud.vertex_environment import read_vertex
from job.errors import UnavailableError
from job.signals import StopRequest
from job.storage.manifest import sha256_of
from tests.faults.jobs import Inside, Job
from tests.support.gcs import GcsServer
from tests.support.machines import Pair, cluster_spec, free_port
from tests.support.runs import World, finish, line, start
from tests.support.tiny import VOCABULARY, make_network, write_tokenizer

TOLERANCE = 2e-6  # of weights around 0.1 to 1, after some steps of Adam in 32 bits
# Dropout, and a schedule that moves in each step: only an exact resume ends alike.
OPTIONS = {"epochs": 6, "save_every_steps": 4, "lr_scheduler": "linear", "warmup_ratio": 0.1}
STEP = "job.model.classifier:TokenClassifier.training_step"


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


def held_at_step(step: int, rank: int) -> tuple[Inside | None, Inside | None]:
    """What holds one of the machines at its so many-th step."""
    held = Inside(STEP, skip=step)
    return (None, held) if rank else (held, None)


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
    """A SIGTERM to each machine, a kill -9 of each, to the end; and once more: done."""
    codes, logs = Pair(world, "untouched", **OPTIONS).wait()
    assert codes == [0, 0], logs

    for rank in (1, 0):
        pair = Pair(world, "out", held_at_step(3, rank), **OPTIONS)
        pair.jobs[rank].until_held()
        pair.jobs[rank].send(signal.SIGTERM)
        pair.jobs[rank].let_go()
        codes, logs = pair.wait()
        assert codes == [143, 143], logs
        assert "Saved" in logs[0]
        assert "Traceback" not in "".join(logs)

    for dies, stays in ((1, 0), (0, 1)):
        pair = Pair(world, "out", held_at_step(5, dies), **OPTIONS)
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


def test_a_model_may_have_weights_without_a_gradient(world, tmp_path):
    """XLNet's for masked words and segments: averaging does not wait for them."""
    write_tokenizer(tmp_path)
    config = XLNetConfig(vocab_size=len(VOCABULARY), d_model=16, n_layer=1, n_head=2, d_inner=32)
    XLNetForTokenClassification(config).save_pretrained(tmp_path)
    codes, logs = Pair(world, "unused", epochs=1, pretrained_model_name=tmp_path).wait()
    assert codes == [0, 0], logs


def test_with_a_bucket_only_the_first_machine_writes(world):
    """As on Vertex AI, where both have its address: the second machine asks the store nothing."""
    with GcsServer() as gcs:
        url = "gs://bucket/run"
        nowhere = {"downstream_model_dir": "gs://no-such-bucket/run"}
        pair = Pair(
            world,
            "unused",
            second=nowhere,
            environ={"STORAGE_EMULATOR_HOST": gcs.url},
            downstream_model_dir=url,
            log_format="json",
            epochs=6,
            early_stopping_patience=1,
            learning_rate=1e-12,
        )
        codes, logs = pair.wait()
        assert codes == [0, 0], logs
        left = gcs.objects()
    assert "run/model/model.safetensors" in left
    assert "run/LEASE.json" not in left
    epochs = json.loads(left["run/report/metrics.json"])["history"]
    assert len(epochs) == 2, "both stop early, as the loss does not fall"
    told = [json.loads(text) for text in logs[1].splitlines() if text.startswith("{")]
    assert told
    assert all(record["message"].startswith("machine 1: ") for record in told)


def test_a_checkpoint_moves_between_one_machine_and_two(world):
    """Where all of them together take as many sentences a step; else it is refused, on both."""
    options = {"lr_scheduler": "constant"}
    codes, logs = Pair(world, "moved", epochs=1, **options).wait()
    assert codes == [0, 0], logs
    assert "Going on from" in single(world, "moved", epochs=2, **options)
    codes, logs = Pair(world, "moved", epochs=3, **options).wait()
    assert codes == [0, 0], logs
    assert "Going on from" in logs[0]
    assert [epoch["epoch"] for epoch in history(world, "moved")] == [1, 2, 3]
    codes, logs = Pair(world, "moved", epochs=4, **{**options, "batch_size": 8}).wait()
    assert codes == [78, 78], logs
    assert all("batch_size was 8 and is 16" in log for log in logs)


def test_a_signal_while_the_others_are_awaited_ends_the_first(world):
    """They may take minutes to start."""
    spec = cluster_spec(free_port(), 0)
    flags = world.flags("alone", log_format="text")
    job = Job(flags, world.folder / "alone.log", CLUSTER_SPEC=spec)
    job.until_said("waiting for the others")
    job.send(signal.SIGTERM)
    code, log = job.wait()
    assert code == 143, log
    assert not (world.folder / "alone").exists()


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_outside_training_ends_both_at_once(world, rank):
    """While the first machine evaluates, and while the second still reads its corpus."""
    places = ("job.train:evaluate_splits", "job.training.follower:prepare")
    inside = [None, None]
    inside[rank] = Inside(places[rank])
    pair = Pair(world, f"signal-{rank}", tuple(inside), epochs=1)
    pair.jobs[rank].until_held()
    pair.jobs[1 - rank].send(signal.SIGTERM)
    sent_at = time.monotonic()
    codes, logs = pair.wait()
    assert codes == [143, 143], logs
    assert "Traceback" not in "".join(logs)
    assert time.monotonic() - sent_at < GRACE_S


def test_a_failure_of_one_machine_is_that_of_both(world):
    """With its exit code and its sentence, and with whose it was."""
    codes, logs = Pair(world, "failed", second={"downstream_corpus_name": "nowhere"}).wait()
    assert codes[0] == codes[1] != 0, logs
    sentence = logs[1].partition("ERROR machine 1: ")[2].splitlines()[0]
    assert f"ERROR Machine 1: {sentence}" in logs[0]


def test_machines_that_would_train_otherwise_are_refused(world):
    """Before the first step, with what differs."""
    codes, logs = Pair(world, "other", second={"seed": 8}, batch_size=0).wait()
    assert codes == [78, 78], logs
    for log in logs:
        assert "Machine 1 would train otherwise than the first: seed is 8 there and 7 on" in log


def test_a_fault_of_the_job_on_one_machine_ends_both(world):
    """The machine that has it prints its traceback, and the other says where it is."""
    codes, logs = Pair(world, "fault", inside=(None, Inside(STEP, 3, breaks=True))).wait()
    assert codes == [70, 70], logs
    assert "Machine 1: ZeroDivisionError: broken on purpose" in logs[0]
    assert "Traceback" not in logs[0]
    assert "Traceback" in logs[1]


def test_as_the_container_starts_it_the_death_of_a_machine_is_told(world):
    """`python -m job` on both, the second killed in the middle: 69 within seconds."""
    port = free_port()
    flags = world.flags("started", epochs=500, batch_size=4, log_format="text")
    first, second = (start(flags, CLUSTER_SPEC=cluster_spec(port, rank)) for rank in range(2))
    try:
        saved = next(text for text in first.stdout if "Saved" in text)
        second.kill()
        killed_at = time.monotonic()
        code, log = finish(first)
        assert code == 69, saved + log
        assert "Machine 1 has died" in log
        assert time.monotonic() - killed_at < GRACE_S
    finally:
        first.kill()
        second.kill()
        finish(second)


def test_a_machine_that_does_not_come_is_named(monkeypatch):
    """On the first machine, which waits for it, and on another, which waits for the first."""
    monkeypatch.setattr("job.devices.cluster.rendezvous.COME_WITHIN_S", 0.2)
    first, other = (read_vertex({"CLUSTER_SPEC": cluster_spec(free_port(), n, 4)}) for n in (0, 2))
    with pytest.raises(UnavailableError, match="Machines 1, 2 and 3 are not here"):
        host(first, Watch(0, StopRequest()))
    with pytest.raises(UnavailableError, match=f"127.0.0.1:{other.main_port}, is not here"):
        join(other, Watch(2, StopRequest()))


def test_a_port_that_is_taken_is_one_sentence():
    """The first machine says which."""
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        vertex = read_vertex({"CLUSTER_SPEC": cluster_spec(port, 0)})
        with pytest.raises(UnavailableError, match=f"port {port} of this machine") as caught:
            host(vertex, Watch(0, StopRequest()))
    assert "\n" not in str(caught.value)
