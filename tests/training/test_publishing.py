"""The weights that a run ends with are those of its best checkpoint."""

import pytest
import torch

from job.checkpoints.store import CheckpointStore
from job.errors import IncompatibleError
from job.training.output.publishing import load_best


@pytest.fixture
def load(tmp_path):
    """Commits a checkpoint for each of these val_losses, step by step, and loads the best one;
    its weights are the number of its step. Those of `damaged` steps have lost their last byte."""

    def load(losses, damaged=(), monitor="val_loss"):
        store = CheckpointStore(str(tmp_path / "checkpoints"), ("min", "val_loss"), len(losses))
        network = torch.nn.Linear(1, 1, bias=False)
        folder = tmp_path / "staging"
        folder.mkdir()
        for step, loss in enumerate(losses, start=1):
            weight = torch.full((1, 1), float(step))
            torch.save({"network": {"weight": weight}}, folder / "state.pt")
            metrics = {} if loss is None else {"val_loss": loss}
            facts = {"metrics": metrics, "settings": {}, "labels": []}
            url = store.commit(folder, step=step, facts=facts)
            if step in damaged:
                [state] = (tmp_path / "checkpoints").glob(f"{url.rpartition('/')[2]}/state*.pt")
                state.write_bytes(state.read_bytes()[:-1])
        store = CheckpointStore(store.url, ("min", monitor), len(losses))
        load_best(network, store, tmp_path / "scratch")
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
