"""A fault on one core ends the run on all of them, soon, and is told."""

import re

import pytest

from tests.tpu.runs import finish, start

FAULTS = {
    "data error": (65, "train.txt:7: this line is broken; mend it."),
    "death": (69, "Process \\d+, which trained, has died."),
    "other shape": (70, "core 2, epoch 1, step 3: a batch of .* where the cores planned"),
    "other plan": (70, "has planned other shapes than the other cores"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_core_that_fails_ends_all(fault, world):
    """The exit code and the sentence are the fault's, and nobody waits for the core."""
    code, sentence = FAULTS[fault]
    process = start(4, world.flags("broken", 4, resume="never"), "tests.tpu.broken", BREAK=fault)
    ended, log = finish(process)
    assert ended == code, log

    assert re.search(sentence, log), log
