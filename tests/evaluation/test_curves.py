"""Curves: whole epochs and round values, and both lines seen where they coincide."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.evaluation.report.curves import MOST_TICKS, draw_curves, round_ticks
from job.evaluation.report.texts import speak
from job.evaluation.results import Exported
from tests.evaluation.test_report import epoch

values = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda x: x == 0 or abs(x) > 1e-6)


@given(values, values)
def test_ticks_are_few_round_and_around_the_values(one, other):
    """Neighbours differ by 1, 2 or 5 times a power of ten, and no value lies outside."""
    low, high = sorted((one, other))
    ticks = round_ticks(low, high)
    step = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= MOST_TICKS + 1
    slack = 1e-6 * step
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    digit = step / 10.0 ** math.floor(math.log10(step * 1.0001))
    assert digit == pytest.approx(1) or digit == pytest.approx(2) or digit == pytest.approx(5)


@pytest.mark.parametrize(
    ("epochs", "shown"),
    [(1, [1]), (3, [1, 2, 3]), (12, [2, 4, 6, 8, 10, 12]), (200, [50, 100, 150, 200])],
)
def test_the_ticks_of_epochs_are_whole(epochs, shown):
    """However many there are."""
    loss, _ = draw_curves([epoch(n) for n in range(1, epochs + 1)], None, speak("en"))
    axis = re.search(r'<g class="axis x.*?</g></g>', loss.svg, flags=re.DOTALL).group()
    assert [float(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", axis)] == shown


def test_the_two_lines_of_a_plot_differ_in_width_and_dash():
    """The dashed one lies above the broad one, so that both are seen where they coincide."""
    history = [epoch(n, f1_characters=0.5, f1_wordpieces=0.5) for n in (1, 2, 3)]
    _, f1 = draw_curves(history, None, speak("en"))
    below, above = re.findall(r'<path[^>]* style="(stroke-width:[^"]*)"', f1.svg)
    assert "dasharray" in above
    assert "dasharray" not in below
    widths = [float(re.search(r"width:([\d.]+)", style).group(1)) for style in (below, above)]
    assert widths[0] >= 2 * widths[1]
    assert f1.lines == ("wordpieces", "exact characters")


def test_the_exported_epoch_is_marked():
    """By an upright line of its own in either plot; not where the plot does not reach."""
    history = [epoch(n) for n in (1, 2, 3)]
    marked = list(draw_curves(history, Exported(2, "the best"), speak("en")))
    for plot, bare in zip(marked, draw_curves(history, None, speak("en")), strict=True):
        mark = re.search(r'serie-0[^>]*><path d="M([\d.]+) [\d.]+ L([\d.]+) ', plot.svg)
        assert mark
        assert mark.group(1) == mark.group(2)
        assert plot.svg.count("<path") == bare.svg.count("<path") + 1
        assert (plot.marked, bare.marked) == (True, False)
    far = draw_curves(history, Exported(9, "of an earlier run"), speak("en"))
    assert [plot.marked for plot in far] == [False, False]
