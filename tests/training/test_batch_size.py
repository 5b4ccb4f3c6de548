"""The batch size that BATCH_SIZE=0 stands for."""

from types import SimpleNamespace

import pytest

from job.devices.cpu import Cpu
from job.training.batch_size import batch_size_to_keep, fitting_batch_size
from tests.support.runs import World


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def settings(**changed) -> SimpleNamespace:
    return SimpleNamespace(**{"batch_size": 0, "resume": "auto"} | changed)


def store(*sizes: object) -> SimpleNamespace:
    found = [SimpleNamespace(settings={"batch_size": size}) for size in sizes]
    return SimpleNamespace(committed=lambda: found, read=lambda url: found[0] if found else None)


@pytest.mark.parametrize(
    ("sizes", "changed", "devices", "expected"),
    [
        ((256,), {}, 1, 256),
        ((256,), {}, 8, 32),
        ((16, 32), {}, 1, 32),  # the newest
        ((16, 32), {"resume": "gs://b/step=1"}, 1, 16),
        ((), {}, 1, None),
        ((), {"resume": "gs://b/nothing"}, 1, None),
        ((256,), {"resume": "never"}, 1, None),
        ((256,), {"batch_size": 8}, 1, None),
        ((30,), {}, 8, None),  # no number for each device: refused later, with its reason
        (("many",), {}, 1, None),
    ],
)
def test_a_checkpoint_says_how_many(sizes, changed, devices, expected):
    """All devices of a run share what its checkpoint counts for all of them together."""
    hardware = Cpu("32", "CPU", devices=devices)
    assert batch_size_to_keep(store(*sizes), settings(**changed), hardware) == expected


def test_what_is_kept_is_not_measured_again():
    """Free memory is another one today, and is not asked for."""
    hardware = Cpu("32", "CPU")
    assert fitting_batch_size(None, None, None, settings(), hardware, kept=24) == 24


def test_a_resume_keeps_its_batch_size(world, capsys, monkeypatch):
    """With a quarter of the memory the run goes on as it began, and says so."""
    monkeypatch.setattr("job.training.batch_size.largest_batch", lambda *_, **__: 16)
    assert world.run(capsys, batch_size=0, epochs=1)[0] == 0
    monkeypatch.setattr("job.training.batch_size.largest_batch", lambda *_, **__: 4)
    code, log = world.run(capsys, batch_size=0, epochs=2)
    assert code == 0, log
    assert "BATCH_SIZE=0: 16 sentences a step, as in the checkpoint." in log
    assert "Going on from" in log
