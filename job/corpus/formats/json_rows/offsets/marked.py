"""A row as it was written, and the units that its offsets may count.

Tools count code points, UTF-16 code units (JavaScript) or bytes of UTF-8, and their ends are half
open or inclusive.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from job.corpus.formats.text_lines import LineError
from job.sentence import Span

OUTSIDE = "a span outside its text"
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
                mention
                and start >= 0
                and text[start:end] == mention
                and end - start == len(mention)
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
