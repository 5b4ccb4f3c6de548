"""One writer at a time, whoever dies, sleeps or comes late."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from job.errors import IncompatibleError, OutputError, StorageError
from job.machine.liveness import is_gone, process_name
from job.signals import Stopped
from job.storage import lease, objects
from job.storage.lease import LEASE, LeaseRecord, held

ELSEWHERE = "other-boot pid:[1] 7 99"


def left_behind(url: str, **facts: object) -> LeaseRecord:
    """A lease in the store that nobody renews any more."""
    left = LeaseRecord("a-vm, process 7", ELSEWHERE, **facts)
    objects.write_bytes(objects.join(url, LEASE), left.to_bytes())
    return left


def stands(url: str) -> LeaseRecord:
    return LeaseRecord.from_bytes(objects.read_bytes(objects.join(url, LEASE)))


def wait_until(happens: Callable[[], bool]) -> None:
    """However busy the machine is; what never happens fails."""
    for _ in range(600):
        if happens():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen")


def test_it_is_held_inside_and_gone_after(url):
    """Who ends well leaves nothing."""
    with held(url) as mine:
        mine.confirm()
        assert stands(url).token == mine.record.token
    assert not objects.exists(objects.join(url, LEASE))


@pytest.mark.parametrize("call", ["create", "swap"])
def test_a_stop_in_the_moment_of_taking_it_leaves_none(url, monkeypatch, call):
    """The lease stands in the store before the block is entered: it is given back all the same."""
    if call == "swap":
        left_behind(url, released=True)
    act = getattr(objects, call)

    def stopped_after(*arguments):
        act(*arguments)
        raise Stopped(15)

    monkeypatch.setattr(objects, call, stopped_after)
    with pytest.raises(Stopped), held(url):
        pytest.fail("it goes on")
    assert not objects.exists(objects.join(url, LEASE))


def test_a_stop_while_another_holds_it_leaves_that_ones(url, monkeypatch, caplog):
    """Nothing of ours stands there, and nothing is said of it."""
    left = left_behind(url)

    def stop(seconds):
        raise Stopped(15)

    monkeypatch.setattr(lease.time, "sleep", stop)
    with pytest.raises(Stopped), held(url):
        pytest.fail("it goes on")
    assert stands(url) == left
    assert "stays behind" not in caplog.text


def test_a_second_job_is_refused_with_the_name_of_the_first(url):
    """A holder that renews is alive: its name and the lease's age are told."""
    with held(url, renew_every_s=0.2) as mine:
        storage_says = f"{mine.record.holder} is writing .* renewed its lease 0 s ago"
        with pytest.raises(OutputError, match=storage_says), held(url, ttl_s=10):
            pytest.fail("two hold it")
        mine.confirm()


def test_a_dead_holders_lease_is_taken_over_after_its_time(url):
    """Not before: nobody can tell a slow holder on another machine from a dead one."""
    left_behind(url)
    started_at = time.monotonic()
    with held(url, ttl_s=1.5) as mine:
        assert time.monotonic() - started_at > 0.5
        mine.confirm()


def test_its_age_is_told_by_the_stores_clock(url, monkeypatch):
    """This machine's clock may jump by days: a living lease stays, an old one is old."""
    left_behind(url)
    time.sleep(1.2)
    for jump in (-86400, 86400):
        jumped_to = time.time() + jump
        monkeypatch.setattr(time, "time", lambda: jumped_to)  # noqa: B023
        assert 0 <= lease._age_s(objects.join(url, LEASE)) < 10


def test_a_process_of_this_machine_that_ended_is_dead_at_once(url):
    """After a kill -9 on one's own machine nobody waits."""
    source = "from job.machine.liveness import process_name; print(process_name())"
    process = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    left = LeaseRecord("here, process 1", process.stdout.strip())
    objects.write_bytes(objects.join(url, LEASE), left.to_bytes())
    with held(url, ttl_s=1000) as mine:
        mine.confirm()


def test_a_living_process_is_not_gone_nor_one_elsewhere():
    """Only what can be seen from here is known to have ended."""
    assert not is_gone(process_name())
    assert not is_gone(ELSEWHERE)
    *rest, started = process_name().split()
    assert is_gone(" ".join([*rest, str(int(started) - 1)]))


def test_a_zombie_has_ended():
    """A killed child that nobody has waited for yet writes no more."""
    source = (
        "from job.machine.liveness import process_name; print(process_name(), flush=True); input()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", source], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    name = child.stdout.readline().strip()
    assert not is_gone(name)
    os.kill(child.pid, 9)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(name)
    child.communicate()


def test_of_two_takers_one_wins(url):
    """Two jobs that find the same dead lease at the same moment are not both its heirs."""
    left_behind(url, released=True)
    won, refused, ready = [], [], threading.Barrier(4)

    def take() -> None:
        ready.wait()
        try:
            with held(url, ttl_s=1, renew_every_s=0.1):
                won.append(time.monotonic())
                time.sleep(2.5)
        except OutputError:
            refused.append(1)

    takers = [threading.Thread(target=take) for _ in range(4)]
    for taker in takers:
        taker.start()
    for taker in takers:
        taker.join()
    if url.startswith(
        "memory"
    ):  # no condition can be put on a write there: see job.storage.objects.swap
        assert len(won) + len(refused) == 4
    else:
        assert (len(won), len(refused)) == (1, 3)


def test_who_wakes_after_his_time_is_fenced_off(url):
    """Renewing, confirming and ending all notice that another holds the lease now."""
    with pytest.raises(OutputError, match=r"its lease went to a-vm"), held(url) as mine:  # noqa: PT012
        left_behind(url)
        mine.check()  # nothing has been asked yet
        mine.confirm()
    assert stands(url).holder == "a-vm, process 7"
    with pytest.raises(OutputError, match=r"a-vm"), held(url, ttl_s=0, renew_every_s=0.1) as mine:  # noqa: PT012
        left_behind(url)
        time.sleep(0.5)
        mine.check()


def test_an_outage_does_not_end_a_lease(gcs, hurried):
    """A renewal that fails is tried again at the next one."""
    with held("gs://bucket/outage", renew_every_s=0.2) as mine:
        fault = gcs.fault(path="LEASE", status=503, times=5)
        wait_until(lambda: fault.hits == 5)
        mine.check()
        before = mine.record.renewals
        wait_until(lambda: mine.record.renewals > before)
        mine.confirm()


def test_a_write_whose_answer_was_lost_is_ones_own(gcs):
    """Committed, and then 503: neither the taking nor a renewal is mistaken for another's."""
    taking = gcs.fault(method="POST", path="LEASE", status=503, commit_first=True)
    with held("gs://bucket/lost", renew_every_s=0.3) as mine:
        assert taking.hits == 1
        renewal = gcs.fault(method="POST", path="LEASE", status=503, commit_first=True)
        wait_until(lambda: renewal.hits == 1)
        before = mine.record.renewals
        wait_until(lambda: mine.record.renewals > before)
        mine.check()
        mine.confirm()


@pytest.mark.parametrize("failure", [StorageError("x"), ValueError("x"), KeyboardInterrupt()])
def test_a_failure_leaves_the_count_and_lets_the_next_one_in(url, failure):
    """Starts from one step that end badly are counted; the limit is told with its remedy."""
    for _ in range(3):
        with pytest.raises(type(failure)), held(url) as mine:  # noqa: PT012
            mine.count_attempt(40, max_attempts=3)
            raise failure
    with (
        pytest.raises(IncompatibleError, match=r"3 starts from step 40.*MAX_ATTEMPTS"),
        held(url) as mine,
    ):
        mine.count_attempt(40, max_attempts=3)
    with held(url) as mine:
        mine.count_attempt(40, max_attempts=0)
        mine.count_attempt(41, max_attempts=1)


def test_being_asked_to_stop_is_no_failed_attempt(url):
    """A run that spot machines stop again and again may go on for ever."""
    for _ in range(5):
        with pytest.raises(Stopped), held(url) as mine:  # noqa: PT012
            mine.count_attempt(0, max_attempts=2)
            raise Stopped(15)
    assert not objects.exists(objects.join(url, LEASE))


def test_the_check_refuses_a_held_folder_as_a_run_would(url):
    """Where the holder shows life, and not where there is none or it is dead; nothing is taken."""
    lease.require_free(url)
    with (
        held(url, renew_every_s=0.1) as mine,
        pytest.raises(OutputError, match=f"{mine.record.holder} is writing"),
    ):
        lease.require_free(url, ttl_s=30)
    for released in (True, False):
        left_behind(url, released=released)
        lease.require_free(url, ttl_s=0.2)
        assert objects.exists(objects.join(url, LEASE))


def test_the_check_refuses_too_many_attempts_as_a_run_would(url):
    """It counts none itself."""
    lease.require_attempts(url, 40, 3)
    for _ in range(2):
        with pytest.raises(ValueError, match="x"), held(url) as mine:  # noqa: PT012
            mine.count_attempt(40, max_attempts=3)
            raise ValueError("x")
    for _ in range(2):
        lease.require_attempts(url, 40, 3)
    lease.require_attempts(url, 50, 2)
    with pytest.raises(IncompatibleError, match="2 starts from step 40"):
        lease.require_attempts(url, 40, 2)


def test_what_was_given_back_is_taken_without_a_word(url, caplog):
    """After a run that failed nobody needs to hear of a lease; of a dead holder's they do."""
    caplog.set_level("INFO")
    left_behind(url, released=True)
    with held(url):
        pass
    assert "lease" not in caplog.text
    left_behind(url)
    with held(url, ttl_s=0.1):
        pass
    assert "The lease of a-vm, process 7, which has ended, was taken over" in caplog.text


def test_a_damaged_record_is_an_unknown_holders(url):
    """Garbage in the lease blocks nobody for longer than a dead holder would."""
    objects.write_bytes(objects.join(url, LEASE), b"\x00garbage")
    with held(url, ttl_s=0.5) as mine:
        mine.confirm()
    assert LeaseRecord.from_bytes(b"[]").holder == "unknown"
    record = LeaseRecord("a", "b", "c")
    assert LeaseRecord.from_bytes(record.to_bytes()) == record
