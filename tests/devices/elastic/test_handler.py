"""The agents of a cluster meet, round after round, and end for one reason."""

import signal
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import pytest

from job.devices.elastic import entry, handler
from job.devices.elastic.handler import ClusterHandler
from job.devices.elastic.place import Place
from job.devices.elastic.reasons import EndedError, EndReason, lost
from job.devices.elastic.store import LostError
from job.signals import Stopped, StopRequest
from tests.cloud.test_preemption import until

PATIENCE_S = 60
ALIKE = {"the number of devices": 2}
CRASH = lost("Rank 1 was killed")


class Cluster:
    """Machines on loopback, each in a thread."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        self.threads = ThreadPoolExecutor(8)
        self.opened = []

    def machine(self, number: int, count: int = 2, restarts: int = 0, **facts) -> ClusterHandler:
        place = Place(number, count, 2, "127.0.0.1", self.port)
        made = ClusterHandler(place, ALIKE | facts, restarts, StopRequest())
        self.opened.append(made)
        return made

    def enter(self, *machines: ClusterHandler) -> list[Future]:
        """Each on its way into the next round."""
        return [self.threads.submit(machine.next_rendezvous) for machine in machines]

    def meet(self, *machines: ClusterHandler) -> list:
        return [each.result(PATIENCE_S) for each in self.enter(*machines)]

    def end(self):
        for machine in self.opened:
            machine.stop.received = signal.SIGTERM
        self.threads.shutdown()


@pytest.fixture
def cluster():
    cluster = Cluster()
    yield cluster
    cluster.end()


def look(machine: ClusterHandler) -> bool:
    """As the agent does ten times a second: whether the ranks start again."""
    return machine.num_nodes_waiting() > 0


def reason_heard(machine: ClusterHandler) -> EndReason:
    with suppress(EndedError):
        until(lambda: look(machine) or machine.reason, PATIENCE_S)
    return machine.reason


def why_ended(way_in: Future) -> EndReason:
    with pytest.raises(EndedError) as ended:
        way_in.result(PATIENCE_S)
    return ended.value.reason


def test_the_order_is_that_of_the_cluster_whoever_comes_first(cluster):
    """A worker that is there before the first machine waits, and keeps its number."""
    second = cluster.machine(2, 3)
    (waiting,) = cluster.enter(second)
    met = cluster.meet(cluster.machine(1, 3), cluster.machine(0, 3))
    infos = [met[1], met[0], waiting.result(PATIENCE_S)]
    assert [(info.rank, info.world_size) for info in infos] == [(0, 3), (1, 3), (2, 3)]
    infos[1].store.set("word", "said")
    assert infos[2].store.get("word") == b"said"


def test_the_first_reason_counts_on_all_machines(cluster):
    """A later one changes nothing, not even on the machine that gave it."""
    zero, one = cluster.machine(0), cluster.machine(1)
    cluster.meet(zero, one)
    assert not look(zero)
    first = EndReason(65, "train.txt:7 is broken.", 1)
    one.say(first)
    zero.say(EndReason(70, "a later one"))
    assert zero.reason == one.reason == first
    for machine in (zero, one):
        with pytest.raises(EndedError):
            look(machine)


def test_a_signal_ends_the_ranks_by_themselves(cluster):
    """They save: the agents neither end them nor start them again."""
    zero, one = cluster.machine(0, restarts=3), cluster.machine(1, restarts=3)
    cluster.meet(zero, one)
    one.stop.received = signal.SIGTERM
    assert not look(one)
    assert reason_heard(zero) == EndReason(143)
    assert not look(zero)


def test_what_may_pass_is_tried_again_as_often_as_allowed(cluster, caplog):
    """Each time in a round of its own; then it ends all machines."""
    zero, one = cluster.machine(0, restarts=2), cluster.machine(1, restarts=2)
    for number in range(3):
        cluster.meet(zero, one)
        assert (zero.round.number, one.round.number) == (number, number)
        assert zero.reason is one.reason is None
        zero.say(CRASH)
        assert reason_heard(one) == CRASH
        if number < 2:
            assert look(zero)
            assert look(one)
    assert zero.used == one.used == 2
    assert "Rank 1 was killed. All ranks start again (2 of 2)." in caplog.text
    for way_in in cluster.enter(zero, one):
        assert why_ended(way_in) == CRASH


@pytest.mark.parametrize("code", [64, 65, 73, 77, 78, 130, 143])
def test_what_does_not_pass_is_never_tried_again(cluster, code):
    """Another start would end the same way, or was not wanted."""
    zero, one = cluster.machine(0, restarts=3), cluster.machine(1, restarts=3)
    cluster.meet(zero, one)
    zero.say(EndReason(code, "It is so."))
    assert reason_heard(one).code == code
    for way_in in cluster.enter(zero, one):
        assert why_ended(way_in).code == code


def test_a_machine_that_comes_back_knows_how_many_restarts_are_used(cluster, monkeypatch):
    """The most that any of them knows of counts."""
    zero, one = cluster.machine(0, restarts=2), cluster.machine(1, restarts=2)
    cluster.meet(zero, one)
    zero.say(CRASH)
    reason_heard(one)
    cluster.meet(zero, one)
    zero.say(CRASH)
    monkeypatch.setattr(entry, "TOKEN", "of the new one")
    anew = cluster.machine(1, restarts=2)
    cluster.meet(zero, anew)
    assert anew.used == zero.used == 2


def test_a_machine_started_anew_ends_the_running_round(cluster, monkeypatch):
    """The ranks of the others wait for ones that are gone; with a restart left all meet again."""
    zero, one = cluster.machine(0, restarts=1), cluster.machine(1, restarts=1)
    cluster.meet(zero, one)
    monkeypatch.setattr(entry, "TOKEN", "of the new one")
    anew = cluster.machine(1, restarts=1)
    (way_in,) = cluster.enter(anew)
    assert reason_heard(zero).sentence.startswith("Machine 1 was started anew")
    cluster.meet(zero)
    assert way_in.result(PATIENCE_S).rank == 1
    assert zero.round.number == anew.round.number == 1


def test_a_machine_started_anew_without_a_restart_ends_all(cluster, monkeypatch):
    """With 69 and the remedy."""
    zero, one = cluster.machine(0), cluster.machine(1)
    cluster.meet(zero, one)
    monkeypatch.setattr(entry, "TOKEN", "of the new one")
    (way_in,) = cluster.enter(cluster.machine(1))
    assert why_ended(way_in).code == 69
    assert reason_heard(zero).sentence.endswith("it goes on from the last checkpoint.")


def test_the_first_reason_also_counts_for_one_that_comes_later(cluster, monkeypatch):
    """The round has ended before it was started anew."""
    zero, one = cluster.machine(0), cluster.machine(1)
    cluster.meet(zero, one)
    zero.say(CRASH)
    monkeypatch.setattr(entry, "TOKEN", "of the new one")
    (way_in,) = cluster.enter(cluster.machine(1))
    assert why_ended(way_in) == CRASH


def test_the_first_machine_may_come_back_with_an_empty_store(cluster, monkeypatch):
    """The others find it again under its address, and their count of restarts is kept."""
    zero, one = cluster.machine(0, restarts=1), cluster.machine(1, restarts=1)
    cluster.meet(zero, one)
    zero.entry.connection.store = zero.entry = zero.round = zero.beats = None  # its store closes
    assert reason_heard(one).sentence.startswith("Machine 0 has died")
    monkeypatch.setattr(entry, "TOKEN", "of the new one")
    anew = cluster.machine(0, restarts=1)
    cluster.meet(anew, one)
    assert anew.used == one.used == 1


def test_machines_that_differ_are_named(cluster):
    """One without a GPU, as here, or with other DEVICES: 78 on all, whatever restarts are left."""
    zero = cluster.machine(0, 3, restarts=3, **{"the device": "NVIDIA L4"})
    one = cluster.machine(1, 3, restarts=3, **{"the device": "NVIDIA L4"})
    two = cluster.machine(2, 3, restarts=3, **{"the device": "CPU"})
    for way_in in cluster.enter(zero, one, two):
        assert why_ended(way_in) == EndReason(
            78,
            "Machine 2 would train otherwise than the first: the device is CPU there and NVIDIA L4 "
            "on the first. Start all of them alike.",
        )


def test_a_machine_that_does_not_come_is_named(cluster, monkeypatch):
    """On each that came, after the time that all have."""
    for module in (entry, handler):
        monkeypatch.setattr(module, "COME_WITHIN_S", 0.5)
    zero, one = cluster.machine(0, 4, restarts=3), cluster.machine(1, 4, restarts=3)
    for way_in in cluster.enter(zero, one):
        reason = why_ended(way_in)
        assert reason.code == 69
        assert reason.sentence.startswith("Machines 2 and 3 are not here after ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_others_are_awaited_ends_all_that_wait(cluster, number):
    """One machine is asked to stop, and the other ends with the same code."""
    zero, one = cluster.machine(0, 3), cluster.machine(1, 3)
    ways_in = cluster.enter(zero, one)
    until(lambda: zero.round and one.round, PATIENCE_S)
    one.stop.received = number
    assert why_ended(ways_in[0]) == EndReason(128 + number)
    with pytest.raises((EndedError, Stopped)):
        ways_in[1].result(PATIENCE_S)


def test_a_signal_while_the_first_machine_is_awaited(cluster):
    """Nobody listens yet: it ends this one at once."""
    one = cluster.machine(1)
    (way_in,) = cluster.enter(one)
    one.stop.received = signal.SIGTERM
    with pytest.raises(Stopped):
        way_in.result(PATIENCE_S)


def test_a_machine_that_falls_silent_has_died(cluster, monkeypatch):
    """Its power is cut, and no connection is closed: machine 0 misses its beats, not others'."""
    monkeypatch.setattr("job.devices.elastic.beats.BEAT_EVERY_S", 0)
    zero, one, two = (cluster.machine(number, 3) for number in range(3))
    cluster.meet(zero, one, two)
    for machine in (zero, one, two):
        assert not look(machine)
    monkeypatch.setattr("job.devices.elastic.beats.SILENT_AFTER_S", 0.5)
    monkeypatch.setattr("job.devices.elastic.beats.STARTED_WITHIN_S", 10 * PATIENCE_S)
    with pytest.raises(EndedError):
        until(lambda: look(one) or look(zero), PATIENCE_S)
    assert zero.reason.code == 69
    assert zero.reason.sentence.startswith("Machine 2 has died: silent for ")


def test_a_machine_may_be_slow_to_start(cluster, monkeypatch):
    """Before its first beat it has longer."""
    monkeypatch.setattr("job.devices.elastic.beats.BEAT_EVERY_S", 0)
    monkeypatch.setattr("job.devices.elastic.beats.SILENT_AFTER_S", 0)
    zero, one = cluster.machine(0), cluster.machine(1)
    cluster.meet(zero, one)
    for _ in range(5):
        assert not look(zero)
    monkeypatch.setattr("job.devices.elastic.beats.STARTED_WITHIN_S", 0)
    assert reason_heard(zero).sentence.startswith("Machine 1 has died: silent")


def test_the_first_machine_leaves_last(cluster, monkeypatch):
    """Its store is there until the others have read why."""
    monkeypatch.setattr(entry, "LEFT_WITHIN_S", PATIENCE_S)
    zero, one = cluster.machine(0), cluster.machine(1)
    cluster.meet(zero, one)
    zero.say(EndReason(0))
    leaving = threading.Thread(target=zero.leave)
    leaving.start()
    leaving.join(0.5)
    assert leaving.is_alive()
    assert reason_heard(one) == EndReason(0)
    one.leave()
    leaving.join(PATIENCE_S)
    assert not leaving.is_alive()


def test_the_first_machine_does_not_wait_for_ever(cluster, monkeypatch):
    """For one that is gone it waits a few seconds."""
    monkeypatch.setattr(entry, "LEFT_WITHIN_S", 0.2)
    zero, one = cluster.machine(0), cluster.machine(1)
    cluster.meet(zero, one)
    zero.leave()


def test_a_store_that_is_gone_ends_the_machine(cluster):
    """Without a restart left: 69, and the first machine's death as the reason."""
    zero, one = cluster.machine(0), cluster.machine(1)
    cluster.meet(zero, one)
    zero.entry.connection.store = zero.entry = zero.round = zero.beats = None
    with pytest.raises(EndedError, match="Machine 0 has died, or the connection to it has broken"):
        until(lambda: look(one), PATIENCE_S)
    with suppress(LostError):
        one.leave()
