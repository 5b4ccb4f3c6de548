"""Two containers with addresses of their own, as Vertex AI starts them: one run, and one end."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.container.containers import AS_USER, Running, Toy, docker, run, running

FOREVER = {"EPOCHS": "100000", "SAVE_EVERY_STEPS": "4", "MAX_ATTEMPTS": "0"}
SECONDS = 200  # of patience, with a log or a start
LONG_S = 900  # with a whole run
either = pytest.mark.parametrize("number", [0, 1], ids=["chief", "worker"])


@contextmanager
def network() -> Iterator[str]:
    """A network on which containers find each other by name."""
    name = f"job-test-{uuid.uuid4().hex[:12]}"
    made = docker("network", "create", name)
    assert made.code == 0, made.err
    try:
        yield name
    finally:
        docker("network", "rm", name)


def cluster_spec(number: int) -> str:
    """CLUSTER_SPEC of the chief, 0, and of the worker, 1."""
    pools = {f"workerpool{each}": [f"machine-{each}:2222"] for each in range(2)}
    task = {"type": f"workerpool{number}", "index": 0, "trial": ""}
    return json.dumps({"cluster": pools, "environment": "cloud", "task": task, "job": "{}"})


class Pair:
    """Both containers of a run, and the network between them."""

    def __init__(self, net: str, machines: list[Running], elsewhere: Path):
        self.net, self.machines, self.elsewhere = net, machines, elsewhere

    def codes(self) -> list[int]:
        """The exit codes, at the end of both. Only the chief may have written."""
        codes = [int(docker("wait", each.name, timeout=LONG_S).out) for each in self.machines]
        assert not [*self.elsewhere.iterdir()], "the worker has written"
        return codes

    def logs(self) -> str:
        return "\n".join(each.log() for each in self.machines)


@contextmanager
def pair(toy: Toy, devices: int = 1, order: tuple[int, ...] = (0, 1), **changed: str):
    """The chief and the worker, started in this order."""
    elsewhere = toy.output.with_name("elsewhere")
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    with network() as net, ExitStack() as stack:
        machines = {}
        for number in order:
            values = {
                "DOWNSTREAM_MODEL_DIR": "/work/output",
                "DEVICES": str(devices),
                "CLUSTER_SPEC": cluster_spec(number),
                **changed,
            }
            options = [
                *AS_USER,
                *toy.data,
                f"--volume={elsewhere if number else toy.output}:/work/output",
                *toy.environment(**values),
                f"--network={net}",
                f"--network-alias=machine-{number}",
            ]
            machines[number] = stack.enter_context(running(options))
        yield Pair(net, [machines[number] for number in sorted(machines)], elsewhere)


def messages(log: str) -> list[str]:
    """What the lines of a log say, each of which is a JSON record or of the last screen."""
    return [json.loads(line)["message"] for line in log.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["chief first", "worker first"])
@pytest.mark.parametrize("devices", [1, 2])
def test_two_containers_train_one_model(toy, devices, order):
    """A rank on each device of both, whichever container is there first: 0 on both."""
    with pair(toy, devices, order) as both:
        assert both.codes() == [0, 0], both.logs()
        assert toy.has_model()
        chief, worker = (messages(each.log()) for each in both.machines)
        ranks = "1 rank" if devices == 1 else "2 ranks"
        assert f"Starting {ranks} on each of 2 machines." in chief
        assert "machine 1: Done; the first machine tells of the model." in worker


@either
def test_a_stop_of_one_container_saves_and_ends_both(toy, number):
    """`docker stop` of the chief or of the worker: one save, and 143 on both."""
    with pair(toy, 2, **FOREVER) as both:
        both.machines[0].wait_for("Saved ", SECONDS)
        before = toy.saved_steps()[-1]
        assert docker("stop", "--time=60", both.machines[number].name).code == 0
        assert both.codes() == [143, 143], both.logs()
        assert toy.saved_steps()[-1] >= before


@either
def test_a_container_that_is_killed_ends_the_other(toy, number):
    """The other says that a machine has died, and leaves with 69."""
    with pair(toy, 2, **FOREVER) as both:
        both.machines[0].wait_for("Saved ", SECONDS)
        docker("kill", "--signal=KILL", both.machines[number].name)
        codes = both.codes()
        assert codes[number] == 137
        assert codes[1 - number] == 69, both.logs()


@either
def test_a_cut_network_ends_both(toy, number):
    """Both live, and neither hears of the other any more: 69 on both, with a checkpoint left."""
    with pair(toy, 2, **FOREVER) as both:
        both.machines[0].wait_for("Saved ", SECONDS)
        cut = docker("network", "disconnect", both.net, both.machines[number].name)
        assert cut.code == 0, cut.err
        assert both.codes() == [69, 69], both.logs()
        assert toy.saved_steps()


@either
def test_a_container_that_is_started_anew_goes_on(toy, number):
    """With RESTARTS=1 the other waits for it, and both end with 0 and a model."""
    with pair(toy, 2, RESTARTS="1", EPOCHS="60", SAVE_EVERY_STEPS="4", MAX_ATTEMPTS="0") as both:
        both.machines[0].wait_for("Saved ", SECONDS)
        docker("kill", "--signal=KILL", both.machines[number].name)
        assert both.machines[number].wait() == 137
        assert docker("start", both.machines[number].name).code == 0
        assert both.codes() == [0, 0], both.logs()
        assert toy.has_model()
        assert "Going on from" in both.logs()


def test_four_ranks_in_two_containers_learn_as_one_with_four_times_the_sentences(tmp_path):
    """The sample, embedded in the image: F1 within 0.01 of one rank's."""
    names = ("DOWNSTREAM_CORPUS_NAME", "PRETRAINED_MODEL_NAME")
    sample = dict.fromkeys(names, "sample") | {
        "DOWNSTREAM_CORPUS_ROOT_DIR": "",
        "MAX_SEQ_LENGTH": "128",
        "EPOCHS": "7",
        "LR_SCHEDULER": "linear",
        "LEARNING_RATE": "3e-3",
    }
    one, four = Toy(tmp_path / "one"), Toy(tmp_path / "four")
    done = run(one.options(**sample, BATCH_SIZE="32", DEVICES="1"), timeout=LONG_S)
    assert done.code == 0, done.out + done.err
    with pair(four, 2, **sample, BATCH_SIZE="8") as both:
        assert both.codes() == [0, 0], both.logs()
    assert f1(one) > 0.7
    assert f1(four) == pytest.approx(f1(one), abs=0.01)


def f1(toy: Toy) -> float:
    """Of the exported model, on the sentences held out."""
    metrics = json.loads((toy.output / "report" / "metrics.json").read_text("utf-8"))
    return metrics["splits"]["val"]["characters"]["micro"]["f1"]
