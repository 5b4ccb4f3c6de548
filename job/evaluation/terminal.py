"""The last screen of a run. In its tables Hangul takes two columns."""

import unicodedata
from collections.abc import Mapping, Sequence

from job import storage
from job.evaluation.results import PREDICTIONS, EpochRecord, Exported, SplitResult
from job.evaluation.scores import METRICS, Counts
from job.figures import figure, rounded
from job.program import command_line

ON_CHARACTERS, ON_WORDPIECES = " exact characters ", "wordpieces"
GAP = 2  # blanks between columns


def last_screen(
    results: Sequence[SplitResult],
    history: Sequence[EpochRecord],
    facts: Mapping[str, str],
    url: str,
    *,
    exported: Exported | None = None,
    seconds_here: float | None = None,
) -> str:
    """The table of F1 per type, the epoch that was exported and why, what the run took, where
    everything is, and how to tag with it.

    `facts` are those of `write_report`. `seconds_here`: what this start took of the seconds
    of all, shown where there were others.
    """
    lines = [
        "",
        summary_table(results[-1]).rstrip("\n"),
        "",
        *_gained(results[-1]),
        *([f"Exported epoch {exported.epoch}: {exported.reason}."] if exported else []),
        _taken(history, facts, seconds_here),
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


def _gained(result: SplitResult) -> list[str]:
    if result.tags_alone is None:
        return []
    alone = result.tags_alone.micro.f1
    gain = rounded(result.characters.micro.f1 - alone, "+.3f")
    return [
        f"Entity ends inside wordpieces: {gain} F1 on exact characters, {rounded(alone)} without."
    ]


def _taken(
    history: Sequence[EpochRecord], facts: Mapping[str, str], seconds_here: float | None
) -> str:
    speeds = [record.sentences_per_s for record in history]
    here = figure(seconds_here, ".0f")
    others = seconds_here is not None and here != facts["seconds"]
    return (
        (f"{here} s here, " if others else "")
        + f"{facts['seconds']} s in all"
        + f", {facts['seconds of training']} s of training"
        + (f" at {sum(speeds) / len(speeds):.0f} sentences/s" if speeds else "")
        + (f", {facts['cost']}" if "cost" in facts else "")
    )


def _example(url: str) -> str:
    """A command that runs as it stands: it tags the sentences that the report is about."""
    sentences = storage.join(url, "report", PREDICTIONS)
    tagged = storage.join(url, "tagged.jsonl")
    return command_line("predict", sentences, tagged, f"--downstream_model_dir={url}")


def summary_table(result: SplitResult) -> str:
    """The metrics of each type and how many entities it has, in columns for a terminal.

    All metrics on exact characters stand below one heading, the first one on wordpieces apart.
    """
    first, *others = METRICS.values()
    titles = [first.title, *(metric.title for metric in others)]
    table = [[result.name, *titles, first.title, "entities"]]
    for type_, counts in result.characters.per_type.items():
        table.append(_row(type_, counts, result.wordpieces.per_type.get(type_, Counts())))
    table.append(_row("micro", result.characters.micro, result.wordpieces.micro))
    on_characters, on_wordpieces = map(
        figure, (result.characters.macro_f1, result.wordpieces.macro_f1)
    )
    table.append(["macro", on_characters, *("" for _ in others), on_wordpieces, ""])
    widths = [max(map(display_width, column)) for column in zip(*table, strict=True)]
    widths[len(titles) + 1] = max(widths[len(titles) + 1], len(ON_WORDPIECES))
    lines = [_line(row, widths) for row in table]
    rule = "-" * display_width(lines[0])
    return (
        "\n".join([_headings(widths, len(titles)), lines[0], rule, *lines[1:-2], rule, *lines[-2:]])
        + "\n"
    )


def _headings(widths: Sequence[int], metrics: int) -> str:
    """The line above the columns: which of them count exact characters, which wordpieces."""
    characters = sum(widths[1 : metrics + 1]) + GAP * (metrics - 1)
    return _line(
        ["", ON_CHARACTERS.center(characters, "-"), ON_WORDPIECES],
        [widths[0], characters, widths[metrics + 1]],
    )


def _row(name: str, characters: Counts, wordpieces: Counts) -> list[str]:
    first, *_ = METRICS.values()
    shown = (metric.text(characters) for metric in METRICS.values())
    return [name, *shown, first.text(wordpieces), f"{characters.gold:,}"]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    gaps = [" " * (width - display_width(cell)) for cell, width in zip(cells, widths, strict=True)]
    between = " " * GAP
    numbers = "".join(
        f"{between}{gap}{cell}" for cell, gap in zip(cells[1:], gaps[1:], strict=True)
    )
    return f"{cells[0]}{gaps[0]}{numbers}".rstrip()


def display_width(text: str) -> int:
    """Terminal columns: Hangul takes two, a combining mark or a joined jamo none."""
    columns = 0
    for character in text:
        joins = unicodedata.category(character) in {"Mn", "Me", "Cf"}
        if not joins and not "\u1160" <= character <= "\u11ff":
            columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return columns
