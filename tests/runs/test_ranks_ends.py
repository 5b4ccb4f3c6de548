"""A rank that fails or is killed ends all, for the first reason; some may start again."""

import os
import signal
import time

import pytest

from job.storage.manifest import sha256_of
from tests.support.machines import OPTIONS, STEP, Machines, Within, errors


def broken_off(world, output: str, rank: int, **options) -> Machines:
    """A run, one rank of which stands in its sixth step."""
    within = Within(STEP, rank, skip=5)
    ranks = Machines(world, output, within=within, **{**OPTIONS, **options})
    ranks.until_held()
    return ranks


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("restarts", [0, 1])
def test_a_killed_rank_ends_all_or_all_start_again(world, untouched, rank, restarts):
    """69 in one line that says which; with RESTARTS the run ends as one that was not disturbed."""
    ranks = broken_off(world, f"kill-{rank}-{restarts}", rank, devices=2, restarts=restarts)
    os.kill(ranks.rank(rank), signal.SIGKILL)
    ranks.let_go()
    (code,), (log,) = ranks.wait()
    assert code == (0 if restarts else 69), log
    assert errors(log) == (
        []
        if restarts
        else [
            f"Rank {rank} was killed (SIGKILL), as happens when memory runs out; start the job "
            "again, and it goes on from the last checkpoint."
        ]
    )
    assert ("All ranks start again (1 of 1)" in log) is bool(restarts)
    if restarts:
        model = ranks.folder / "model/model.safetensors"
        assert sha256_of(model) == untouched


def test_a_single_rank_starts_again_too(world):
    """RESTARTS gives an agent to a run on one device, where it is killed in the middle."""
    ranks = broken_off(world, "single", 0, restarts=1)
    os.kill(ranks.rank(0), signal.SIGKILL)
    ranks.let_go()
    (code,), (log,) = ranks.wait()
    assert code == 0, log
    assert "All ranks start again (1 of 1)" in log
    assert "Going on from" in log


def test_a_fault_on_one_machine_is_told_there_and_ends_both(world):
    """The machine that has it prints the traceback, once; the other says where it is: 70."""
    within = Within(STEP, 1, skip=2, breaks=True)
    codes, logs = Machines(world, "fault", machines=2, within=within, **OPTIONS).wait()
    assert codes == [70, 70], logs
    first, second = map(errors, logs)
    assert first == ["Machine 1: ZeroDivisionError: broken on purpose (its log says more)"]
    (told,) = second
    assert told.startswith("rank 1: This is a fault of the job")
    assert "Traceback" in told


def test_bad_input_is_never_started_again(world):
    """A corpus that is not there is 65 or 69 on all, at once, however many restarts are left."""
    (world.corpus.parent / "broken").mkdir()
    (world.corpus.parent / "broken/train.txt").write_text("no separator\n")
    ranks = Machines(
        world, "bad", devices=2, downstream_corpus_name="broken", restarts=5, **OPTIONS
    )
    (code,), (log,) = ranks.wait()
    assert code == 65, log
    assert len(errors(log)) == 1
    assert "again" not in log


@pytest.mark.parametrize("name", ["seed", "epochs"])
def test_machines_that_would_train_otherwise_are_refused(world, name):
    """Before the first step, with what differs: 78, on both."""
    options = {**OPTIONS, "batch_size": 0, "seed": 7}
    other = options[name] + 1
    ranks = Machines(world, f"other-{name}", machines=2, others={name: other}, **options)
    codes, logs = ranks.wait()
    assert codes == [78, 78], logs
    shown = {"seed": "seed", "epochs": "epochs_to_train"}[name]
    for log in logs:
        (told,) = errors(log)
        assert f"{shown} is {other} there and {options[name]} on the first" in told
        assert told.removeprefix("rank 1: ").startswith("Machine 1 would train otherwise than")


def test_machines_of_other_devices_are_refused(world):
    """DEVICES of one has to be that of all: 78."""
    ranks = Machines(world, "devices", machines=2, others={"devices": 2}, **OPTIONS)
    codes, logs = ranks.wait()
    assert codes == [78, 78], logs
    for log in logs:
        assert "the number of devices is 2 there and 1 on the first" in log


@pytest.mark.parametrize("machine", [0, 1])
def test_a_machine_that_is_gone_ends_the_other(world, machine):
    """With its agent, its ranks and no word: 69, and the lease is free for the next start."""
    ranks = broken_off(world, f"gone-{machine}", 1 - machine, machines=2)
    ranks.all[machine].kill()
    ranks.let_go()
    codes, logs = ranks.wait()
    assert codes[1 - machine] == 69, logs
    (told,) = errors(logs[1 - machine])
    assert "has died" in told or "was killed" in told or "lost each other" in told


@pytest.mark.parametrize("machine", [0, 1])
def test_a_machine_that_is_lost_may_come_back(world, machine):
    """With RESTARTS the other waits for it, the first machine's store included; both end with 0."""
    ranks = broken_off(world, f"back-{machine}", 1 - machine, machines=2, restarts=3)
    ranks.all[machine].kill()
    ranks.let_go()
    ranks.all[machine].environ.pop("INSIDE")
    ranks.all[machine].start()
    codes, logs = ranks.wait()
    assert codes == [0, 0], logs
    assert "All ranks start again" in logs[1 - machine]


def test_ranks_do_not_outlive_their_agent(world):
    """Killed -9, it leaves ranks that save what they have, and end."""
    ranks = broken_off(world, "orphans", 1, devices=2)
    left = [ranks.rank(0), ranks.rank(1)]
    ranks.all[0].process.kill()
    ranks.let_go()
    ends_at = time.monotonic() + 60
    while any(os.path.exists(f"/proc/{pid}") for pid in left):  # noqa: PTH110
        assert time.monotonic() < ends_at, ranks.all[0].text()
        time.sleep(0.1)
    assert ranks.wait()[0] == [-signal.SIGKILL]
    assert not (ranks.folder / "LEASE.json").exists()


def test_a_rank_that_hangs_is_named(world):
    """It stands still, and the others wait for it inside of a collective: 69, and which it is."""
    ranks = broken_off(world, "hung", 1, devices=2, step_timeout_s=3)
    (code,), (log,) = ranks.wait()
    assert code == 69, log
    (told,) = errors(log)
    assert told.startswith("Rank 1 did not come as far as the others within 3 s")
