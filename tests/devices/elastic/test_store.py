"""The store of machine 0, and the way there: bounded in time, one sentence, signals heard."""

import signal
import socket
import threading

import pytest
import torch.distributed as dist

from job.devices.elastic import store
from job.devices.elastic.place import Place
from job.devices.elastic.store import Connection, LostError, client, open_store
from job.errors import UnavailableError
from job.signals import Stopped, StopRequest
from tests.cloud.test_preemption import until


@pytest.fixture
def silent():
    """A server that accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def place_of(server: socket.socket, machine: int) -> Place:
    return Place(machine, 2, 1, "127.0.0.1", server.getsockname()[1])


def test_a_port_that_is_taken_is_one_sentence(silent):
    """With the port and the remedy: 69."""
    place = place_of(silent, 0)
    with pytest.raises(UnavailableError) as told:
        Connection(place, StopRequest())
    assert str(told.value) == (
        f"CLUSTER_SPEC: port {place.port} of this machine, the first, cannot be opened "
        "(Address already in use); end what uses it."
    )


def test_a_first_machine_that_says_nothing_is_given_up(silent, monkeypatch):
    """Something else listens there; torch would wait for its answer."""
    monkeypatch.setattr(store, "ANSWER_WITHIN_S", 0.5)
    with pytest.raises(UnavailableError, match="does not answer as this job does") as told:
        Connection(place_of(silent, 1), StopRequest())
    assert "look at what listens there" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_signal_is_heard_while_the_first_machine_says_nothing(silent):
    """The waiting is torch's, in a thread of its own."""
    stop = StopRequest()
    timer = threading.Timer(0.3, setattr, (stop, "received", signal.SIGINT))
    timer.start()
    with pytest.raises(Stopped) as stopped:
        Connection(place_of(silent, 1), stop)
    timer.join()
    assert stopped.value.exit_code == 130


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "b" * 64])
def test_a_name_that_does_not_resolve_is_told(monkeypatch, host):
    """Asked again as long as machines may take to start, as its name may come later."""
    monkeypatch.setattr(store, "COME_WITHIN_S", 0.2)
    with pytest.raises(UnavailableError, match=r"is not here after 0 s \(.+\); look") as told:
        Connection(Place(1, 2, 1, host, 2222), StopRequest())
    assert f"{host}:2222" in str(told.value)


def test_a_signal_ends_the_wait_for_the_first_machine():
    """Nobody listens there yet."""
    stop = StopRequest()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        place = place_of(closed, 1)
    timer = threading.Timer(0.3, setattr, (stop, "received", signal.SIGTERM))
    timer.start()
    with pytest.raises(Stopped):
        Connection(place, stop)
    timer.join()


def test_an_answer_that_never_comes_is_a_loss(monkeypatch):
    """As where the network is cut: the thread that waits for it keeps no process alive."""
    monkeypatch.setattr(store, "ANSWER_WITHIN_S", 0.3)
    connection, never = Connection(Place(), StopRequest()), threading.Event()
    with pytest.raises(LostError, match="no answer within"):
        connection.ask(never.wait)
    waiting = [thread for thread in threading.enumerate() if thread.name == "store"]
    assert waiting
    assert all(thread.daemon for thread in waiting)
    never.set()


def test_what_the_store_refuses_is_a_loss():
    """In one line of torch's many."""

    def broken():
        raise dist.DistNetworkError("Connection reset by peer\nException raised from recvBytes at")

    with pytest.raises(LostError) as lost:
        Connection(Place(), StopRequest()).ask(broken)
    assert str(lost.value) == "Connection reset by peer"


def test_a_store_that_is_gone_is_a_loss():
    """With what the system says of the connection."""
    connection = Connection(Place(), StopRequest())
    there = client("127.0.0.1", connection.store.port)
    connection.store = None
    with pytest.raises(LostError):
        until(lambda: connection.ask(lambda: there.set("a", "b")), 30)


@pytest.mark.parametrize(("machines", "is_reached"), [(1, False), (2, True)])
def test_a_single_machine_is_not_reached_from_outside(machines, is_reached):
    """Its store, which believes whoever speaks to it, listens on loopback only."""
    place = Place(0, machines)
    opened = open_store(place)
    client(place.host, place.port).set("a", "b")
    assert _is_reached("127.0.0.2", place.port) is is_reached  # as any address but 127.0.0.1
    del opened


def _is_reached(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
