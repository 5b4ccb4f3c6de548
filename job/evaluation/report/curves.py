"""Curves of the training as plots in the page: losses and both F1s over the epochs."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

import pygal
from markupsafe import Markup
from pygal.style import Style

from job.evaluation.report.texts import Say
from job.evaluation.results import EpochRecord, Exported

STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground="var(--ink)",
    foreground_strong="var(--ink)",
    foreground_subtle="var(--quiet)",
    guide_stroke_color="var(--line)",
    major_guide_stroke_color="var(--line)",
    guide_stroke_dasharray="none",
    major_guide_stroke_dasharray="none",
    colors=("var(--quiet)", "var(--first)", "var(--second)"),
    font_family="inherit",
    label_font_size=13,
    major_label_font_size=13,
    title_font_size=13,
    opacity="1",
    stroke_opacity="1",
    transition="none",
)
MOST_TICKS = 8

# The exported epoch, then two lines: where they coincide, a broad one lies below a dashed one.
# Inline, since pygal's own widths of lines outrank what it is told of a series.
STROKES = (
    "stroke-width:1.5;stroke-dasharray:2,3",
    "stroke-width:6;stroke-linejoin:round",
    "stroke-width:2;stroke-dasharray:7,5",
)
DOTS = (5, 2.5)
# (title, id, its two lines: text and field of the record)
PLOTS = (
    ("loss_curve", "loss", (("train_line", "train_loss"), ("val_line", "val_loss"))),
    (
        "f1_curve",
        "f1",
        (("wordpieces_line", "f1_wordpieces"), ("characters_line", "f1_characters")),
    ),
)


class Plot(NamedTuple):
    """A plot and the words around it."""

    title: str
    svg: Markup
    lines: tuple[str, ...]  # what the broad and the dashed line are
    marked: bool  # whether the exported epoch is among those shown


def draw_curves(
    history: Sequence[EpochRecord], exported: Exported | None, say: Say
) -> Iterator[Plot]:
    """The losses and both F1s over the epochs; nothing without a history."""
    epochs = [record.epoch for record in history]
    marked = exported.epoch if exported and exported.epoch in epochs else None
    for title, name, lines in PLOTS if history else ():
        values = [
            [(record.epoch, _finite(getattr(record, field))) for record in history]
            for _, field in lines
        ]
        svg = _draw(name, say(title), values, marked, say)
        yield Plot(say(title), svg, tuple(say(text) for text, _ in lines), marked is not None)


def _draw(
    name: str,
    title: str,
    lines: Sequence[Sequence[tuple[int, float | None]]],
    marked: int | None,
    say: Say,
) -> Markup:
    epochs = [epoch for epoch, _ in lines[0]]
    known = [value for line in lines for _, value in line if value is not None] or [0.0, 1.0]
    y_ticks = round_ticks(min(known), max(known))
    chart = pygal.XY(
        style=STYLE,
        js=[],  # pygal's default loads a script from a CDN
        disable_xml_declaration=True,
        explicit_size=False,
        width=430,
        height=230,
        margin=6,
        show_legend=False,
        x_title=say("epoch"),
        no_data_text="–",
        x_value_formatter=lambda value: f"{value:g}",
        value_formatter=lambda value: f"{value:.3g}",
        xrange=(epochs[0] - 0.5, epochs[-1] + 0.5) if len(epochs) == 1 else None,
        range=(y_ticks[0], y_ticks[-1]),
    )
    chart.uuid = name  # pygal's own is random; a report is reproducible
    chart.x_labels = [tick for tick in round_ticks(epochs[0], epochs[-1]) if tick in epochs]
    chart.y_labels = y_ticks
    mark = [(marked, tick) for tick in (y_ticks[0], y_ticks[-1])] if marked is not None else []
    chart.add("", mark, show_dots=False)
    for line, size in zip(lines, DOTS, strict=True):
        chart.add("", line, dots_size=size)
    chart.add_xml_filter(lambda root: _tidy(root, title, say("curve_label", title=title)))
    return Markup(chart.render())  # numbers and our own words only


def round_ticks(low: float, high: float) -> list[float]:
    """At most MOST_TICKS multiples of 1, 2 or 5 × 10^n, from below `low` to above `high`."""
    span = max(high - low, abs(high) * 1e-3, 1e-6)
    exponent = math.floor(math.log10(span / MOST_TICKS))
    for step in (
        factor * 10.0**power for power in (exponent, exponent + 1) for factor in (1, 2, 5)
    ):
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first < MOST_TICKS:
            break
    last = max(last, first + 1)
    return [round(n * step, 10) for n in range(first, last + 1)]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _tidy(root: Element, title: str, label: str) -> Element:
    """Drops the script, comments (with a date) and ids; a dot's value becomes a plain tooltip.

    Each line is given its stroke.
    """
    for parent in list(root.iter()):
        if parent is not root:
            parent.attrib.pop("id", None)
        for child in list(parent):
            if child.tag == "path" and parent.get("class", "").startswith("series"):
                child.set("style", STROKES[int(parent.get("class", "")[-1])])
            elif child.tag == "desc" and child.get("class") == "value":
                child.tag = "title"
            elif not isinstance(child.tag, str) or child.tag in {"script", "desc"}:
                parent.remove(child)
            elif child.tag == "title" and parent is root:
                child.text = title
    root.set("role", "img")
    root.set("aria-label", label)
    return root
