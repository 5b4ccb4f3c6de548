"""The first process answers the ranks, ends them when one fails, and notices when one dies."""

import logging
import multiprocessing
import socket
import subprocess
import sys
import threading
import time

import pytest

from job.devices.tpu.coordinator import END, Coordinator, CoordinatorClient, LogToCoordinator
from job.devices.tpu.remote import RemoteStop
from job.errors import DataError, OutputError, UnavailableError

WATCHED = """
import os, sys, time
from job.devices.tpu.coordinator import CoordinatorClient
address, key = sys.argv[1], bytes.fromhex(sys.argv[2])
CoordinatorClient(address, key).ask("begin", os.getpid())
CoordinatorClient(address, key).watch(lambda: print("saved", flush=True))
print("works", flush=True)
time.sleep(60)
"""
COORDINATOR = """
import time
from job.devices.tpu.coordinator import Coordinator
with Coordinator({}) as coordinator:
    print(coordinator.address, coordinator.key.hex(), flush=True)
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

    with Coordinator({"double": lambda n: 2 * n, "confirm": confirm}) as coordinator:
        client = CoordinatorClient(coordinator.address, coordinator.key)
        assert client.ask("double", 21) == 42
        with pytest.raises(OutputError, match="another job"):
            client.ask("confirm")


def test_the_first_failure_ends_every_process_and_is_told():
    """What is under way is finished first; a later failure only follows from it."""
    with Coordinator({}) as coordinator:
        process = child(coordinator.address, coordinator.key.hex())
        client = CoordinatorClient(coordinator.address, coordinator.key)
        client.ask("fail", DataError("the first"))
        client.ask("fail", DataError("the second"))
        rest, _ = process.communicate(timeout=20)
        assert rest == "saved\n"
        assert process.returncode == 1
    assert str(coordinator.failure) == "the first"


def test_a_process_that_comes_after_the_failure_is_ended_too():
    """Its word may be on its way, or not yet be heard, when another process fails."""
    with Coordinator({}) as coordinator:
        client = CoordinatorClient(coordinator.address, coordinator.key)
        client.ask("fail", DataError("the first"))
        client._connection.send(("watch", (1,)))
        assert client._connection.poll(30)
        assert client._connection.recv() == END


def test_a_process_that_dies_is_noticed():
    """Its connection closes while its ranks have not said that they are done."""
    with Coordinator({}) as coordinator:
        process = child(coordinator.address, coordinator.key.hex())
        process.kill()
        with pytest.raises(UnavailableError, match="has died"):
            coordinator.raise_failure(wait_s=30)
        process.communicate()
    assert isinstance(coordinator.failure, UnavailableError)
    assert f"Process {process.pid}" in str(coordinator.failure)


@pytest.mark.parametrize("is_open", [True, False])
def test_children_that_stay_are_killed_while_the_coordinator_is_open(monkeypatch, is_open):
    """Those of the run that failed, after its time of grace; never what is started after it."""
    monkeypatch.setattr("job.devices.tpu.coordinator.GRACE_S", 0.5)
    process = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    with Coordinator({}) as coordinator:
        CoordinatorClient(coordinator.address, coordinator.key).ask("fail", DataError("the first"))
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
    with Coordinator({}, ranks=2) as coordinator:
        process.start()
        with pytest.raises(UnavailableError, match=f"Process {process.pid} has died. Is the TPU"):
            coordinator.raise_failure(wait_s=30)
        process.join()


def test_a_core_that_never_begins_is_noticed(monkeypatch):
    """One process may have raised where the runtime opens the device, while another waits there."""
    monkeypatch.setattr("job.devices.tpu.coordinator.BEGIN_WITHIN_S", 0.1)
    with Coordinator({}, ranks=2) as coordinator:
        CoordinatorClient(coordinator.address, coordinator.key).ask("begin", 1)
        with pytest.raises(UnavailableError, match="Only 1 of 2 cores have begun"):
            coordinator.raise_failure(wait_s=30)


def test_a_process_that_dies_at_the_door_keeps_nobody_out():
    """The next one is served."""
    with Coordinator({"double": lambda n: 2 * n}) as coordinator:
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as early:
                early.connect(coordinator.address)
        assert CoordinatorClient(coordinator.address, coordinator.key).ask("double", 21) == 42


def test_the_death_of_the_coordinator_ends_the_ranks():
    """Without the process that holds the lease nobody may write."""
    coordinator = subprocess.Popen(
        [sys.executable, "-c", COORDINATOR], stdout=subprocess.PIPE, text=True
    )
    process = child(*coordinator.stdout.readline().split())
    coordinator.kill()
    coordinator.communicate()
    rest, _ = process.communicate(timeout=20)
    assert (process.returncode, rest) == (1, "")


def test_only_the_first_rank_asks_whether_to_stop():
    """And it asks a few times a second, not in each step."""
    asked = threading.Semaphore(0)

    def stop_signal() -> int:
        asked.release()
        return 15

    with Coordinator({"stop_signal": stop_signal}) as coordinator:
        first = RemoteStop(CoordinatorClient(coordinator.address, coordinator.key))
        other = RemoteStop()
        assert [first.received for _ in range(50)] == [15] * 50
        assert other.received is None
        assert sum(asked.acquire(blocking=False) for _ in range(50)) < 5


def test_the_log_says_which_core_spoke_and_says_the_rest_once():
    """All of the first rank's, warnings of the others with their number, as one record each."""
    records = []
    with Coordinator({"log": records.append}) as coordinator:
        handler = LogToCoordinator(CoordinatorClient(coordinator.address, coordinator.key))
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
