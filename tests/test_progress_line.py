"""A progress line that counts aright and never gets in the way of the log."""

import io
import json
import logging
import re

import pytest

from job.log import set_up_logging
from job.progress_line import ERASE_LINE, ProgressLine, duration


def start(log_format="text", is_terminal=False, **more):
    stream = io.StringIO()
    return stream, set_up_logging(log_format, stream, is_terminal, **more)


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def progress(handler, **more):
    clock = Clock()
    return clock, ProgressLine(handler, epochs=2, clock=clock, columns=lambda: 200, **more)


def shown(stream):
    """What a terminal shows in the end, line by line."""
    lines = [""]
    for text in stream.getvalue().replace(ERASE_LINE, "\x00").replace("\n", "\x01\x00"):
        if text == "\x01":
            lines.append("")
        elif text == "\x00":
            lines[-1] = ""
        else:
            lines[-1] += text
    return lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (80, "1 min 20 s"),
        (7500, "2 h 5 min"),
        (86400 + 3 * 3600 + 59, "1 d 3 h"),
    ],
)
def test_durations_are_for_people(seconds, text):
    """Two units at most, rounded, never negative."""
    assert duration(seconds) == text


def test_the_progress_line_counts_speed_time_left_and_cost():
    """From two updates, two seconds apart."""
    stream, handler = start(is_terminal=True)
    clock, line = progress(handler, price_per_hour=36)
    line.update(1, 1, 10, 0.75, None, 32)
    clock.now += 2
    line.update(1, 2, 10, 0.5, 0.8125, 64)
    assert shown(stream) == [
        "epoch 1/2, step 2/10 (10 %), 36 s left, loss 0.500, F1 0.812, 16 sentences/s, 0.02 USD"
    ]


def test_what_is_not_known_is_left_out():
    """No loss, no F1 and no speed before there are any."""
    stream, handler = start(is_terminal=True)
    _, line = progress(handler)
    line.update(1, 1, 10, None, None, 32)
    assert shown(stream) == ["epoch 1/2, step 1/10 (5 %)"]


def test_a_run_that_goes_on_in_the_middle_is_not_thought_fast():
    """The sentences before the resume do not count for its speed."""
    _, handler = start(is_terminal=True)
    clock, line = progress(handler)
    line.update(2, 5, 10, 1.0, None, 5000)
    clock.now += 1
    line.update(2, 6, 10, 1.0, None, 5032)
    assert line._fields["seconds_left"] == 4
    assert line._fields["sentences_per_s"] == 32


def test_a_validation_between_epochs_counts_for_the_time_left_but_not_for_the_speed():
    """Twenty seconds of it leave 32 sentences/s and lengthen the rest."""
    _, handler = start(is_terminal=True)
    clock, line = progress(handler)
    line.update(1, 9, 10, 1.0, None, 288)
    clock.now += 1
    line.update(1, 10, 10, 1.0, None, 320)
    clock.now += 20  # validation
    line.update(2, 1, 10, 1.0, None, 352)
    clock.now += 1
    line.update(2, 2, 10, 1.0, None, 384)
    assert line._fields["sentences_per_s"] == 32
    assert line._fields["seconds_left"] == pytest.approx(22 / 3 * 8)


def test_a_log_line_is_written_above_the_progress_line():
    """It is erased, the line written, and drawn again below; close leaves nothing."""
    stream, handler = start(is_terminal=True)
    _, line = progress(handler)
    line.update(1, 1, 10, None, None, 32)
    logging.getLogger("job").info("hello")
    above, below = shown(stream)
    assert re.fullmatch(r"\d\d:\d\d:\d\d hello", above)
    assert below == "epoch 1/2, step 1/10 (5 %)"
    line.close()
    assert shown(stream) == [above, ""]
    logging.getLogger("job").info("bye")
    assert shown(stream)[1].endswith(" bye")
    assert stream.getvalue().count("epoch 1/2") == 2


@pytest.mark.parametrize("columns", [1, 20, 40, 60, 80])
def test_the_progress_line_never_wraps(columns):
    """It is cut at a field on narrow terminals."""
    stream, handler = start(is_terminal=True)
    clock = Clock()
    line = ProgressLine(handler, epochs=2, clock=clock, columns=lambda: columns, price_per_hour=1)
    line.update(1, 1, 10, 0.5, 0.5, 32)
    clock.now += 1
    line.update(1, 2, 10, 0.5, 0.5, 64)
    (text,) = shown(stream)
    assert 0 < len(text) < max(columns, 2)
    assert not text.endswith((",", " ")) or columns < 28


def test_a_terminal_is_not_flooded():
    """A thousand updates in a second are drawn a dozen times at most."""
    stream, handler = start(is_terminal=True)
    clock, line = progress(handler)
    for step in range(1, 1001):
        line.update(1, step, 1000, 0.5, None, step)
        clock.now += 0.001
    assert 5 <= stream.getvalue().count(ERASE_LINE) <= 12


def test_a_log_file_gets_a_line_at_the_start_then_every_few_seconds_and_at_the_end():
    """LOG_EVERY_S apart, and the last step once."""
    stream, handler = start()
    clock, line = progress(handler, log_every_s=10)
    for step in range(1, 36):
        line.update(1, step, 35, 0.5, None, 32 * step)
        clock.now += 1
    line.close()
    steps = [text.split("step ")[1].split("/")[0] for text in stream.getvalue().splitlines()]
    assert steps == ["1", "11", "21", "31", "35"]
    line.close()
    assert len(stream.getvalue().splitlines()) == 5


def test_a_log_of_json_gets_the_numbers_too_and_no_nan():
    """As fields of their own; a loss that is no number is a text."""
    stream, handler = start("json", is_terminal=True)
    _, line = progress(handler)
    line.update(1, 1, 10, float("nan"), 0.5, 32)
    line.close()
    written = json.loads(stream.getvalue(), parse_constant=pytest.fail)
    assert written["progress"] == {"epoch": 1, "step": 1, "percent": 5, "loss": "nan", "f1": 0.5}
    assert written["message"] == "epoch 1/2, step 1/10 (5 %), loss nan, F1 0.500"


def test_progress_that_never_began_leaves_nothing():
    """On a terminal or in a file."""
    for is_terminal in (False, True):
        stream, handler = start(is_terminal=is_terminal)
        progress(handler)[1].close()
        assert stream.getvalue() == ""
