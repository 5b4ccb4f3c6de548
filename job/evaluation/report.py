"""The report of a run: a page, every prediction, every error, and all numbers.

index.html          one self-contained page; opens offline
predictions.jsonl   one line for each sentence of each evaluated split
errors.jsonl        those with a wrong entity, and which
metrics.json        every number on the page
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import jinja2

from job.evaluation.confusion import COUNTED_BY_TYPE, Confusion, confusion
from job.evaluation.curves import draw_curves
from job.evaluation.results import PREDICTIONS, EpochRecord, Exported, SplitResult
from job.evaluation.scores import METRICS, Counts, Scores
from job.evaluation.wrong_sentences import show_characters, worst_sentences
from job.figures import figure
from job.machine import Dispensable
from job.storage import write_bytes

# Legal inside a JSON string, but some readers take them for the end of a line.
LINE_BREAKS = {"\x85": r"\u0085", "\u2028": r"\u2028", "\u2029": r"\u2029"}


def write_report(
    folder: Path,
    *,
    title: str,
    facts: Mapping[str, str],
    history: Sequence[EpochRecord],
    results: Sequence[SplitResult],
    types: Sequence[str],
    exported: Exported | None = None,
) -> dict:
    """Writes the files into `folder`, each whole or not at all; returns the metrics.

    `facts` are shown as they are, in their order. A page or a plot that cannot be drawn is left out
    with a warning. Raises OutputError when nothing can be written.
    """
    tables = [
        confusion([s.spans for s in result.sentences], result.predicted, types)
        for result in results
    ]
    metrics = collect_metrics(title, facts, history, results, tables)
    if exported:
        metrics["exported"] = asdict(exported)
    page = None
    with Dispensable("The report's page cannot be drawn"):
        page = _render(title, facts, history, results, tables)
    _write(folder / PREDICTIONS, "".join(_prediction_lines(results)))
    _write(folder / "errors.jsonl", "".join(_error_lines(results)))
    _write(folder / "metrics.json", json.dumps(metrics, ensure_ascii=False, indent=2) + "\n")
    if page is not None:
        # A lone surrogate has no UTF-8; the page shows its code point instead (show_characters).
        write_bytes(str(folder / "index.html"), page.encode("utf-8", "replace"))
    return metrics


def _write(file: Path, text: str) -> None:
    # JSON escapes a lone surrogate just as backslashreplace does, so it survives the round trip.
    write_bytes(str(file), text.encode("utf-8", "backslashreplace"))


def collect_metrics(
    title: str,
    facts: Mapping[str, str],
    history: Sequence[EpochRecord],
    results: Sequence[SplitResult],
    tables: Sequence[Confusion],
) -> dict:
    """Every number of the report as plain JSON values in a fixed order; None for nan."""
    splits = {
        result.name: {
            "sentences": len(result.sentences),
            "loss": result.loss,
            "characters": _scores(result.characters),
            "wordpieces": _scores(result.wordpieces),
            "lost": dict(result.lost),
            "tags_alone": _scores(result.tags_alone) if result.tags_alone else None,
            "tags_ceiling": ceiling(result),
            "confusion": _confusion(table),
        }
        for result, table in zip(results, tables, strict=True)
    }
    return {
        "title": title,
        "facts": dict(facts),
        "splits": _without_nan(splits),
        "history": _without_nan([asdict(record) for record in history]),
    }


def _scores(scores: Scores) -> dict:
    return {
        "micro": _counts(scores.micro),
        "macro_f1": scores.macro_f1,
        "per_type": {type_: _counts(counts) for type_, counts in scores.per_type.items()},
    }


def _counts(counts: Counts) -> dict:
    return {name: metric.of(counts) for name, metric in METRICS.items()} | asdict(counts)


def _confusion(table: Confusion) -> dict:
    same_bounds = {
        gold: {
            predicted: table.same_bounds[gold, predicted]
            for predicted in table.types
            if table.same_bounds[gold, predicted]
        }
        for gold in table.types
    }
    by_type = {
        kind: {type_: getattr(table, kind)[type_] for type_ in table.types}
        for kind in COUNTED_BY_TYPE
    }
    return {"same_bounds": same_bounds, **by_type}


def _without_nan(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _sentences(results: Sequence[SplitResult]) -> Iterator[tuple[dict, set, set]]:
    """The JSON object, the gold and the predicted entities of every sentence."""
    for result in results:
        for sentence, predicted in zip(result.sentences, result.predicted, strict=True):
            line = {
                "split": result.name,
                "line": sentence.line,
                "text": sentence.text,
                "gold": sentence.spans,
                "predicted": predicted,
            }
            yield line, set(sentence.spans), set(predicted)


def _prediction_lines(results: Sequence[SplitResult]) -> Iterator[str]:
    for line, _, _ in _sentences(results):
        yield _json_line(line)


def _error_lines(results: Sequence[SplitResult]) -> Iterator[str]:
    for line, gold, predicted in _sentences(results):
        if gold != predicted:
            missed, spurious = sorted(gold - predicted), sorted(predicted - gold)
            yield _json_line({**line, "missed": missed, "spurious": spurious})


def _json_line(line: dict) -> str:
    text = json.dumps(line, ensure_ascii=False)
    for character, escaped in LINE_BREAKS.items():
        text = text.replace(character, escaped)
    return text + "\n"


def _render(
    title: str,
    facts: Mapping[str, str],
    history: Sequence[EpochRecord],
    results: Sequence[SplitResult],
    tables: Sequence[Confusion],
) -> str:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = show_characters
    environment.filters["figure"] = figure
    curves = []
    with Dispensable("A plot of the report cannot be drawn"):
        curves = draw_curves(history)
    source = files("job.evaluation").joinpath("report.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        title=title,
        facts=facts,
        history=history,
        curves=curves,
        metrics=list(METRICS.values()),
        nothing=Counts(),
        splits=[
            (result, table, worst_sentences(result), ceiling(result))
            for result, table in zip(results, tables, strict=True)
        ],
    )


def ceiling(result: SplitResult) -> float | None:
    """F1 on exact characters of a model without a single wrong wordpiece; None without gold.

    It predicts as many entities as gold has, of which those in `lost` have other characters.
    Entities behind a truncation are left out: they overlap with the other reasons.
    """
    gold = result.characters.micro.gold
    if not gold:
        return None
    lost = sum(count for reason, count in result.lost.items() if reason != "truncated")
    return (gold - lost) / gold
