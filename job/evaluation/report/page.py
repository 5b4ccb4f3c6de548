"""The page of the report: one HTML file with its style and its one script inside."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

import jinja2
from markupsafe import Markup

from job.evaluation.breakdown import ERROR_KINDS, Breakdown
from job.evaluation.intervals import RESAMPLES
from job.evaluation.report.curves import Plot, draw_curves
from job.evaluation.report.fact_names import named
from job.evaluation.report.texts import TEXTS, Say, language_of, speak
from job.evaluation.report.wrong_sentences import (
    WrongSentence,
    open_sentences,
    show_characters,
    worst_sentences,
)
from job.evaluation.results import EpochRecord, Exported, SplitResult
from job.evaluation.scores import METRICS, Counts, Metric
from job.figures import figure
from job.machine import Dispensable

FOLDER = "job.evaluation.report"


@dataclass(frozen=True)
class Run:
    """The run that a report is about."""

    title: str
    facts: Mapping[str, str]
    history: Sequence[EpochRecord]
    exported: Exported | None = None


@dataclass(frozen=True)
class Split:
    """One split on the page."""

    result: SplitResult
    breakdown: Breakdown
    worst: Sequence[WrongSentence]
    ceiling: float | None

    @property
    def name(self) -> str:
        return self.result.name

    @property
    def open(self) -> Sequence[WrongSentence]:
        return self.worst[: open_sentences(self.worst)]

    @property
    def folded(self) -> Sequence[WrongSentence]:
        return self.worst[open_sentences(self.worst) :]

    @property
    def order(self) -> dict[str, int]:
        """The place of each type, which chooses its colour."""
        return {type_: n for n, type_ in enumerate(self.breakdown.table.types)}


def render(
    run: Run, results: Sequence[SplitResult], breakdowns: Sequence[Breakdown], language: str
) -> str:
    """The page in en or ko; `auto` is the language of val's sentences, or of all there are."""
    splits = [
        Split(result, breakdown, worst_sentences(result), result.tags_ceiling)
        for result, breakdown in zip(results, breakdowns, strict=True)
    ]
    splits.sort(key=lambda split: split.name != "test")  # the split that no choice was made on
    if language == "auto":
        deciding = [result for result in results if result.name == "val"] or results
        language = language_of(s.text for result in deciding for s in result.sentences)
    say = speak(language)
    curves: list[Plot] = []
    with Dispensable("A plot of the report cannot be drawn"):
        curves = list(draw_curves(run.history, run.exported, say))
    script = _source("filter.js")
    facts = dict(run.facts)
    return (
        _environment()
        .from_string(_source("page.html.j2"))
        .render(
            run=run,
            say=say,
            language=language,
            command=facts.pop("command", ""),
            facts=named(facts, language),
            curves=curves,
            metrics=_titled(say),
            nothing=Counts(),
            splits=splits,
            kinds=ERROR_KINDS,
            resamples=RESAMPLES,
            said=TEXTS,
            style=Markup(_source("style.css")),
            script=Markup(script),
            script_hash=b64encode(sha256(script.encode()).digest()).decode(),
        )
    )


def _source(name: str) -> str:
    return files(FOLDER).joinpath(name).read_text(encoding="utf-8")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(_source),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = show_characters
    environment.filters["figure"] = figure
    return environment


def _titled(say: Say) -> list[Metric]:
    """The metrics under their names in the page's language; one without a text keeps its own."""
    return [
        metric._replace(title=say(name)) if name in TEXTS else metric
        for name, metric in METRICS.items()
    ]
