"""A machine that is about to be taken away stops the run, as SIGTERM does."""

import signal
import time

import pytest

from job.cloud.preemption import stop_when_preempted
from job.signals import Stopped, StopRequest
from tests.support.metadata import MetadataServer
from tests.support.runs import World, finish, start


@pytest.fixture
def server():
    with MetadataServer() as server:
        yield server


def until(condition, timeout_s: float = 10) -> None:
    over_at = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < over_at
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("name", "value"),
    [("preempted", "TRUE"), ("maintenance-event", "TERMINATE_ON_HOST_MAINTENANCE")],
)
def test_a_notice_that_comes_is_heard_at_once(server, name, value):
    """The request waits at the server, and its answer asks this process to stop."""
    stop = StopRequest()
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    stop.install()
    try:
        with stop_when_preempted(server.host), stop.deferred():
            until(lambda: sum("wait_for_change=true" in path for path in server.asked) == 2)
            server.change(name, value)
            until(lambda: stop.received)
        with pytest.raises(Stopped):
            stop.raise_if_received()
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])


def test_maintenance_that_was_known_at_the_start_is_only_told(server, caplog):
    """It may be an hour away: a run that is started then is to use the hour."""
    server.values["maintenance-event"] = "TERMINATE_ON_HOST_MAINTENANCE"
    stop = StopRequest()
    with stop_when_preempted(server.host):
        until(lambda: sum("wait_for_change=true" in path for path in server.asked) == 2)
    assert stop.received is None
    assert "shut down for maintenance" in caplog.text


def test_outside_google_cloud_nobody_is_asked(tmp_path, server):
    """Without the variable the firmware decides, and an answer is never waited for."""
    product = tmp_path / "product_name"
    with stop_when_preempted(None, product):
        pass
    product.write_text("Standard PC\n")
    with stop_when_preempted(None, product):
        pass
    assert server.asked == []


def test_a_run_on_a_preempted_machine_saves_and_exits_143(tmp_path, server):
    """On a CPU as on a GPU's or a TPU's VM: one checkpoint, 143, and the next start goes on."""
    world = World(tmp_path)
    flags = world.flags(epochs=40, save_every_steps=2)
    process = start(flags, GCE_METADATA_HOST=server.host)
    log = ""
    for text in process.stdout:
        log += text
        if "Saved" in text:
            server.change("preempted", "TRUE")
            break
    code, rest = finish(process)
    assert code == 143, log + rest
    assert "This machine is about to be taken away (preempted = TRUE)" in rest
    server.change("preempted", "FALSE")
    code, log = finish(start(world.flags(epochs=40, test_mode="false", save_every_steps=2)))
    assert code == 0, log
    assert "Going on from" in log
