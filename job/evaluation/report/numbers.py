"""The numbers of the report as plain JSON values: metrics.json."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from job.evaluation.breakdown import Breakdown
from job.evaluation.confusion import COUNTED_BY_TYPE, Confusion
from job.evaluation.intervals import Interval
from job.evaluation.report.page import Run
from job.evaluation.results import SplitResult
from job.evaluation.scores import METRICS, Counts, Scores


def collect_metrics(
    run: Run, results: Sequence[SplitResult], breakdowns: Sequence[Breakdown]
) -> dict:
    """Every number of the report as plain JSON values in a fixed order; None for nan."""
    splits = {
        result.name: _split(result, breakdown)
        for result, breakdown in zip(results, breakdowns, strict=True)
    }
    return {
        "title": run.title,
        "facts": dict(run.facts),
        "exported": asdict(run.exported) if run.exported else None,
        "splits": _without_nan(splits),
        "history": _without_nan([asdict(record) for record in run.history]),
    }


def _split(result: SplitResult, breakdown: Breakdown) -> dict:
    characters = _scores(result.characters)
    characters["micro"]["f1_interval"] = _bounds(breakdown.interval)
    for type_, counts in characters["per_type"].items():
        counts["f1_interval"] = _bounds(breakdown.intervals.get(type_))
    return {
        "sentences": len(result.sentences),
        "wrong_sentences": breakdown.wrong_sentences,
        "loss": result.loss,
        "characters": characters,
        "wordpieces": _scores(result.wordpieces),
        "tags_alone": _scores(result.tags_alone) if result.tags_alone else None,
        "tags_ceiling": result.tags_ceiling,
        "lost": dict(result.lost),
        "confusion": _confusion(breakdown.table),
        "errors": breakdown.kinds,
        "frequent_mistakes": [
            {"gold": _side(mistake.gold), "predicted": _side(mistake.predicted), "times": times}
            for mistake, times in breakdown.mistakes
        ],
        "by_novelty": _parts(breakdown.by_novelty),
        "by_length": _parts(breakdown.by_length),
    }


def _side(mention: tuple[str, str] | None) -> dict | None:
    return {"text": mention[0], "type": mention[1]} if mention else None


def _bounds(interval: Interval | None) -> list[float] | None:
    return list(interval) if interval else None


def _parts(parts: Mapping[str, Counts]) -> dict:
    return {name: _counts(counts) for name, counts in parts.items()}


def _scores(scores: Scores) -> dict:
    return {
        "micro": _counts(scores.micro),
        "macro_f1": scores.macro_f1,
        "per_type": _parts(scores.per_type),
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
