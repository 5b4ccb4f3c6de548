"""The spans of a row in the unit of its split → half-open code points."""

import re
from collections.abc import Sequence

from job.corpus.formats.json_rows.offsets.choose import bare
from job.corpus.formats.json_rows.offsets.marked import CODE_POINTS, Marked, Unit
from job.corpus.formats.text_lines import LineError
from job.sentence import Span

DIFFERS = "offsets that do not give the mention that the span names"
CUTS = "a span that begins or ends within a syllable"
UNDECIDED = "offsets that can be read in two ways"
# What goes on with the character before it where that is decomposed (NFD).
LETTER_AND_MARK = re.compile(
    "[^\\W\\d_][\u0300-\u036f]|[\u1100-\u115f][\u1160-\u11a7]|[\u1160-\u11a7][\u11a8-\u11ff]"
)
MARK = re.compile("[\u0300-\u036f\u1160-\u11ff]")  # the second of the two


def convert(row: Marked, unit: Unit, others: Sequence[Unit]) -> tuple[Span, ...]:
    """The row's spans in half-open code points.

    Raises LineError where a span names another mention or cuts a syllable in two, or where one of
    the `others`, which explain the file as well, gives other spans.
    """
    if row.placed:
        return tuple(row.spans)
    if unit is CODE_POINTS and _lie_in(row):
        spans = tuple(row.spans)
    else:
        spans = tuple([unit.convert(row, span) for span in row.spans])
    if row.mentions and row.mentions is not unit:
        _refuse_other_mentions(row, spans)
    if MARK.search(row.text):
        _refuse_cuts(row.text, spans)
    for other in others:
        try:
            same = tuple(other.convert(row, span) for span in row.spans) == spans
        except LineError:
            continue
        if not same:
            raise LineError(UNDECIDED, f"as {unit.name} or as {other.name}")
    return spans


def _lie_in(row: Marked) -> bool:
    length = len(row.text)
    for start, end, _ in row.spans:  # noqa: SIM110 - most rows are this, and it is twice as fast
        if not 0 <= start < end <= length:
            return False
    return True


def _refuse_other_mentions(row: Marked, spans: Sequence[Span]) -> None:
    for (start, end, _), given, mention in zip(spans, row.spans, row.given(), strict=True):
        if mention is None or (found := row.text[start:end]) == mention:
            continue
        if bare(found) != bare(mention):
            raise LineError(
                DIFFERS,
                f"[{given.start}, {given.end}] gives `{found[:20]}`, the span says "
                f"`{mention[:20]}`",
            )


def _refuse_cuts(text: str, spans: Sequence[Span]) -> None:
    for index in {index for span in spans for index in (span.start, span.end)}:
        if index and LETTER_AND_MARK.fullmatch(text, index - 1, index + 1):
            found = text[max(index - 10, 0) : index + 10]
            raise LineError(CUTS, f"offset {index}, in `{found}`; the text is decomposed (NFD)")
