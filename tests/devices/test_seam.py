"""A new accelerator is a class and a row of the table: nothing else in the job asks which it is."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from job.devices import table
from job.devices.hardware import Hardware
from job.devices.peers import NoPeers
from job.settings import Settings
from tests.support.runs import World

FREE_BYTES = 1 << 20


class Abacus(Hardware):
    """An accelerator of little memory. Lightning takes it for a CPU."""

    accelerator = "abacus"

    @classmethod
    def is_here(cls) -> bool:
        return True

    @classmethod
    def choose(cls, precision: str, cores: int, peers: NoPeers) -> "Abacus":
        return cls("32", "10 wires", peers=peers)

    def free_bytes(self) -> int:
        return FREE_BYTES

    def trainer_arguments(self) -> dict[str, Any]:
        return super().trainer_arguments() | {"accelerator": "cpu"}

    def describe(self) -> Iterator[str]:
        yield "Its beads are of wood."


@pytest.fixture
def with_an_abacus(monkeypatch):
    monkeypatch.setattr(table, "ACCELERATORS", (Abacus, *table.ACCELERATORS))


def test_a_run_trains_on_an_accelerator_of_the_table(with_an_abacus, tmp_path, capsys):
    """ACCELERATOR=auto finds it, its memory says the batch size, and the report has its name."""
    world = World(tmp_path)
    code, log = world.run(capsys, accelerator="auto", epochs=1, precision="auto", batch_size=0)
    assert code == 0, log
    fitting = re.search(r"BATCH_SIZE=0: (\d+) sentences a step, which fills", log)
    assert fitting, log
    assert int(fitting[1]) < 64, "this machine's own memory holds far more"
    metrics = (tmp_path / "out/report/metrics.json").read_text()
    assert '"hardware": "10 wires"' in metrics


def test_the_check_tells_of_it(with_an_abacus, tmp_path, capsys):
    """In its own words."""
    world = World(tmp_path)
    code, log = world.run(capsys, words=("check",), accelerator="auto", precision="auto")
    assert code == 0, log
    assert "Would compute on 10 wires, " in log
    assert "Its beads are of wood." in log


def test_the_argument_offers_every_row():
    """And `auto`."""
    choices = get_args(Settings.model_fields["accelerator"].annotation)
    assert set(choices) == {"auto", *(row.accelerator for row in table.ACCELERATORS)}
