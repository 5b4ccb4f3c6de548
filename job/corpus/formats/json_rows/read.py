"""The records of a split → its sentences: texts with spans, or tokens with tags.

Offsets count Unicode code points and are half-open; where spans name their mentions, these say in
which unit the split counts (`offsets`). Where a row with tokens has a `sentence` or `text`, that is
the text.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from job.corpus.formats.bio_tags import JOINED_AS, choose_joiner, read_tags, read_units
from job.corpus.formats.format import Contents, TagNames
from job.corpus.formats.json_rows.answers import Answers, Row, Task, TextAndSpans, rejected
from job.corpus.formats.json_rows.decoding.window import Object
from job.corpus.formats.json_rows.left_out import LeftOutError, left_out
from job.corpus.formats.json_rows.mentions import has_spans, read_spans
from job.corpus.formats.json_rows.offsets.bounds import add_bounds
from job.corpus.formats.json_rows.offsets.choose import choose_unit, units_of
from job.corpus.formats.json_rows.offsets.convert import UNDECIDED, convert
from job.corpus.formats.json_rows.offsets.marked import (
    CODE_POINTS,
    GRAPHEMES,
    UNITS,
    UTF_16,
    Marked,
    Unit,
)
from job.corpus.formats.json_rows.records import Record
from job.corpus.formats.json_rows.shape.kinds import parts_entered
from job.corpus.formats.json_rows.shape.survey import Shape
from job.corpus.formats.json_rows.tokens import (
    Cut,
    Tagged,
    as_tagged,
    has_integer_tags,
    has_tags,
    read_tokens,
)
from job.corpus.formats.text_lines import LineError, Note
from job.sentence import Span

TOO_LARGE = "a sentence that is too large to be read"
OF_TOOLS = frozenset(  # one of which each row has that is said to be of a tool, or of a task
    [
        *("Comments", "annotation_approver", "relations", "annotation_id", "data"),
        "_annotator_id",
    ]
)
NO_MENTIONS = "no mentions in its whole file"
ABSENT = Note("sentence has", "sentences have", "no list of mentions; read as without entities")


class Reader:
    """Reads the records of a split, and then gives its sentences."""

    def __init__(self, shape: Shape, find_tag_names: TagNames, *, with_units: bool) -> None:
        self.shape = shape
        self.find_tag_names = find_tag_names
        self.with_units = with_units
        self.rows: list[Row] = []
        self.noted: Counter[Note] = Counter()
        self.tag_names: Sequence[str] | None = None
        self.alone: list[str] = []  # tokens, joined, whose text nothing says
        self.tasks: dict[int, Task] = {}  # by the number of the row
        self.of_tool = {"doccano": 0, "Label Studio": 0}
        self.count = 0
        self.may_count_tokens = True

    def read_file(self, records: Iterable[Record], file: str) -> None:
        """Reads the records of one file."""
        first = len(self.rows)
        self._read_all(records, file)
        rows = itertools.islice(self.rows, first, None)
        if all(row.read.absent for row in rows if isinstance(row.read, Marked)):
            for row in itertools.islice(self.rows, first, None):
                if isinstance(row.read, Marked):
                    row.read = LineError(NO_MENTIONS, f"`{self._first_key()}` is nowhere in it")

    def _read_all(self, records: Iterable[Record], file: str) -> None:
        document = ""
        for record in records:
            try:
                read: Marked | Tagged | LineError = self._read(record)
            except LeftOutError as mark:
                self.noted[Note("row was", "rows were", f"left out, marked {mark}")] += 1
                continue
            except LineError as error:
                read = error
            if isinstance(record.row, dict):
                self._look_at(read, record.row, file)
            if record.document != document:
                document = record.document  # one string for all that it holds
            self.rows.append(Row(record.line, file, record.where, document, read))

    def _first_key(self) -> str:
        return ".".join(self.shape.spans[0]) if self.shape.spans else "spans"

    def _read(self, record: Record) -> Marked | Tagged:
        row = record.row
        if isinstance(row, LineError):
            raise row
        if entered := parts_entered(row):
            raise LineError(TOO_LARGE, ", ".join(f"`{key}`"[:40] for key in entered))
        if mark := left_out(row):
            raise LeftOutError(mark)
        found = has_spans(row, self.shape)
        tagged = row if "tokens" in row or found else as_tagged(row)
        if "tokens" not in tagged or (not has_tags(row) and found and tagged is row):
            is_min = "annotation_id" in row and "lead_time" in row
            marked = read_spans(row, self.shape, absent_is_empty=bool(record.where) or is_min)
            if self.with_units:
                graphemes = self.shape.named.offsets == "graphemes"
                add_bounds(marked, row, graphemes=graphemes)
            return marked
        if has_integer_tags(tagged) and self.tag_names is None:
            self.tag_names = self.find_tag_names()
        filled = any(_holds_spans(row.get(keys[0])) for keys in self.shape.spans)
        return read_tokens(tagged, self.tag_names, has_spans=filled)

    def _look_at(self, read: Marked | Tagged | LineError, given: Object, file: str) -> None:
        """What the record says besides: by which tool, and for which task it is an answer."""
        if isinstance(read, Tagged) and read.carried is None:
            self.alone.append(read.joined_units)
        if not isinstance(read, Marked):
            return
        self.count += 1
        if read.spans and self.may_count_tokens:
            self.may_count_tokens = _can_count(given.get("tokens"), read.spans)
        if OF_TOOLS.isdisjoint(given):
            return
        self.of_tool["doccano"] += (
            isinstance(given.get("Comments"), list)
            or ("annotation_approver" in given)
            or (isinstance(given.get("relations"), list) and "entities" in given)
        )
        self.of_tool["Label Studio"] += "annotation_id" in given or isinstance(
            given.get("data"), dict
        )
        if task := Task.of(given, file):
            self.tasks[len(self.rows)] = task

    def counts_text(self) -> bool:
        """Whether most offsets are such of the text, so that none are places among its units."""
        marked = [row.read for row in self.rows if isinstance(row.read, Marked)]
        filled = [row for row in marked if row.spans and not row.placed]
        if not filled:
            return True
        unit, others = choose_unit(filled, UTF_16)
        good = 0
        for row in filled:
            with suppress(LineError):
                convert(row, unit, others)
                good += 1
        return 2 * good > len(filled)

    def contents(self, kind: str) -> Contents:
        """The sentences, how they were read, what was rejected, and what is worth a note."""
        how_marked, place_marked = self._marked()
        how_tagged, place_tagged = self._tagged()
        contents = Contents(f"{kind} {', '.join(how_marked + how_tagged)}", [], [], self.noted)
        answers = Answers()
        self.rows.reverse()
        for number in range(len(self.rows)):
            row = self.rows.pop()  # so that no more than one of them and its sentence are there
            try:
                if isinstance(row.read, LineError):
                    raise row.read
                if isinstance(row.read, Marked):
                    self.noted[ABSENT] += row.read.absent
                    placed = place_marked(row.read)
                else:
                    placed = place_tagged(row.read)
            except LineError as error:
                contents.rejected.append(rejected(error, row))
            else:
                answers.add(row, placed, self.tasks.get(number))
        self.noted += Counter()
        answers.settle(contents)
        return contents

    def _marked(self) -> tuple[list[str], Callable[[Marked], TextAndSpans]]:
        """How rows with spans were read, and what reads one."""
        marked = [row.read for row in self.rows if isinstance(row.read, Marked)]
        tool = next((name for name, n in self.of_tool.items() if n and n == self.count), None)
        unit, others = choose_unit(marked, UTF_16 if tool else CODE_POINTS, self._allowed(marked))
        named = any(row.mentions for row in marked)
        may_count_tokens = self.may_count_tokens and not named and not self.shape.named.offsets

        def place(read: Marked) -> TextAndSpans:
            if may_count_tokens and read.spans:
                raise LineError(UNDECIDED, f"as {unit.name} or as tokens")
            return read.text, convert(read, unit, others)

        how = []
        if marked or not any(isinstance(row.read, Tagged) for row in self.rows):
            how.append("with text and spans")
        if marked and unit != CODE_POINTS:
            said = f" (as {tool} does)" if tool and not named else ""
            how.append(f"whose offsets count {unit.name}{said}")
        if marked and (said := self.shape.said(unit)):
            how.append(f"by CORPUS_FIELDS={said}")
        return how, place

    def _allowed(self, rows: Sequence[Marked]) -> list[Unit] | None:
        """The units that CORPUS_FIELDS leaves."""
        named = self.shape.named
        if not (named.offsets or named.ends):
            return None
        wanted = "tokens" if named.offsets == "morphemes" else named.offsets
        units = [*UNITS, *GRAPHEMES, *units_of(rows)]
        found = [
            unit
            for unit in units
            if (not wanted or unit.field == wanted)
            and (not named.ends or unit.inclusive == (named.ends == "inclusive"))
            and (wanted or unit.field != "graphemes")
        ]
        if named.offsets and not named.ends and not any(row.mentions for row in rows):
            found = [unit for unit in found if not unit.inclusive]
        return found or None

    def _tagged(self) -> tuple[list[str], Callable[[Tagged], TextAndSpans]]:
        """How rows with tokens were read, and what reads one."""
        tagged = [row.read for row in self.rows if isinstance(row.read, Tagged)]
        joiner = choose_joiner(Cut([row.joined_units for row in tagged]))
        meaning = read_tags(Counter(tag for row in tagged for tag in row.tags))
        keys = {key for row in tagged for key, value in row.markups.items() if value is not None}
        key = keys.pop() if len(keys) == 1 else ""  # of several nobody knows which is meant

        def place(row: Tagged) -> TextAndSpans:
            tags = [meaning[tag] for tag in row.tags]
            return read_units(
                row.units, tags, row.carried, joiner, self.noted, marked=row.marked_up(key)
            )

        said = f"with tokens and tags, {JOINED_AS[joiner]} where no text is given"
        return [said] if tagged else [], place


def _can_count(tokens: object, spans: Sequence[Span]) -> bool:
    """Whether the offsets can be places among the tokens."""
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        return False
    return all(span.end <= len(tokens) for span in spans)


def _holds_spans(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(part, list | dict) for part in value)
