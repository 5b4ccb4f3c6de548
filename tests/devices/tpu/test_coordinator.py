"""The first process answers the ranks, ends them when one fails, and notices when one dies."""

import logging
import multiprocessing
import socket
import subprocess
import sys
import threading
import time

import pytest

from job.devices.tpu.coordinator import END, Desk, LogToOffice, Office
from job.devices.tpu.remote import Going
from job.errors import DataError, OutputError, UnavailableError

WATCHED = """
import os, sys, time
from job.devices.tpu.coordinator import Desk
address, key = sys.argv[1], bytes.fromhex(sys.argv[2])
Desk(address, key).ask("begin", os.getpid())
Desk(address, key).watch(lambda: print("saved", flush=True))
print("works", flush=True)
time.sleep(60)
"""
OFFICE = """
import time
from job.devices.tpu.coordinator import Office
with Office({}) as office:
    print(office.address, office.key.hex(), flush=True)
    time.sleep(60)
"""


# As one does whose runtime cannot open the device. Text, so that the process need not import this
# module and all that it imports first, which takes long on a busy machine.
DIE_SOON = "import sys, time; time.sleep(0.5); sys.exit(3)"


def child(address: str, key: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", WATCHED, address, key], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "works\n"
    return process


def test_a_rank_hears_what_the_service_says_or_raises():
    """Answers and JobErrors come back to the rank that asked."""

    def confirm() -> None:
        raise OutputError("the lease went to another job")

    with Office({"double": lambda n: 2 * n, "confirm": confirm}) as office:
        desk = Desk(office.address, office.key)
        assert desk.ask("double", 21) == 42
        with pytest.raises(OutputError, match="another job"):
            desk.ask("confirm")


def test_the_first_failure_ends_every_process_and_is_told():
    """What is under way is finished first; a later failure only follows from it."""
    with Office({}) as office:
        process = child(office.address, office.key.hex())
        desk = Desk(office.address, office.key)
        desk.ask("fail", DataError("the first"))
        desk.ask("fail", DataError("the second"))
        rest, _ = process.communicate(timeout=20)
        assert rest == "saved\n"
        assert process.returncode == 1
    assert str(office.failure) == "the first"


def test_a_process_that_comes_after_the_failure_is_ended_too():
    """Its word may be on its way, or not yet be heard, when another process fails."""
    with Office({}) as office:
        desk = Desk(office.address, office.key)
        desk.ask("fail", DataError("the first"))
        desk._connection.send(("watch", (1,)))
        assert desk._connection.poll(30)
        assert desk._connection.recv() == END


def test_a_process_that_dies_is_noticed():
    """Its connection closes while its ranks have not said that they are done."""
    with Office({}) as office:
        process = child(office.address, office.key.hex())
        process.kill()
        with pytest.raises(UnavailableError, match="has died"):
            office.raise_failure(wait_s=30)
        process.communicate()
    assert isinstance(office.failure, UnavailableError)
    assert f"Process {process.pid}" in str(office.failure)


@pytest.mark.parametrize("is_open", [True, False])
def test_children_that_stay_are_killed_while_the_office_is_open(monkeypatch, is_open):
    """Those of the run that failed, after its time of grace; never what is started after it."""
    monkeypatch.setattr("job.devices.tpu.coordinator.GRACE_S", 0.5)
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    with Office({}) as office:
        Desk(office.address, office.key).ask("fail", DataError("the first"))
        process.start()
        if is_open:
            process.join(20)
    process.join(1.5)
    assert process.is_alive() is not is_open
    process.kill()
    process.join()


def test_a_process_that_dies_before_it_begins_is_noticed():
    """It has no connection yet, and the pool would wait for its siblings for ever."""
    process = multiprocessing.get_context("spawn").Process(target=exec, args=(DIE_SOON,))
    with Office({}, ranks=2) as office:
        process.start()
        with pytest.raises(UnavailableError, match=f"Process {process.pid} has died. Is the TPU"):
            office.raise_failure(wait_s=30)
        process.join()


def test_a_core_that_never_begins_is_noticed(monkeypatch):
    """One process may have raised where the runtime opens the device, while another waits there."""
    monkeypatch.setattr("job.devices.tpu.coordinator.BEGIN_WITHIN_S", 0.1)
    with Office({}, ranks=2) as office:
        Desk(office.address, office.key).ask("begin", 1)
        with pytest.raises(UnavailableError, match="Only 1 of 2 cores have begun"):
            office.raise_failure(wait_s=30)


def test_a_process_that_dies_at_the_door_keeps_nobody_out():
    """The next one is served."""
    with Office({"double": lambda n: 2 * n}) as office:
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as early:
                early.connect(office.address)
        assert Desk(office.address, office.key).ask("double", 21) == 42


def test_the_death_of_the_office_ends_the_ranks():
    """Without the process that holds the lease nobody may write."""
    office = subprocess.Popen([sys.executable, "-c", OFFICE], stdout=subprocess.PIPE, text=True)
    process = child(*office.stdout.readline().split())
    office.kill()
    office.communicate()
    rest, _ = process.communicate(timeout=20)
    assert (process.returncode, rest) == (1, "")


def test_only_the_first_rank_asks_whether_to_stop():
    """And it asks a few times a second, not in each step."""
    asked = threading.Semaphore(0)

    def going_on() -> int:
        asked.release()
        return 15

    with Office({"going_on": going_on}) as office:
        first, other = Going(Desk(office.address, office.key)), Going(None)
        assert [first.received for _ in range(50)] == [15] * 50
        assert other.received is None
        assert sum(asked.acquire(blocking=False) for _ in range(50)) < 5


def test_the_log_says_which_core_spoke_and_says_the_rest_once():
    """All of the first rank's, warnings of the others with their number, as one record each."""
    records = []
    with Office({"log": records.append}) as office:
        handler = LogToOffice(Desk(office.address, office.key))
        logger = logging.Logger("job.test")
        logger.addHandler(handler)

        def speak(rank: int) -> None:
            handler.rank_of_thread[threading.get_ident()] = rank
            logger.info("step %d", rank)
            logger.warning("slow step %d", rank)

        for rank in (0, 3):
            thread = threading.Thread(target=speak, args=(rank,))
            thread.start()
            thread.join()
    said = [record.getMessage() for record in records]
    assert said == ["step 0", "slow step 0", "core 3: slow step 3"]
    assert records[-1].fields == {"core": 3}
