"""A stop at any moment of a start: the job says one line and leaves with 130 or 143."""

import os
import random

import pytest

from tests.faults.early import Starts

TIMES = int(os.environ.get("NER_EARLY_STOPS", "4"))  # of each command, in seconds as many


@pytest.fixture(scope="module")
def starts(tmp_path_factory) -> Starts:
    return Starts(tmp_path_factory.mktemp("starts"))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["train", "check", "predict", "spec"])
def test_stopped_while_it_starts_it_leaves_with_one_line(starts, command):
    """At random moments: 130 or 143, or Python's own death before the job's first line; one line,
    JSON where the log is JSON; no traceback; nothing half-written, and no lease."""
    chance = random.Random(command)
    for _ in range(TIMES):
        stop = starts.stop(command, chance)
        assert not stop.wrong, f"{stop.wrong}, {stop.number} after {stop.after_s:.3f} s: {stop.log}"
        assert starts.left_behind() == []
