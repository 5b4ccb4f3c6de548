"""The rows of a split, and the one answer where several persons annotated a task."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from job.corpus.formats.format import Contents
from job.corpus.formats.json_rows.decoding.window import Object
from job.corpus.formats.json_rows.mentions import DISAGREE
from job.corpus.formats.json_rows.offsets.marked import Marked
from job.corpus.formats.json_rows.tokens import Tagged
from job.corpus.formats.text_lines import LineError, Note, Rejected
from job.sentence import Sentence, Span

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

    def sentence(self, placed: TextAndSpans) -> Sentence:
        return Sentence(*placed, self.line, self.file, self.document)


class Task(NamedTuple):
    """What one of several annotators may have answered; `is_truth` where that answer counts."""

    key: tuple[str, str]
    is_truth: bool

    @classmethod
    def of(cls, record: Object, file: str) -> "Task | None":
        """As Label Studio's short export names it, or Prodigy."""
        is_truth = record.get("ground_truth") is True
        if "annotation_id" in record and "id" in record:
            return cls((file, str(record["id"])), is_truth)
        if "_annotator_id" in record and "_input_hash" in record:
            return cls((file, str(record["_input_hash"])), is_truth)
        return None


class Answer(NamedTuple):
    row: Row
    is_truth: bool
    placed: TextAndSpans


def rejected(error: LineError, row: Row) -> Rejected:
    if row.where:
        detail = f"{row.where}: {error.detail}" if error.detail else row.where
        error = LineError(error.reason, detail)
    return error.at(row.file, row.line)


class Answers:
    """The sentences of rows in order, of which several may be answers to one task."""

    def __init__(self) -> None:
        self.found: list[Sentence | list[Answer]] = []
        self.tasks: dict[tuple[str, str], list[Answer]] = {}

    def add(self, row: Row, placed: TextAndSpans, task: Task | None) -> None:
        if task is None:
            self.found.append(row.sentence(placed))
            return
        if task.key not in self.tasks:
            self.tasks[task.key] = []
            self.found.append(self.tasks[task.key])
        self.tasks[task.key].append(Answer(row, task.is_truth, placed))

    def settle(self, contents: Contents) -> None:
        """Adds one answer a task: the ground truth, or what all say; else the task is rejected."""
        for found in self.found:
            if isinstance(found, Sentence):
                contents.sentences.append(found)
                continue
            used = [answer for answer in found if answer.is_truth] or found
            try:
                refuse_differences([answer.placed for answer in used])
            except LineError as error:
                contents.rejected.append(rejected(error, found[0].row))
                continue
            if len(found) > 1:
                contents.noted[SAME] += len(found) - 1
            contents.sentences.append(used[0].row.sentence(used[0].placed))


def refuse_differences(answers: Sequence[TextAndSpans]) -> None:
    """Raises LineError where several persons annotated one task, and not alike."""
    if len({(text, tuple(sorted(spans))) for text, spans in answers}) > 1:
        raise LineError(DISAGREE, f"{len(answers)} annotations of one task")
