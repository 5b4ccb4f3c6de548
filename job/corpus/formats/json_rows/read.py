"""Rows of JSON → sentences: `{"text", "spans": [[start, end, type], …]}`, or Hugging Face's
`tokens` and `ner_tags`.

Offsets count Unicode code points and are half-open; where spans name their mentions, these say in
which unit the file counts (`offsets`). A span may also be an object with `start`, `end` and
`label` or `type`. Where a row with tokens has a `sentence` or `text`, that is the text.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from job.corpus.formats.bio_tags import JOINED_AS, choose_joiner, read_tags, read_units
from job.corpus.formats.format import Contents, TagNames
from job.corpus.formats.json_rows.marked import marked_key
from job.corpus.formats.json_rows.offsets import (
    CODE_POINTS,
    UNDECIDED,
    UTF_16,
    Marked,
    Unit,
    choose_unit,
    convert,
)
from job.corpus.formats.json_rows.rows import Row, Rows, without_left_out
from job.corpus.formats.json_rows.spans import read_spans, spans_of
from job.corpus.formats.json_rows.tokens import Tagged, has_integer_tags, has_tags, read_tokens
from job.corpus.formats.text_lines import LineError, Note
from job.sentence import Sentence, Span

TextAndSpans = tuple[str, tuple[Span, ...]]


def read_rows(rows: Rows, path: str, find_tag_names: TagNames) -> Contents:
    """The sentences of the rows, how they were read, what was rejected, and what is worth a note.

    Spans are as they were written, in code points. `find_tag_names` is asked only where tags are
    integers.
    """
    noted: Counter[Note] = Counter()
    rows = without_left_out(rows, noted)
    tag_names = find_tag_names() if any(has_integer_tags(row) for _, row in rows) else None
    marked_at = marked_key(rows)
    read = [_read(row, tag_names, marked_at) for _, row in rows]
    how_marked, place_marked = _marked(rows, read)
    how_tagged, place_tagged = _tagged(read, noted)
    contents = Contents(", ".join(how_marked + how_tagged), [], [], noted)
    for (number, _), row in zip(rows, read, strict=True):
        try:
            if isinstance(row, LineError):
                raise row
            text, spans = place_marked(row) if isinstance(row, Marked) else place_tagged(row)
            contents.sentences.append(Sentence(text, spans, number, path))
        except LineError as error:
            contents.rejected.append(error.at(path, number))
    return contents


def _read(
    row: Row, tag_names: Sequence[str] | None, marked_at: str | None
) -> Marked | Tagged | LineError:
    try:
        if isinstance(row, LineError):
            raise row
        if "tokens" not in row or (not has_tags(row) and spans_of(row) is not None):
            return read_spans(row)
        return read_tokens(row, tag_names, marked_at)
    except LineError as error:
        return error


def _marked(
    rows: Rows, read: Sequence[Marked | Tagged | LineError]
) -> tuple[list[str], Callable[[Marked], TextAndSpans]]:
    """How rows with spans were read, and what reads one."""
    marked = [row for row in read if isinstance(row, Marked)]
    unit, others = choose_unit(marked, _default_unit(rows))
    may_count_tokens = _may_count_tokens(rows, read)

    def place(row: Marked) -> TextAndSpans:
        if may_count_tokens and row.spans:
            raise LineError(UNDECIDED, f"as {unit.name} or as tokens")
        return row.text, convert(row, unit, others)

    how = []
    if marked or not any(isinstance(row, Tagged) for row in read):
        how.append("with text and spans")
    if unit is not CODE_POINTS and marked:
        how.append(f"whose offsets count {unit.name}")
    return how, place


def _tagged(
    read: Sequence[Marked | Tagged | LineError], noted: Counter[Note]
) -> tuple[list[str], Callable[[Tagged], TextAndSpans]]:
    """How rows with tokens were read, and what reads one."""
    tagged = [row for row in read if isinstance(row, Tagged)]
    joiner = choose_joiner([row.units for row in tagged])
    meaning = read_tags(Counter(tag for row in tagged for tag in row.tags))

    def place(row: Tagged) -> TextAndSpans:
        tags = [meaning[tag] for tag in row.tags]
        return read_units(row.units, tags, row.carried, joiner, noted, marked=row.marked)

    said = f"with tokens and tags, {JOINED_AS[joiner]} where no text is given"
    return [said] if tagged else [], place


def _may_count_tokens(rows: Rows, read: Sequence[Marked | Tagged | LineError]) -> bool:
    """Whether offsets that name no mention can all be places among the row's tokens.

    Worked example: `홍길동 은 서울` and [2, 3] beside its three tokens is `동` or `서울`.
    """
    spans = 0
    for (_, row), marked in zip(rows, read, strict=True):
        if not isinstance(marked, Marked) or not marked.spans or isinstance(row, LineError):
            continue
        units = row.get("tokens")
        if not (isinstance(units, list) and all(isinstance(unit, str) for unit in units)):
            return False
        if any(marked.named()) or any(span.end > len(units) for span in marked.spans):
            return False
        spans += len(marked.spans)
    return spans > 0


def _default_unit(rows: Rows) -> Unit:
    """Doccano counts as JavaScript does; its exports of today have a list of comments."""
    objects = [row for _, row in rows if isinstance(row, dict)]
    of_doccano = objects and all(isinstance(row.get("Comments"), list) for row in objects)
    return UTF_16 if of_doccano else CODE_POINTS
