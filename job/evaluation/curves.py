"""Curves of the training as plots in the page: losses and both F1s over the epochs."""

import math
from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element

import pygal
from markupsafe import Markup
from pygal.style import Style

from job.evaluation.results import EpochRecord

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
    colors=("var(--first)", "var(--second)"),
    font_family="inherit",
    label_font_size=13,
    major_label_font_size=13,
    legend_font_size=14,
    opacity="1",
    stroke_opacity="1",
    stroke_width="2",
    transition="none",
)


def draw_curves(history: Sequence[EpochRecord]) -> list[tuple[str, Markup]]:
    """(title, SVG) of the losses and of both F1s over the epochs; nothing without a history."""
    if not history:
        return []
    plots = {
        "Loss": {"train (dashed)": "train_loss", "validation": "val_loss"},
        "Entity F1": {"wordpieces (dashed)": "f1_wordpieces", "exact characters": "f1_characters"},
    }
    return [(title, _draw(title, history, lines)) for title, lines in plots.items()]


def _draw(title: str, history: Sequence[EpochRecord], lines: Mapping[str, str]) -> Markup:
    """One plot; the first line is dashed, so that the two differ in print as well."""
    chart = pygal.Line(
        style=STYLE,
        js=[],  # pygal's default loads a script from a CDN
        disable_xml_declaration=True,
        explicit_size=False,
        width=460,
        height=280,
        margin=8,
        legend_at_bottom=True,
        truncate_legend=-1,
        dots_size=3,
        max_scale=6,
        x_title="epoch",
        x_labels_major_count=min(8, len(history)),
        show_minor_x_labels=False,
        formatter=lambda value: f"{value:.3g}",
    )
    chart.uuid = title.split()[-1].lower()  # pygal's own is random; a report is reproducible
    chart.x_labels = [str(record.epoch) for record in history]
    for i, (name, field) in enumerate(lines.items()):
        values = [_finite(getattr(record, field)) for record in history]
        dash = {} if i else {"stroke_style": {"dasharray": "5,4"}}
        chart.add(name, values, **dash)
    chart.add_xml_filter(lambda root: _tidy(root, title))
    return Markup(chart.render())  # numbers and our own words only


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _tidy(root: Element, title: str) -> Element:
    """Drops the script, comments (with a date) and ids; a dot's value becomes a plain tooltip."""
    for parent in list(root.iter()):
        if parent is not root:
            parent.attrib.pop("id", None)
        for child in list(parent):
            if child.tag == "desc" and child.get("class") == "value":
                child.tag = "title"
            elif not isinstance(child.tag, str) or child.tag in {"script", "desc"}:
                parent.remove(child)
            elif child.tag == "title" and parent is root:
                child.text = title
    root.set("role", "img")
    root.set("aria-label", f"{title} over the epochs; the numbers are in the table below")
    return root
