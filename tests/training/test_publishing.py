"""A model knows the run that it is of."""

import json

import pytest

from job.checkpoints.position import Position
from job.checkpoints.start import Identity
from job.training.output.publishing import is_finished, trained_by

END = Position(3, 0, 30)
IDENTITY = Identity({"seed": 7}, ())


@pytest.mark.parametrize(
    ("recorded", "monitor", "expected"),
    [
        ("max val_f1", "max val_f1", True),
        ("max val_f1", "min val_loss", False),
        (None, "max val_f1", True),
    ],
    ids=["the same", "another", "of an earlier version"],
)
def test_a_run_is_finished_for_the_monitor_that_chose_its_model(
    tmp_path, recorded, monitor, expected
):
    """By another one another epoch may be the best. A finished run of a version that did not say
    its own stays finished: a new default exports nothing anew."""
    trained = trained_by(IDENTITY.facts, 30, recorded or "")
    if recorded is None:
        del trained["monitor"]
    (tmp_path / "model").mkdir()
    (tmp_path / "model/MANIFEST.json").write_text(json.dumps({"trained": trained}))
    assert is_finished(str(tmp_path), END, 3, IDENTITY, monitor) is expected
