"""Machines end together, for the first reason that there was."""

import signal
import socket
import subprocess
import sys
import threading

import pytest
from job.devices.cluster.failure_channel import EndReason, Watch

from job.signals import Stopped, StopRequest
from tests.cloud.test_preemption import until

# Its main thread is as good as inside of NCCL: no signal and no exception reaches it.
STUCK = """
import signal, socket, sys
from job.devices.cluster import failure_channel as watch
from job.signals import Stopped, StopRequest
watch.GRACE_S = 0.1
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
stuck = watch.Watch(0, StopRequest())
stuck.before_forced_end = lambda: print("saved", flush=True)
stuck.add(1, socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
signal.pause()
"""


@pytest.fixture
def watching():
    """The first machine's watch, which interrupts nobody, and the other ends of its connections."""
    opened = []

    def watching(*ranks: int) -> tuple[Watch, list[socket.socket]]:
        stop = StopRequest()
        stop.received = 15
        watch, others = Watch(0, stop), []
        for rank in ranks:
            with socket.create_server(("127.0.0.1", 0)) as server:
                others.append(socket.create_connection(server.getsockname()))
                accepted = server.accept()[0]
            opened.extend([others[-1], accepted])
            watch.add(rank, accepted)
        watch.has_left.set()
        return watch, others

    yield watching
    for connection in opened:
        connection.close()


def test_the_first_word_counts_and_all_hear_it(watching):
    """With the number of the machine whose it was."""
    watch, (one, two) = watching(1, 2)
    one.sendall(b'{"code": 65, "sentence": "train.txt:7 is broken."}\n')
    assert watch.heard.wait(10)
    assert watch.reason == EndReason(65, "Machine 1: train.txt:7 is broken.")
    assert not watch.say(EndReason(70, "a later one"))
    two.settimeout(10)
    told = two.recv(1000)
    assert b"65" in told
    assert b"Machine 1: train.txt:7 is broken." in told


def test_a_connection_that_ends_without_a_word_is_a_death(watching):
    """Also one that breaks off in the middle of a word."""
    for last in (b"", b'{"code": 6'):
        watch, (one,) = watching(1)
        one.sendall(last)
        one.close()
        assert watch.heard.wait(10)
        assert watch.reason.code == 69
        assert watch.reason.sentence.startswith("Machine 1 has died")


def test_the_kernel_asks_for_a_machine_that_falls_silent(watching):
    """One without power closes nothing."""
    watch, _ = watching(1)
    (connection,) = watch._connections.values()
    assert connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    idle = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
    between = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
    times = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
    assert idle + between * times <= 30


def test_a_signal_that_another_machine_got_is_heard_here(watching, monkeypatch):
    """As if it had come to this one, once."""
    sent = []
    monkeypatch.setattr("job.signals.os.kill", lambda pid, number: sent.append(number))
    watch, (one,) = watching(1)
    watch.stop.received = None
    one.sendall(b'{"code": 130, "sentence": ""}\n')
    until(lambda: sent)
    assert sent == [2]
    until(lambda: not [t for t in threading.enumerate() if t.name == "watch-1"])


def test_a_stop_that_was_agreed_on_is_not_interrupted_by_the_signal_itself():
    """It may come a moment later, while the lease is given back."""
    stop = StopRequest()
    with pytest.raises(Stopped), stop.deferred():
        raise Stopped(signal.SIGTERM)
    assert stop.received == signal.SIGTERM


def test_a_main_thread_that_never_comes_back_is_left_behind():
    """What was handed over is saved first; exit code and sentence are those of the reason."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", STUCK, str(server.getsockname()[1])],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server.accept()[0].close()
    said, told = process.communicate(timeout=30)
    assert (process.returncode, said) == (69, "saved\n")
    assert "Machine 1 has died" in told
