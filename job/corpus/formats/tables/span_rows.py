"""A span a row, with its text: rows of one text are one sentence, and a row without a text goes on
with that above it (merged cells). A row that cannot be read may be of the sentence before it or
after it, so neither is learned.

Offsets count what the mentions prove (`json_rows.offsets`). A mention without them is placed where
exactly one place is possible.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from job.corpus.formats.format import Contents, Options
from job.corpus.formats.json_rows.offsets.choose import choose_unit
from job.corpus.formats.json_rows.offsets.convert import convert
from job.corpus.formats.json_rows.offsets.marked import CODE_POINTS, UNITS, Marked, Unit
from job.corpus.formats.tables.header import DOCUMENT, END, MENTION, SENTENCE, START, TEXT, TYPE
from job.corpus.formats.tables.lists import is_offset, offset
from job.corpus.formats.tables.part import Part
from job.corpus.formats.text_lines import LineError, Rejected
from job.errors import DataError
from job.sentence import Sentence, Span

OFFSETS = ("codepoints", "utf16", "bytes")  # in the order of UNITS, half open and inclusive
UNPLACED = "a mention that may lie in several places"
UNREADABLE = "a row that may be of this sentence cannot be read"
Name = tuple[str, ...]


@dataclass(slots=True)
class Gathered:
    """A sentence whose rows are gathered. `mentions` without offsets wait for their place."""

    path: str
    line: int
    text: str
    spans: list[Span] = field(default_factory=list)
    given: list[str | None] = field(default_factory=list)
    mentions: list[tuple[str, str]] = field(default_factory=list)
    error: LineError | None = None

    def marked(self) -> Marked:
        return Marked.of(self.text, self.spans, self.given)


def read_span_rows(parts: Sequence[Part], options: Options) -> Contents:
    """Raises DataError where the user names offsets that are not known."""
    contents = Contents(parts[0].how, [], [])
    gathered = _gather(parts, contents.rejected)
    named = _named_unit(options)
    unit, others = (named, ()) if named else choose_unit([each.marked() for each in gathered])
    if unit is not CODE_POINTS:
        contents.how += f", whose offsets count {unit.name}"
    gathered.reverse()
    while gathered:  # each is gone once it is read
        each = gathered.pop()
        try:
            spans = (*convert(each.marked(), unit, others), *_placed(each))
            sentence = Sentence(each.text, tuple(sorted(spans)), each.line, each.path)
            contents.sentences.append(sentence)
        except LineError as error:
            contents.rejected.append(error.at(each.path, each.line))
    return contents


def _named_unit(options: Options) -> Unit | None:
    """The unit that the user names."""
    offsets, end = options.fields.get("offsets"), options.fields.get("end")
    if offsets is None and end != "inclusive":
        return None
    if offsets not in (None, *OFFSETS):
        raise DataError(
            f"CORPUS_FIELDS has offsets={offsets}, but those of a table count {', '.join(OFFSETS)}."
        )
    return UNITS[2 * OFFSETS.index(offsets or OFFSETS[0]) + (end == "inclusive")]


def _gather(parts: Sequence[Part], rejected: list[Rejected]) -> list[Gathered]:
    """The sentences of all rows; those of rows that cannot be read are added to `rejected`."""
    gathered = [each for part in parts for each in _gather_part(part, rejected)]
    for each in gathered:
        if not each.text.strip():
            each.error = LineError("empty sentence")
        if each.error:
            rejected.append(each.error.at(each.path, each.line))
    return [each for each in gathered if not each.error]


def _gather_part(part: Part, rejected: list[Rejected]) -> Collection[Gathered]:
    """Raises DataError where a row that cannot be read may be of any sentence."""
    gathered: dict[Name, Gathered] = {}
    sentence: Gathered | None = None
    unread: Rejected | None = None  # the last row, if it could not be read
    are_apart, first_unread = False, None
    for line, name, cells in _named(part):
        if isinstance(cells, LineError):
            unread = cells.at(part.path, line)
            first_unread = first_unread or unread
            rejected.append(unread)
            _reject(sentence, unread)
            continue
        are_apart |= name in gathered and gathered[name] is not sentence
        text = cells[part.layout.columns[TEXT]] or name[-1]
        sentence = gathered.setdefault(name, Gathered(part.path, line, text))
        _reject(sentence, unread)
        unread = None
        try:
            _add(sentence, cells, part)
        except LineError as error:
            sentence.error = sentence.error or error
    if are_apart and first_unread:
        raise DataError(
            f"{first_unread.file}:{first_unread.line}: {first_unread.reason}, and the rows of a "
            "sentence are not together here, so any sentence may lack an entity; correct the row."
        )
    return gathered.values()


def _reject(sentence: Gathered | None, unread: Rejected | None) -> None:
    if sentence and unread:
        sentence.error = sentence.error or LineError(UNREADABLE, f"line {unread.line}")


def _named(part: Part) -> Iterator[tuple[int, Name, list[str] | LineError]]:
    """The rows, each with what names its sentence; the text is the last of it."""
    columns = part.layout.columns
    names = [columns[role] for role in (DOCUMENT, SENTENCE, TEXT) if role in columns]
    above: list[str] = []
    name: Name = ()
    for line, cells in part.body():
        if isinstance(cells, LineError):
            yield line, name, cells
        elif cells and not cells[columns[TEXT]].strip() and cells[columns[TYPE]].strip():
            is_below = bool(above) and _goes_on(cells, above, columns)
            yield line, name, cells if is_below else LineError("a span without its text")
        elif cells:
            above, name = cells, tuple(cells[c] for c in names)
            yield line, name, cells


def _goes_on(cells: Sequence[str], above: Sequence[str], columns: Mapping[str, int]) -> bool:
    """Whether a row without a text belongs to the row above: its mention lies in that text, or all
    but the span is empty or as there."""
    mention = cells[columns[MENTION]].strip() if MENTION in columns else ""
    spans = {c for role, c in columns.items() if role in (START, END, MENTION, TYPE)}
    named = [c for role, c in columns.items() if role in (DOCUMENT, SENTENCE)]
    rest = named if mention and mention in above[columns[TEXT]] else set(range(len(cells))) - spans
    return all(cells[c] in ("", above[c]) for c in rest)


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
    if not (is_offset(start) and is_offset(end)):
        raise LineError("offsets that are no numbers", f"`{start}` and `{end}`"[:60])
    sentence.spans.append(Span(offset(start), offset(end), type_))
    sentence.given.append(mention or None)


def _placed(each: Gathered) -> list[Span]:
    """The mentions without offsets in their only places. Raises LineError where others are."""
    text, mentions = each.text, [mention for mention, _ in each.mentions]
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
