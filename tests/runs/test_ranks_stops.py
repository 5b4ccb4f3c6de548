"""Asked to stop, whichever process hears it, all ranks stop together after one save."""

import json
import os
import signal

import pytest

from job.storage.manifest import sha256_of
from tests.support.machines import OPTIONS, STEP, Machines, Within, errors


def said(log: str, text: str) -> int:
    """The number of lines that say so."""
    return sum(text in json.loads(line)["message"] for line in log.splitlines())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("to", ["agent", "rank 0", "rank 1", "all"])
def test_a_stop_in_training_saves_once_and_goes_on_where_it_was(world, untouched, to, number):
    """To the agent, a rank, or the whole group, as a terminal's Ctrl-C goes: 143 or 130, one save,
    and the next start ends bit for bit as a run that was never stopped."""
    output = f"{to}-{number.name}"
    ranks = Machines(world, output, devices=2, within=Within(STEP, 1, skip=5), **OPTIONS)
    ranks.until_held()
    (machine,) = ranks.all
    if to == "all":
        os.killpg(machine.process.pid, number)
    else:
        os.kill(machine.process.pid if to == "agent" else ranks.rank(int(to[5:])), number)
    ranks.let_go()
    codes, logs = ranks.wait()
    assert codes == [128 + number], logs
    assert errors(logs[0]) == []
    assert said(logs[0], f"Stopped by {number.name}.") == 1
    steps = sorted((world.folder / output / "checkpoints").iterdir())
    assert steps, "it was saved"
    if to.startswith("rank"):  # from the agent, word comes while they go on
        assert int(steps[-1].name[5:]) <= 5 + 1 + 16
    if number == signal.SIGTERM:
        codes, logs = Machines(world, output, devices=2, **OPTIONS).wait()
        assert codes == [0], logs
        assert "Going on from" in logs[0]
        model = world.folder / output / "model/model.safetensors"
        assert sha256_of(model) == untouched


@pytest.mark.parametrize("machine", [0, 1])
def test_a_stop_of_one_machine_stops_both_after_the_first_has_saved(world, machine):
    """Both with 143; the second leaves when the checkpoint is committed."""
    output = f"machine-{machine}"
    ranks = Machines(world, output, machines=2, within=Within(STEP, machine, skip=3), **OPTIONS)
    ranks.until_held()
    os.kill(ranks.all[machine].process.pid, signal.SIGTERM)
    ranks.let_go()
    codes, logs = ranks.wait()
    assert codes == [143, 143], logs
    assert "Saved" in logs[0]
    assert [errors(log) for log in logs] == [[], []]


@pytest.mark.parametrize(
    ("at", "rank", "to"),
    [
        ("job.train:evaluate_splits", 0, 1),
        ("job.training.preparation:read_corpus", 1, 0),
        ("job.training.preparation:read_corpus", 0, 1),
    ],
)
def test_a_stop_outside_of_training_ends_all_at_once(world, at, rank, to):
    """While the first rank evaluates and the others wait, and while one reads its corpus."""
    ranks = Machines(world, f"out-{at[-8:]}-{rank}", devices=2, within=Within(at, rank), epochs=1)
    ranks.until_held()
    os.kill(ranks.rank(to), signal.SIGTERM)
    codes, logs = ranks.wait()
    assert codes == [143], logs
    assert errors(logs[0]) == []


def test_a_stop_while_other_machines_are_awaited_ends_the_first(world):
    """They may take minutes to start."""
    ranks = Machines(world, "alone", machines=2, epochs=1)
    ranks.all[1].kill()
    ranks.until_said("waiting for the others")
    os.kill(ranks.all[0].process.pid, signal.SIGTERM)
    codes, logs = ranks.wait()
    assert codes[0] == 143, logs
    assert not (world.folder / "alone").exists()


def test_nothing_is_left_behind(world, tmp_path):
    """No process, and no file in the folder for temporary ones."""
    environ = {"TMPDIR": str(tmp_path)}
    ranks = Machines(world, "clean", devices=2, epochs=1, environ=environ)
    ranks.until_said("epoch 1")
    started = [ranks.rank(0), ranks.rank(1)]
    codes, logs = ranks.wait()
    assert codes == [0], logs
    assert [pid for pid in started if os.path.exists(f"/proc/{pid}")] == []  # noqa: PTH110
    assert list(tmp_path.iterdir()) == []
