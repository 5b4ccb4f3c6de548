"""Training on one core, two and eight is the training of plain torch."""

import pytest

from tests.support import runs
from tests.tpu.runs import compiled, finish, large_graphs, largest_difference, start

CORES = (1, 2, 8)
TOLERANCE = 2e-6  # of weights around 0.1 to 1, after 18 steps of Adam in 32 bits


@pytest.fixture(scope="module")
def plain(still_world):
    """The same job on the CPU, without XLA."""
    flags = runs.World.flags(still_world, "plain", batch_size=16)
    code, log = finish(runs.start(flags))
    assert code == 0, log
    return still_world.report("plain"), still_world.weights("plain")


@pytest.fixture(scope="module", params=CORES)
def trained(request, still_world, tmp_path_factory):
    """(cores, output, log, hash of the weights by rank) of a whole run on virtual cores."""
    cores, output = request.param, f"cores-{request.param}"
    hashes = tmp_path_factory.mktemp(output)
    flags = still_world.flags(output, cores)
    code, log = finish(start(cores, flags, "tests.tpu.probe", PROBE=str(hashes)))
    assert code == 0, log
    return cores, output, log, {int(f.name): f.read_text() for f in hashes.iterdir()}


def test_the_gradient_is_the_average_over_the_cores(plain, trained, still_world):
    """After three epochs the weights are those of plain torch, which took all sentences at once."""
    _, output, _, _ = trained
    assert largest_difference(still_world.weights(output), plain[1]) < TOLERANCE


def test_every_core_ends_with_the_same_weights(trained):
    """Bit for bit, on every rank."""
    cores, _, _, hashes = trained
    assert sorted(hashes) == list(range(cores))
    assert len(set(hashes.values())) == 1


def test_metrics_count_each_sentence_once(plain, trained, still_world):
    """Losses and F1 of every epoch are those of one device, though the last batch is not full."""
    _, output, _, _ = trained
    for here, there in zip(still_world.report(output)["history"], plain[0]["history"], strict=True):
        for name in ("train_loss", "val_loss"):
            assert here[name] == pytest.approx(there[name], rel=1e-5)
        for name in ("f1_characters", "f1_wordpieces", "step"):
            assert here[name] == there[name]


def test_what_is_evaluated_and_exported_was_trained(trained, still_world):
    """The main process, which trained nothing, publishes the weights of the best checkpoint."""
    _, output, _, _ = trained
    report = still_world.report(output)
    best = max(report["history"], key=lambda epoch: epoch["f1_characters"])
    assert report["exported"]["epoch"] == best["epoch"]
    assert report["splits"]["val"]["loss"] == pytest.approx(best["val_loss"], rel=1e-5)
    assert best["f1_characters"] == 1.0


def test_nothing_is_compiled_after_the_first_epoch(trained):
    """The number of graphs is told when it has grown: once. Four of them are large at most."""
    _, _, log, _ = trained
    assert compiled(log) == [1], log
    assert large_graphs(log) <= 4


def test_the_log_has_one_voice(trained, still_world):
    """What the first rank says is said once; the curves are in one file."""
    _, output, log, _ = trained
    assert log.count("Saved ") == 3
    assert log.count("A core's rows have") == 1
    assert "Traceback" not in log
    assert len(list((still_world.folder / output / "logs").glob("events.*"))) == 1
