"""The process that starts the ranks of a machine and has the exit code."""

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from job.devices.elastic.agent import run_ranks, why_it_ended
from job.devices.elastic.peers import ElasticPeers
from job.devices.elastic.place import Place
from job.devices.elastic.reasons import EndReason
from job.errors import JobError
from job.machine.surroundings import FAMILIES, LAUNCHERS
from job.signals import StopRequest
from tests.machine.test_surroundings import LEFT_OVER

PATIENCE_S = 300
ROOT = Path(__file__).parent.parent.parent.parent


@pytest.mark.parametrize(
    ("ended", "code", "said"),
    [
        (-signal.SIGKILL, 69, "killed (SIGKILL), as happens when memory runs out; start the job"),
        (
            -signal.SIGBUS,
            69,
            "crashed (SIGBUS). Its /dev/shm may be too small: start the container "
            "with --shm-size=1g.",
        ),
        (-signal.SIGSEGV, 70, "has crashed (SIGSEGV)."),
        (-signal.SIGABRT, 70, "has crashed (SIGABRT)."),
        (-40, 70, "has crashed (signal 40)."),
        (74, 74, "ended with exit code 74; its log says more."),
        (1, 1, "ended with exit code 1; its log says more."),
    ],
)
def test_the_exit_code_of_a_rank_is_told_in_words(ended, code, said):
    """Where it could say none itself, with its number."""
    reason = why_it_ended(3, ended, 1)
    assert reason.code == code
    assert reason.sentence.startswith("Rank 3 ")
    assert said in reason.sentence


def test_a_rank_that_has_left_by_itself_has_told_why():
    """The log of its machine has the reason; a crash is in none."""
    assert why_it_ended(3, 74, 1).told_on == 1
    assert why_it_ended(3, -signal.SIGSEGV, 1).told_on != 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_rank_that_a_signal_has_ended_was_stopped(number):
    """That is no failure, and has no sentence."""
    assert why_it_ended(0, -number, 0) == EndReason(128 + number)


def test_a_rank_that_ended_before_it_listened_was_interrupted():
    """Torch ends it with 0 then; a rank that is done has said so."""
    assert why_it_ended(0, 0, 0).code == 130


def act(peers: ElasticPeers, _: StopRequest) -> int:
    """Rank 1 is killed, and once more when it has been started again."""
    left = [name for name in os.environ if name in LAUNCHERS or name.startswith(FAMILIES)]
    print(
        f"rank {peers.rank} of {peers.count}, round {peers.round.number}, left {left}", flush=True
    )
    if peers.rank == 1:
        os.kill(os.getpid(), signal.SIGBUS if peers.round.number else signal.SIGKILL)
    time.sleep(PATIENCE_S)
    return 0


def start() -> int:
    """An agent of two ranks, as `job.ranked` starts it."""
    logging.basicConfig()
    place = Place(devices=2)
    try:
        return run_ranks(act, place, facts={}, restarts=1, stop=StopRequest(), environ=os.environ)
    except JobError as error:
        print(error, flush=True)
        return error.exit_code


@pytest.fixture(scope="module")
def killed_twice():
    """Exit code and log of such an agent, among what launchers have left."""
    taken_out = "import os; from job.machine import take_out_launchers as t; t(os.environ)"
    done = subprocess.run(
        [sys.executable, "-c", f"{taken_out}; import sys, {__name__} as it; sys.exit(it.start())"],
        cwd=ROOT,
        env={**os.environ, **LEFT_OVER},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout


def test_what_launchers_left_changes_no_rank(killed_twice):
    """RANK and MASTER_ADDR of Vertex AI, SLURM's and others: each rank has its own number."""
    _, log = killed_twice
    for number in (0, 1):
        assert f"rank {number} of 2, round 0, left []" in log


def test_a_killed_rank_is_started_again_where_that_is_allowed(killed_twice):
    """All are, in the next round."""
    _, log = killed_twice
    assert "Rank 1 was killed (SIGKILL), as happens when memory runs out. All ranks start" in log
    for number in (0, 1):
        assert f"rank {number} of 2, round 1" in log


def test_a_killed_rank_ends_the_machine_in_one_sentence(killed_twice):
    """With the rank's number and what to do, though the other rank hears nothing."""
    code, log = killed_twice
    assert code == 69, log
    assert log.endswith(
        "Rank 1 has crashed (SIGBUS). Its /dev/shm may be too small: start the container with "
        "--shm-size=1g.\n"
    )
