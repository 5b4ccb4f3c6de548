"""The unit in which a file counts offsets, proven by the mentions that its spans bring along.

Tools count code points, UTF-16 code units (JavaScript) or bytes of UTF-8, and their ends are half
open or inclusive. One unit holds for a whole file: the one that spells the most mentions. What it
does not spell is rejected, never moved about until it fits.
"""

import itertools
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from job.corpus.formats.text_lines import LineError
from job.sentence import Span

DIFFERS = "offsets that do not give the mention that the span names"
OUTSIDE = "a span outside its text"
CUTS = "a span that begins or ends within a syllable"
UNDECIDED = "offsets that can be read in two ways"
NO_BOUNDS: Mapping[str, "array[int]"] = MappingProxyType({})


@dataclass(slots=True)
class Marked:
    """A text and its spans as they were written: in the file's unit.

    It waits in little memory until all are read: `mentions` has for each span the mention that it
    names, or None; it is empty where none does, and the unit that gives them where one gives all.
    `bounds` are the places of its units (tokens, morphemes), half-open in code points, a start and
    an end in turns, by what they count. `placed`: the spans are in code points already. `absent`:
    nothing says that there are no spans.
    """

    text: str
    spans: Sequence[Span] = ()
    mentions: "Sequence[str | None] | Unit" = ()
    bounds: Mapping[str, "array[int]"] = field(default_factory=lambda: NO_BOUNDS)
    placed: bool = False
    absent: bool = False

    @classmethod
    def of(cls, text: str, spans: Sequence[Span], mentions: Sequence[str | None]) -> "Marked":
        """With `mentions` as they were written."""
        row = cls(text, tuple(spans))
        if any(mention is not None for mention in mentions):
            row.mentions = next((u for u in UNITS if u.gives(row, mentions)), tuple(mentions))
        return row

    def given(self) -> Sequence[str | None]:
        """For each span the mention that it names."""
        if not isinstance(self.mentions, Unit):
            return self.mentions or (None,) * len(self.spans)
        places = [self.mentions.convert(self, span) for span in self.spans]
        return [self.text[start:end] for start, end, _ in places]

    def count_named(self) -> int:
        if isinstance(self.mentions, Unit):
            return len(self.spans)
        return sum(mention is not None for mention in self.mentions)

    def named(self) -> Iterator[tuple[Span, str]]:
        """The spans that name their mention."""
        for span, mention in zip(self.spans, self.given(), strict=True):
            if mention is not None:
                yield span, mention


def _utf16(character: str) -> int:
    return 2 if character > "\uffff" else 1


def _utf8(character: str) -> int:
    return len(character.encode())


class Unit(NamedTuple):
    """`width` is how much of the unit a character takes; None where each takes one.

    `units` is the name of the row's units where offsets are places among those. `field` is its name
    in CORPUS_FIELDS.
    """

    name: str
    width: Callable[[str], int] | None
    inclusive: bool
    field: str = "codepoints"
    units: str = ""

    def convert(self, row: Marked, span: Span) -> Span:
        """The span in half-open code points. Raises LineError where the offsets hit none."""
        if self.units:
            return self._of_units(row, span)
        text = row.text
        first, last, type_ = span
        last += self.inclusive
        if self.width is not None:
            index_at = _index_at(text, self.width)
            first, last = index_at.get(first, -1), index_at.get(last, -1)
        if not 0 <= first < last <= len(text):
            raise LineError(OUTSIDE, f"[{span.start}, {span.end}] of {len(text)} characters")
        return span if (first, last) == span[:2] else Span(first, last, type_)

    def _of_units(self, row: Marked, span: Span) -> Span:
        bounds = row.bounds.get(self.units, ())
        count = len(bounds) // 2
        first, last, type_ = span
        last += self.inclusive
        if not 0 <= first < last <= count:
            raise LineError(OUTSIDE, f"[{span.start}, {span.end}] of {count} units")
        start, end = bounds[2 * first], bounds[2 * last - 1]
        if not 0 <= start < end <= len(row.text):
            raise LineError(OUTSIDE, f"[{span.start}, {span.end}] of {count} units")
        return Span(start, end, type_)

    def gives(self, row: Marked, mentions: Sequence[str | None]) -> bool:
        """Whether the row's spans, counted so, are these mentions to the letter."""
        if self is CODE_POINTS:
            text = row.text  # what most rows are, so it is fast
            return all(
                mention and start >= 0 and text[start:end] == mention and end <= len(text)
                for (start, end, _), mention in zip(row.spans, mentions, strict=True)
            )
        try:
            places = [self.convert(row, span) for span in row.spans]
        except LineError:
            return False
        return [row.text[start:end] for start, end, _ in places] == list(mentions)


@lru_cache(maxsize=1)
def _index_at(text: str, width: Callable[[str], int]) -> dict[int, int]:
    """Offset in the unit → index of the character that begins there."""
    index_at, offset = {0: 0}, 0
    for i, character in enumerate(text, start=1):
        offset += width(character)
        index_at[offset] = i
    return index_at


CODE_POINTS = Unit("code points", None, False)
UTF_16 = Unit("UTF-16 code units", _utf16, False, "utf16")
# What goes on with the character before it where that is decomposed (NFD).
LETTER_AND_MARK = re.compile(
    "[^\\W\\d_][\u0300-\u036f]|[\u1100-\u115f][\u1160-\u11a7]|[\u1160-\u11a7][\u11a8-\u11ff]"
)
MARK = re.compile("[\u0300-\u036f\u1160-\u11ff]")  # the second of the two
UNEXPLAINED = 0.01  # of the spans, that make one doubt the unit
GRAPHEMES = (
    Unit("graphemes", None, False, "graphemes", units="graphemes"),
    Unit("graphemes with inclusive ends", None, True, "graphemes", units="graphemes"),
)
UNITS = (
    CODE_POINTS,
    Unit("code points with inclusive ends", None, True),
    UTF_16,
    Unit("UTF-16 code units with inclusive ends", _utf16, True, "utf16"),
    Unit("UTF-8 bytes", _utf8, False, "bytes"),
    Unit("UTF-8 bytes with inclusive ends", _utf8, True, "bytes"),
)


def units_of(rows: Iterable[Marked]) -> tuple[Unit, ...]:
    """The units among a row's tokens or morphemes, for each list of these that rows have."""
    counted = dict.fromkeys(name for row in rows for name in row.bounds if name != "graphemes")
    return tuple(
        Unit(f"{name}{' with inclusive ends' * inclusive}", None, inclusive, "tokens", units=name)
        for name in counted
        for inclusive in (False, True)
    )


def choose_unit(
    rows: Iterable[Marked], default: Unit = CODE_POINTS, allowed: Sequence[Unit] | None = None
) -> tuple[Unit, tuple[Unit, ...]]:
    """The unit that spells the most mentions, and any others that spell as many.

    `default` where no span names its mention; where that leaves spans unexplained and another unit
    none, which of the two holds cannot be told. `allowed`: the user names one of these.
    """
    rows = [row for row in rows if row.spans and not row.placed]
    named = [row for row in rows if row.mentions]
    units = tuple(allowed) if allowed else (*UNITS, *units_of(rows))
    default = default if default in units else units[0]
    if not named:
        return default, _explaining(rows, default, units)
    spelled = [(_spelled(named, unit), unit) for unit in units[:1]]
    mentions = sum(row.count_named() for row in named)
    if spelled[0][0] == (mentions, mentions):  # and a longer or shorter span spells another word
        return units[0], ()
    spelled += [(_spelled(named, unit), unit) for unit in units[1:]]
    best = max(score for score, _ in spelled)
    chosen, *others = [unit for score, unit in spelled if score == best]
    return chosen, tuple(others)


def _explaining(rows: Sequence[Marked], default: Unit, allowed: Sequence[Unit]) -> tuple[Unit, ...]:
    """The units that can explain every span, where the default cannot.

    Worked example: [2, 2] is nothing where ends are half open, and a syllable where they are not.
    """
    total = sum(len(row.spans) for row in rows)
    strange = sum(not _explains(row, default) for row in rows)
    if not strange or strange < UNEXPLAINED * total:
        return ()
    units = [unit for unit in allowed if unit is not default]
    return tuple(unit for unit in units if all(_explains(row, unit) for row in rows))


def _explains(row: Marked, unit: Unit) -> bool:
    try:
        spans = sorted(unit.convert(row, span) for span in row.spans)
    except LineError:
        return False
    return all(
        left.end <= right.start or left == right for left, right in itertools.pairwise(spans)
    )


def bare(text: str) -> str:
    """The text without blanks: what decodes wordpieces leaves some out."""
    return "".join(text.split())


def _spelled(rows: Sequence[Marked], unit: Unit) -> tuple[int, int]:
    """How many mentions the offsets give, but for blanks around them, and how many exactly."""
    but_for_blanks = exactly = 0
    for row in rows:
        if row.mentions is unit:
            but_for_blanks += len(row.spans)
            exactly += len(row.spans)
            continue
        for span, mention in row.named():
            try:
                start, end, _ = unit.convert(row, span)
            except LineError:
                continue
            found = row.text[start:end]
            exactly += found == mention
            but_for_blanks += found == mention or bare(found) == bare(mention)
    return but_for_blanks, exactly


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
