"""The last screen of a run. In its tables Hangul takes two columns."""

import unicodedata
from collections.abc import Mapping, Sequence

from job import storage
from job.evaluation.results import PREDICTIONS, EpochRecord, Exported, SplitResult
from job.evaluation.scores import METRICS, Counts
from job.figures import figure
from job.program import command_line


def last_screen(
    results: Sequence[SplitResult],
    history: Sequence[EpochRecord],
    facts: Mapping[str, str],
    url: str,
    *,
    exported: Exported | None = None,
) -> str:
    """The table of F1 per type, the epoch that was exported and why, what the run took, where
    everything is, and how to tag with it.

    `facts` are those of `write_report`.
    """
    shown = results[-1]
    speeds = [record.sentences_per_s for record in history]
    lines = [
        "",
        summary_table(shown).rstrip("\n"),
        "",
        *([f"Exported epoch {exported.epoch}: {exported.reason}."] if exported else []),
        f"{facts['seconds']} s in all, {facts['seconds of training']} s of training"
        + (f" at {sum(speeds) / len(speeds):.0f} sentences/s" if speeds else "")
        + (f", {facts['cost']}" if "cost" in facts else ""),
        "",
        f"model    {storage.join(url, 'model')}",
        f"report   {storage.join(url, 'report', 'index.html')}",
        f"errors   {storage.join(url, 'report', 'errors.jsonl')}",
        f"logs     {storage.join(url, 'logs')}",
        "",
        "Tag a file: in place of these sentences, your own, one a line",
        "  " + _example(url),
    ]
    return "\n".join(lines)


def _example(url: str) -> str:
    """A command that runs as it stands: it tags the sentences that the report is about."""
    sentences = storage.join(url, "report", PREDICTIONS)
    tagged = storage.join(url, "tagged.jsonl")
    return command_line("predict", sentences, tagged, f"--downstream_model_dir={url}")


def summary_table(result: SplitResult) -> str:
    """The metrics of each type and how many entities it has, in columns for a terminal."""
    first, *others = METRICS.values()
    header = [f"{first.title} characters", f"{first.title} wordpieces"]
    table = [[result.name, *header, *(metric.title for metric in others), "entities"]]
    for type_, counts in result.characters.per_type.items():
        table.append(_row(type_, counts, result.wordpieces.per_type.get(type_, Counts())))
    table.append(_row("micro", result.characters.micro, result.wordpieces.micro))
    macro = (result.characters.macro_f1, result.wordpieces.macro_f1)
    table.append(["macro", *map(figure, macro), *("" for _ in others), ""])
    widths = [max(map(display_width, column)) for column in zip(*table, strict=True)]
    lines = [_line(row, widths) for row in table]
    rule = "-" * display_width(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-2], rule, *lines[-2:]]) + "\n"


def _row(name: str, characters: Counts, wordpieces: Counts) -> list[str]:
    first, *others = METRICS.values()
    shown = (each.text(characters) for each in others)
    return [name, first.text(characters), first.text(wordpieces), *shown, f"{characters.gold:,}"]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    gaps = [" " * (width - display_width(cell)) for cell, width in zip(cells, widths, strict=True)]
    numbers = "".join(f"  {gap}{cell}" for cell, gap in zip(cells[1:], gaps[1:], strict=True))
    return f"{cells[0]}{gaps[0]}{numbers}".rstrip()


def display_width(text: str) -> int:
    """Terminal columns: Hangul takes two, a combining mark or a joined jamo none."""
    columns = 0
    for character in text:
        joins = unicodedata.category(character) in {"Mn", "Me", "Cf"}
        if not joins and not "\u1160" <= character <= "\u11ff":
            columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return columns
