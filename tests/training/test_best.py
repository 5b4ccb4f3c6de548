"""The weights that a run ends with are those of its best checkpoint, and it says why."""

import pytest
import torch

from job.checkpoints.position import Position
from job.checkpoints.start import Start
from job.checkpoints.store import Checkpoint, CheckpointStore
from job.errors import IncompatibleError
from job.training.output.best import Best, exported_of, load_best
from tests.evaluation.test_report import epoch

BEGINNING = Start()
STARTED = 0.5  # the weight of a checkpoint that RESUME named


def state_of(step, weight):
    """The state at the end of an epoch of one step."""
    return {"network": {"weight": weight}, **Position(step, 0, step).to_state()}


@pytest.fixture
def load(tmp_path):
    """Commits a checkpoint for each of these val_losses, step by step, and loads the best one;
    its weights are the number of its step. Those of `damaged` steps have lost their last byte."""

    def load(losses, damaged=(), monitor="val_loss", start=BEGINNING):
        store = CheckpointStore(str(tmp_path / "checkpoints"), ("min", "val_loss"), len(losses))
        network = torch.nn.Linear(1, 1, bias=False)
        folder = tmp_path / "staging"
        folder.mkdir()
        for step, loss in enumerate(losses, start=1):
            weight = torch.full((1, 1), float(step))
            torch.save(state_of(step, weight), folder / "state.pt")
            metrics = {} if loss is None else {"val_loss": loss}
            facts = {"metrics": metrics, "settings": {}, "labels": []}
            url = store.commit(folder, step=step, facts=facts)
            if step in damaged:
                [state] = (tmp_path / "checkpoints").glob(f"{url.rpartition('/')[2]}/state*.pt")
                state.write_bytes(state.read_bytes()[:-1])
        store = CheckpointStore(store.url, ("min", monitor), len(losses))
        best = load_best(network, store, start, tmp_path / "started", tmp_path / "scratch")
        assert network.weight.item() in (best.epoch, STARTED)
        return network.weight.item()

    return load


@pytest.mark.parametrize(
    ("last", "damaged", "expected"), [(0.2, (), 2), (0.2, (2,), 3), (None, (), 2), (None, (2,), 1)]
)
def test_the_best_that_is_intact_is_loaded(load, last, damaged, expected):
    """By the metric, and not one that lacks it, however new."""
    assert load([0.3, 0.1, last], damaged) == expected


@pytest.mark.parametrize(("damaged", "expected"), [((), 3), ((3,), 2)])
def test_where_none_has_the_metric_the_newest_is_loaded(load, damaged, expected):
    """As when EPOCHS was set to less than the run had come."""
    assert load([0.1, 0.2, 0.3], damaged, monitor="val_f1") == expected


def test_without_an_intact_checkpoint_there_is_nothing_to_publish(load):
    """The error says how many there were."""
    with pytest.raises(IncompatibleError, match="none of 2 checkpoints verifies"):
        load([0.3, 0.2], damaged=(1, 2))


def checkpoint(step, **metrics):
    """One that lies where nothing can be read any more."""
    files = {"state.pt": {"sha256": f"{step:064x}"}}
    return Checkpoint(f"/gone/step={step:08d}", step, metrics, {}, (), 1, "0.1.0", files)


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [({"val_loss": 0.05}, STARTED), ({"val_loss": 0.1}, STARTED), ({"val_loss": 0.2}, 2), ({}, 2)],
    ids=["better", "as good", "worse", "within an epoch"],
)
def test_the_checkpoint_that_a_run_started_from_takes_part(load, tmp_path, metrics, expected):
    """Also where its folder is gone since: a run that only gets worse exports the weights that it
    started from. One that no validation has judged is not compared."""
    (tmp_path / "started").mkdir()
    weight = torch.full((1, 1), STARTED)
    torch.save(state_of(0, weight), tmp_path / "started/state.pt")
    start = Start(checkpoint=checkpoint(0, **metrics), is_named=True)
    assert load([0.3, 0.1, 0.2], start=start) == expected


def history_of(*scores):
    return tuple(epoch(n, f1_characters=score) for n, score in enumerate(scores, start=1))


def reason_of(step, history, epochs=3, start=BEGINNING, monitored=("max", "val_f1"), **metrics):
    """For the checkpoint of the epoch that ends with this step; each has ten."""
    best = Best(checkpoint(step, **metrics), Position(step // 10, step % 10, step))
    exported = exported_of(best, start, history, epochs, monitored)
    assert exported.epoch == -(-step // 10)
    return exported.reason


@pytest.mark.parametrize(
    ("step", "scores", "expected"),
    [
        (20, (0.6, 0.95, 0.9), "the highest val F1 on exact characters, 0.950, of 3 epochs"),
        (10, (0.95,), "the only epoch, with a val F1 on exact characters of 0.950"),
        (
            20,
            (0.97, 0.95, 0.6),
            "the highest val F1 on exact characters, 0.950, of the checkpoints that are left; "
            "epoch 1 had 0.970, and its checkpoint is gone",
        ),
        (
            40,
            (0.6, 0.7, 0.8),
            "the highest val F1 on exact characters, 0.950, of all checkpoints in the output",
        ),
    ],
    ids=["best", "only", "better one pruned", "of an earlier run"],
)
def test_the_reason_names_the_metric_its_value_and_what_it_was_compared_with(
    step, scores, expected
):
    """As MONITOR says; and where a better epoch cannot be exported any more, which."""
    reason = reason_of(step, history_of(*scores), len(scores), val_f1=0.95)
    assert reason == expected


def test_the_reason_follows_monitor():
    """The lowest is the best of a loss."""
    reason = reason_of(10, history_of(0.1, 0.2, 0.3), monitored=("min", "val_loss"), val_loss=0.5)
    assert reason == "the lowest val loss, 0.500, of 3 epochs"


def test_the_reason_says_that_a_run_stopped_early():
    """And of how many epochs it came to how many."""
    reason = reason_of(10, history_of(0.95, 0.9), epochs=30, val_f1=0.95)
    assert reason.endswith("of 2 epochs; training stopped early, after epoch 2 of 30")


@pytest.mark.parametrize(
    ("is_named", "epochs", "told"),
    [
        (
            True,
            3,
            "; it is the checkpoint that this run started from, and no epoch since was better",
        ),
        (True, 1, "; it is the checkpoint that this run started from"),
        (False, 3, ""),
    ],
    ids=["named", "named, nothing left to train", "found"],
)
def test_the_reason_says_that_the_start_was_better(is_named, epochs, told):
    """Where RESUME names it: a run that merely goes on is one run."""
    history = history_of(0.95, 0.9, 0.8)[:epochs]
    position = Position(1, 0, 10, history=history[:1])
    start = Start(position, None, checkpoint(10, val_f1=0.95), is_named=is_named)
    reason = reason_of(10, history, epochs, start, val_f1=0.95)
    assert reason.partition(";")[1:] == (told[:1], told[1:])


def test_a_checkpoint_within_an_epoch_is_exported_where_no_other_is_left():
    """EPOCHS was set to less than the run had come."""
    reason = reason_of(13, history_of(0.9), epochs=1)
    assert reason == "the newest checkpoint, because none has a val F1 on exact characters"
