"""The look of a rank at the others, and its end where the main thread is stuck."""

import signal
import subprocess
import sys
import threading

import pytest

from job.devices.elastic import watch as watching
from job.devices.elastic.place import Place
from job.devices.elastic.reasons import EndReason, Round
from job.devices.elastic.store import client, open_store
from job.devices.elastic.watch import Watch
from job.signals import StopRequest
from tests.cloud.test_preemption import until

PATIENCE_S = 60
# Its main thread is as good as inside of NCCL: no signal and no exception reaches it.
STUCK = """
import signal, sys
from job.devices.elastic import watch
from job.devices.elastic.reasons import Round
from job.devices.elastic.store import client
from job.signals import StopRequest
watch.GRACE_S = 0.1
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGINT])
stuck = watch.Watch(Round(client("127.0.0.1", int(sys.argv[1])), 0), 1, 2, StopRequest())
def save():
    print("saved", flush=True)
    if sys.argv[3] == "full":
        raise OSError("No space left")
stuck.before_forced_end = save
stuck.step_within(float(sys.argv[2]))
print("watching", flush=True)
while True:
    signal.pause()
"""


class Ranks:
    """The watches of a round, with the round as others have it."""

    def __init__(self):
        place = Place()
        self.store = open_store(place)
        self.port = place.port
        self.others = Round(client(place.host, self.port), 0)
        self.opened = []

    def watch(self, rank: int = 0, count: int = 2) -> Watch:
        round_ = Round(client("127.0.0.1", self.port), 0)
        self.opened.append(Watch(round_, rank, count, StopRequest()))
        return self.opened[-1]


@pytest.fixture
def sent(monkeypatch):
    """The signals that this process would have got."""
    sent = []
    monkeypatch.setattr("job.signals.os.kill", lambda _, number: sent.append(number))
    return sent


@pytest.fixture
def ranks(monkeypatch, sent):
    monkeypatch.setattr(watching, "GRACE_S", 600)
    monkeypatch.setattr(watching, "LOOK_EVERY_S", 0.02)
    ranks = Ranks()
    yield ranks
    for watch in ranks.opened:
        watch.has_left.set()


def test_an_error_of_another_rank_interrupts_the_main_thread(ranks, sent):
    """As SIGTERM would, once; the reason says what it was."""
    watch = ranks.watch()
    ranks.others.say(EndReason(65, "Rank 1: train.txt:7 is broken."))
    assert watch.heard.wait(PATIENCE_S)
    until(lambda: sent, PATIENCE_S)
    assert watch.reason == EndReason(65, "Rank 1: train.txt:7 is broken.")
    assert sent == [signal.SIGTERM]


def test_a_signal_that_another_rank_got_is_heard_here(ranks, sent):
    """As itself, once, and the watch goes on: a save may hang."""
    watch = ranks.watch()
    ranks.others.say(EndReason(130))
    until(lambda: sent, PATIENCE_S)
    until(lambda: not watch.stop.received, PATIENCE_S)
    watch.stop.received = sent[0]
    watch.step_within(0)
    until(lambda: watch.reason.code == 69, PATIENCE_S)
    assert sent == [signal.SIGINT]
    assert "training has hung" in watch.reason.sentence


def test_a_rank_that_is_leaving_is_not_interrupted(ranks, sent):
    """It knows why, and gives back what it holds."""
    watch = ranks.watch()
    watch.is_leaving = True
    ranks.others.say(EndReason(65, "broken"))
    assert watch.heard.wait(PATIENCE_S)
    until(lambda: watch.reason, PATIENCE_S)
    watch.has_left.set()
    assert not sent


def test_the_end_of_all_work_interrupts_nobody(ranks, sent):
    """Code 0 is heard, and the watch is over."""
    watch = ranks.watch()
    ranks.others.say(EndReason(0))
    assert watch.heard.wait(PATIENCE_S)
    assert watch.reason == EndReason(0)
    assert not sent


def test_the_rank_that_is_behind_is_named(ranks):
    """Not the healthy one, which waits for it in a collective and finds out."""
    behind, before = ranks.watch(rank=1), ranks.watch(rank=0)
    for watch, steps in ((behind, 4), (before, 5)):
        for _ in range(steps):
            watch.note_step()
    keys = [ranks.others.key("step", rank) for rank in (0, 1)]
    until(lambda: ranks.others.store.check(keys), PATIENCE_S)
    until(lambda: ranks.others.store.multi_get(keys) == [b"5", b"4"], PATIENCE_S)
    before.step_within(0)
    before.steps = 5
    assert behind.heard.wait(PATIENCE_S)
    assert behind.reason.code == 69
    assert behind.reason.sentence.startswith(
        "Rank 1 did not come as far as the others within 0 s, and training has hung"
    )
    assert "STEP_TIMEOUT_S" in behind.reason.sentence


def test_a_hang_of_all_ranks_accuses_none(ranks):
    """All have come as far as each other."""
    watch = ranks.watch(count=1)
    watch.step_within(0)
    assert watch.heard.wait(PATIENCE_S)
    assert watch.reason.sentence.startswith("No rank came any further within 0 s")


def test_steps_that_come_in_time_are_no_hang(ranks, monkeypatch):
    """Each puts the time off; after the last, none is due."""
    now = [0.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    watch = ranks.watch()
    watch.step_within(10)
    for now[0] in (9.0, 18.0, 27.0):
        watch.note_step()
        assert watch.due_at == now[0] + 10
    watch.step_within(watching.NEVER)
    now[0] = 1e9
    assert watch._look() is None


class DeadAgent:
    """The process that started a rank off a forkserver, which outlives it."""

    def is_alive(self) -> bool:
        return False

    def join(self) -> None:
        threading.Event().wait()  # else this process would be ended


@pytest.mark.parametrize(
    ("module", "name", "dead"),
    [("multiprocessing", "parent_process", DeadAgent()), ("os", "getppid", 1)],
    ids=["agent", "forkserver"],
)
def test_the_death_of_the_agent_ends_the_ranks(ranks, monkeypatch, module, name, dead):
    """Nobody would end them otherwise; all machines hear of it."""
    if name == "parent_process":
        monkeypatch.setattr(getattr(watching, module), name, lambda: dead)
    watch = ranks.watch(rank=1)
    monkeypatch.setattr(getattr(watching, module), name, lambda: dead)
    assert watch.heard.wait(PATIENCE_S)
    assert ranks.others.why() == watch.reason
    assert watch.reason.code == 69
    assert watch.reason.sentence.startswith("The agent of rank 1 has died")


def test_a_store_that_is_gone_ends_the_rank(ranks, sent):
    """Machine 0 has been taken away: 69."""
    watch = ranks.watch()
    ranks.store = None
    assert watch.heard.wait(PATIENCE_S)
    until(lambda: sent, PATIENCE_S)
    assert watch.reason.code == 69
    assert watch.reason.sentence.startswith("Machine 0 has died, or the connection to it")


@pytest.mark.parametrize(
    ("within_s", "reason", "disk", "code"),
    [
        ("inf", EndReason(65, "Rank 0: train.txt:7 is broken."), "roomy", 65),
        ("inf", EndReason(65, "Rank 0: train.txt:7 is broken."), "full", 65),
        ("1", EndReason(143), "roomy", 69),
    ],
    ids=["error", "error and full disk", "hang after a stop"],
)
def test_a_main_thread_that_never_comes_back_is_left_behind(within_s, reason, disk, code):
    """What was handed over is saved first; the exit code is that of the reason."""
    place = Place()
    store = open_store(place)
    process = subprocess.Popen(
        [sys.executable, "-c", STUCK, str(place.port), within_s, disk],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "watching\n"
    Round(client(place.host, place.port), 0).say(reason)
    said, told = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, said) == (code, "saved\n")
    assert ("The last checkpoint was not saved: No space left" in told) is (disk == "full")
    del store
