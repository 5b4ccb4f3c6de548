"""The rows of a split, and the one answer where several persons annotated a task."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from job.corpus.formats.format import Contents
from job.corpus.formats.json_rows.mentions import DISAGREE
from job.corpus.formats.json_rows.offsets import Marked
from job.corpus.formats.json_rows.tokens import Tagged
from job.corpus.formats.text_lines import LineError, Note, Rejected
from job.sentence import Span

TextAndSpans = tuple[str, tuple[Span, ...]]
SAME = Note("annotation was", "annotations were", "equal to another of the same task, left out")


@dataclass(slots=True)
class Row:
    """What was read of a record, and its place."""

    line: int
    file: str
    where: str
    document: str
    read: Marked | Tagged | LineError
    task: object = None  # the same for the answers of several annotators
    is_truth: bool = False
    counts_tokens: bool = False  # its offsets can be places among its tokens


def rejected(error: LineError, row: Row) -> Rejected:
    if row.where:
        detail = f"{row.where}: {error.detail}" if error.detail else row.where
        error = LineError(error.reason, detail)
    return error.at(row.file, row.line)


def agreed(
    placed: Sequence[tuple[Row, TextAndSpans]], contents: Contents
) -> Iterable[tuple[Row, TextAndSpans]]:
    """One answer a task: the ground truth, or what all say; else the task is rejected."""
    tasks: dict[object, list[tuple[Row, TextAndSpans]]] = defaultdict(list)
    for row, read in placed:
        if row.task is not None:
            tasks[row.task].append((row, read))
    for row, read in placed:
        answers = tasks.get(row.task, []) if row.task is not None else []
        if len(answers) < 2:
            yield row, read
            continue
        if answers[0][0] is not row:
            continue
        used = [answer for answer in answers if answer[0].is_truth] or answers
        try:
            refuse_differences([read for _, read in used])
        except LineError as error:
            contents.rejected.append(rejected(error, row))
            continue
        contents.noted[SAME] += len(answers) - 1
        yield used[0]


def refuse_differences(answers: Sequence[TextAndSpans]) -> None:
    """Raises LineError where several persons annotated one task, and not alike."""
    if len({(text, tuple(sorted(spans))) for text, spans in answers}) > 1:
        raise LineError(DISAGREE, f"{len(answers)} annotations of one task")
