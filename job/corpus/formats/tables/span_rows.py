"""A span a row, with its text: rows of one text are one sentence.

Offsets count what the mentions prove (`json_rows.offsets`). A mention without them is placed where
exactly one place is possible.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from job.corpus.formats.format import Contents, Options
from job.corpus.formats.json_rows.offsets import CODE_POINTS, Marked, choose_unit, convert
from job.corpus.formats.tables.header import DOCUMENT, END, MENTION, SENTENCE, START, TEXT, TYPE
from job.corpus.formats.tables.part import Part
from job.corpus.formats.text_lines import LineError, Rejected
from job.sentence import Sentence, Span

UNPLACED = "a mention that may lie in several places"
Name = tuple[str, ...]


@dataclass(slots=True)
class Gathered:
    """A sentence whose rows are gathered. `mentions` without offsets wait for their place."""

    path: str
    line: int
    marked: Marked
    mentions: list[tuple[str, str]] = field(default_factory=list)
    error: LineError | None = None


def read_span_rows(parts: Sequence[Part], _: Options) -> Contents:
    contents = Contents(parts[0].how, [], [])
    gathered = _gather(parts, contents.rejected)
    unit, others = choose_unit([each.marked for each in gathered])
    if unit is not CODE_POINTS:
        contents.how += f", whose offsets count {unit.name}"
    for each in gathered:
        try:
            spans = (*convert(each.marked, unit, others), *_placed(each))
            sentence = Sentence(each.marked.text, tuple(sorted(spans)), each.line, each.path)
            contents.sentences.append(sentence)
        except LineError as error:
            contents.rejected.append(error.at(each.path, each.line))
    return contents


def _gather(parts: Sequence[Part], rejected: list[Rejected]) -> list[Gathered]:
    """The sentences of all rows; those of rows that cannot be read are added to `rejected`."""
    gathered: dict[Name, Gathered] = {}
    for part in parts:
        columns = part.layout.columns
        names = [columns[role] for role in (DOCUMENT, SENTENCE, TEXT) if role in columns]
        for line, cells in part.rows(rejected):
            name = (part.path, *(cells[c] for c in names))
            sentence = gathered.get(name)
            if sentence is None:
                sentence = Gathered(part.path, line, Marked(cells[columns[TEXT]]))
                gathered[name] = sentence
            try:
                _add(sentence, cells, part)
            except LineError as error:
                sentence.error = sentence.error or error
    for each in gathered.values():
        if not each.marked.text.strip():
            each.error = LineError("empty sentence")
        if each.error:
            rejected.append(each.error.at(each.path, each.line))
    return [each for each in gathered.values() if not each.error]


def _add(sentence: Gathered, cells: Sequence[str], part: Part) -> None:
    """Adds a row's span. Raises LineError."""
    columns = part.layout.columns
    said = {role: cells[c].strip() for role, c in columns.items() if role != TEXT}
    type_, mention = said[TYPE], said.get(MENTION, "")
    start, end = said.get(START, ""), said.get(END, "")
    if not (type_ or mention or start or end):
        return  # a sentence without entities
    if not type_:
        raise LineError("a span without a type", f"`{mention or start}`")
    if START not in columns:
        if not mention:
            raise LineError("a type without its mention", f"`{type_}`")
        sentence.mentions.append((mention, type_))
        return
    if not (start.isdecimal() and end.isdecimal()):
        raise LineError("offsets that are no numbers", f"`{start}` and `{end}`"[:60])
    sentence.marked.spans.append(Span(int(start), int(end), type_))
    sentence.marked.mentions.append(mention or None)


def _placed(each: Gathered) -> list[Span]:
    """The mentions without offsets in their only places. Raises LineError where others are."""
    text, mentions = each.marked.text, [mention for mention, _ in each.mentions]
    once = [text.find(mention) for mention in mentions]
    if all(i >= 0 and text.find(m, i + 1) < 0 for i, m in zip(once, mentions, strict=True)):
        places = once
    else:
        places = _leftmost(text, mentions)
        reverse = _leftmost(text[::-1], [mention[::-1] for mention in reversed(mentions)])
        ends = [len(text) - start for start in reversed(reverse)]
        rightmost = [end - len(mention) for end, mention in zip(ends, mentions, strict=True)]
        if places != rightmost:
            raise LineError(UNPLACED, ", ".join(f"`{mention}`" for mention in mentions)[:80])
    return [
        Span(start, start + len(mention), type_)
        for start, (mention, type_) in zip(places, each.mentions, strict=True)
    ]


def _leftmost(text: str, mentions: Sequence[str]) -> list[int]:
    """Where the mentions lie, one behind the other, each as early as it can."""
    places, position = [], 0
    for mention in mentions:
        place = text.find(mention, position)
        if place < 0:
            raise LineError("a mention that the text lacks, or not in this order", f"`{mention}`")
        places.append(place)
        position = place + len(mention)
    return places
