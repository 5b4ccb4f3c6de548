"""The report of a run: a page, every prediction, every error, and all numbers.

index.html          one self-contained page; opens offline
predictions.jsonl   one line for each sentence of each evaluated split
errors.jsonl        those with a wrong entity, and which
metrics.json        every number on the page
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from job.evaluation.breakdown import Mentions, break_down
from job.evaluation.report.numbers import collect_metrics
from job.evaluation.report.page import Run, render
from job.evaluation.results import PREDICTIONS, EpochRecord, Exported, SplitResult
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
    train_mentions: Mentions | None = None,
    exported: Exported | None = None,
    language: str = "auto",
) -> dict:
    """Writes the files into `folder`, each whole or not at all; returns the metrics.

    `facts` are shown as they are, in their order. `train_mentions`: the (text, type) of each entity
    of train. `language` of the page: en, ko, or auto for that of the sentences. A page or a plot
    that cannot be drawn is left out with a warning. Raises OutputError when nothing can be written.
    """
    breakdowns = [break_down(result, tuple(types), train_mentions) for result in results]
    run = Run(title, facts, history, exported)
    metrics = collect_metrics(run, results, breakdowns)
    page = None
    with Dispensable("The report's page cannot be drawn"):
        page = render(run, results, breakdowns, language)
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
