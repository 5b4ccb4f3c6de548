"""Two jobs on one output: one writes, and which one is never in doubt."""

import json
import re
import signal
from datetime import UTC, datetime, timedelta

import pytest

from job.errors import OutputError
from tests.faults.jobs import Inside
from tests.faults.ledger import sound_steps

HELD_S = 600  # a request waits until the test lets it go, however busy the machine is
LEASE = "out/LEASE.json"
ELSEWHERE = "another-boot pid:[4026531836] 17 4711"  # a process that cannot be seen from here
STATE_12 = r"/upload/.*step=00000012/state-"
MANIFEST_4 = r"/upload/.*step=00000004/MANIFEST"


def grow_old(server, seconds: float) -> None:
    """The store's clock says that the lease was last written so long ago."""
    with server.store.lock:
        resource = server.store.objects["bucket"][LEASE]
        for name in ("updated", "timeCreated"):
            if name in resource:
                then = datetime.now(UTC) - timedelta(seconds=seconds)
                resource[name] = then.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def put_lease(server, **terms: object) -> None:
    held = {"holder": "elsewhere, process 17", "process": ELSEWHERE, "token": "theirs"}
    server.put(LEASE, json.dumps(held | terms).encode())


@pytest.mark.slow
def test_a_second_job_refuses_and_the_first_is_unharmed(runs, server, place, untouched):
    """73 with the holder's name and the lease's age; the first ends bit for bit as if alone."""
    held = server.fault(path=STATE_12, stall_s=HELD_S)
    first = runs.start(place, storage_timeout_s=HELD_S)
    first.until_hit(held)
    code, log = runs.finish(place)
    assert code == OutputError.exit_code, log
    assert f"process {first.process.pid} is writing to this folder" in log
    assert "renewed its lease" in log
    assert "epoch 1" not in log
    server.clear_faults()
    code, log = first.wait()
    assert code == 0, log
    assert place.outcome() == untouched()


@pytest.mark.parametrize("inside", [Inside(), Inside(day_jumps=True)], ids=["", "clock jumps"])
def test_the_lease_of_a_dead_holder_is_taken_over(runs, server, place, untouched, inside):
    """A machine that has gone is waited for until its time is over, and not longer."""
    put_lease(server)
    grow_old(server, 20)  # a busy machine may take some of the ten seconds to start
    code, log = runs.finish(place, inside=inside)
    assert code == 0, log
    assert re.search(r"waiting up to \d+ s for a sign of life", log)
    assert "The lease of elsewhere, process 17, which has ended, was taken over" in log
    assert LEASE not in server.objects()
    assert place.outcome() == untouched()


@pytest.mark.parametrize("inside", [Inside(), Inside(day_jumps=True)], ids=["", "clock jumps"])
def test_a_holder_that_shows_life_is_not_robbed(runs, server, place, inside):
    """A lease that is renewed while one waits stays whose it is."""
    put_lease(server)
    job = runs.start(place, inside=inside)
    job.until_said("for a sign of life")
    put_lease(server, renewals=1)
    code, log = job.wait()
    assert code == OutputError.exit_code, log
    assert "elsewhere, process 17 is writing to this folder" in log
    assert json.loads(server.objects()[LEASE])["token"] == "theirs"


@pytest.mark.parametrize("damage", [b"", b"\xff\x00", b"[]", b"{}"], ids=repr)
def test_a_garbled_lease_is_that_of_a_silent_holder(runs, server, place, damage):
    """It names nobody, so nobody renews it: taken over after its time."""
    server.put(LEASE, damage)
    grow_old(server, 29)
    code, log = runs.finish(place)
    assert code == 0, log


# Where the first job is stopped: its request, whether the store has done it by then.
STOPPED = {
    "before its data are up": (STATE_12, False),
    "before its manifest": (r"/upload/.*step=00000012/MANIFEST", False),
    "after its only manifest": (MANIFEST_4, True),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", STOPPED)
def test_a_holder_that_wakes_too_late_is_fenced_off(runs, ledger, place, untouched, case):
    """Stopped past its time, another takes over; awake again the first commits nothing that counts,
    deletes nothing and ends with 73, and the other's run ends bit for bit."""
    path, is_done = STOPPED[case]
    server = ledger.server
    if case == "before its manifest":
        # On its way already, the manifest still lands, though its data are collected. Nobody can
        # go on from it, it keeps nothing else in place, and the other's own replaces it.
        ledger.forgiven = frozenset({12})
    at_first = server.fault(path=path, stall_s=HELD_S, commit_first=is_done)
    first = runs.start(place, storage_timeout_s=HELD_S)
    first.until_hit(at_first)
    first.send(signal.SIGSTOP)
    grow_old(server, 31)
    at_second = server.fault(path=r"/upload/.*/state-", stall_s=HELD_S)  # its first save
    second = runs.start(place, storage_timeout_s=HELD_S)
    second.until_hit(at_second)
    before = place.files()
    first.send(signal.SIGCONT)
    at_first.over.set()
    code, log = first.wait()
    assert code == OutputError.exit_code, log
    assert "its lease went to" in log
    assert f"process {second.process.pid}" in log
    after = place.files()
    assert {p: d for p, d in after.items() if p in before} == before
    new = {path for path in after.keys() - before.keys() if not path.startswith("logs/")}
    assert all(re.search(r"/state-\w+\.pt$|step=00000012/MANIFEST", path) for path in new), new
    assert sound_steps(after, ledger.forgiven) == sound_steps(before, ledger.forgiven)
    server.clear_faults()
    code, log = second.wait()
    assert code == 0, log
    assert place.outcome() == untouched()


@pytest.mark.slow
def test_a_lease_that_is_deleted_is_lost(runs, server, place):
    """Who deletes LEASE.json has ended the run that held it: 73 at its next commit."""
    held = server.fault(path=STATE_12, stall_s=HELD_S)
    job = runs.start(place, storage_timeout_s=HELD_S)
    job.until_hit(held)
    server.delete(LEASE)
    held.over.set()
    code, log = job.wait()
    assert code == OutputError.exit_code, log
    assert "it was deleted" in log
