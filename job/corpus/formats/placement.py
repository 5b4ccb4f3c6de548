"""Entities of units, placed in the text that the units spell, or that stands beside them.

A text may be marked up. Then the markup decides, and the units must say the same: the very same
entities where they spell the text, else (morphemes, lemmas) as many of the same types.
"""

import itertools
import operator
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from job.corpus.formats.markup import BROKEN, DIFFERS, mark, read_markup
from job.corpus.formats.text_lines import LineError
from job.sentence import Span

DIFFER = "units differ from the sentence"
DISAGREE = "units and markup give other entities"


class Entity(NamedTuple):
    """From which unit to which, the letter that opened it, and its type."""

    first: int
    last: int
    letter: str
    type: str


def join_units(
    units: Sequence[str], joiner: str, words: Sequence[str] | None = None
) -> tuple[str, list[int], list[int]]:
    """The text, and where each unit starts and ends in it."""
    if words:
        between = ["" if left == right else joiner for left, right in itertools.pairwise(words)]
    else:
        between = [joiner] * (len(units) - 1)
    gaps = [0, *map(len, between)]
    lengths = list(map(len, units))
    ends = list(itertools.accumulate(map(operator.add, gaps, lengths)))
    starts = list(map(operator.sub, ends, lengths))
    parts = itertools.chain.from_iterable(zip(["", *between], units, strict=True))
    return "".join(parts), starts, ends


def place_entities(
    entities: Sequence[Entity], starts: Sequence[int], ends: Sequence[int]
) -> tuple[Span, ...]:
    spans = []
    for first, last, _, type_ in entities:
        if starts[first] >= ends[last]:
            raise LineError(DIFFER, "an entity of nothing but spaces that the sentence lacks")
        spans.append(Span(starts[first], ends[last], type_))
    return tuple(spans)


def place_in_carried(
    units: Sequence[str], entities: Sequence[Entity], carried: str
) -> tuple[str, tuple[Span, ...]]:
    """The carried text without its markup, and its entities."""
    text, starts, ends = join_units(units, "")
    spans = place_entities(entities, starts, ends)
    # Of several readings of the markup, the one that the units give.
    if carried in (text, mark(text, spans)):
        return text, spans
    try:
        _agree(spans, read_markup(text, carried))
    except LineError as error:
        if error.reason in (DIFFERS, BROKEN):
            return _place_but_for_spaces(units, entities, carried)
        raise
    return text, spans


def _place_but_for_spaces(
    units: Sequence[str], entities: Sequence[Entity], carried: str
) -> tuple[str, tuple[Span, ...]]:
    """As `place_in_carried`, for units that lack the spaces of the sentence."""
    if any(map(str.isspace, units)):
        raise LineError(DIFFER, "they hold other spaces")
    kept_at = [i for i, character in enumerate(carried) if not character.isspace()]
    bare_carried = "".join(carried[i] for i in kept_at)
    bare, starts, ends = join_units(["".join(unit.split()) for unit in units], "")
    spans = place_entities(entities, starts, ends)
    markup: set[int] = set()
    if bare != bare_carried:
        if mark(bare, spans) != bare_carried:
            try:
                found = read_markup(bare, bare_carried)
            except LineError as error:
                raise LineError(DIFFER, str(error)) from error
            _agree(spans, found)
        markup = _markup_indices(spans, kept_at)
    text: list[str] = []
    offset_of: list[int] = []  # of each character of `bare`, in the text
    for i, character in enumerate(carried):
        if i in markup:
            continue
        if not character.isspace():
            offset_of.append(len(text))
        text.append(character)
    placed = (Span(offset_of[s], offset_of[e - 1] + 1, type_) for s, e, type_ in spans)
    return "".join(text), tuple(placed)


def place_in_marked(
    units: Sequence[str], entities: Sequence[Entity], text: str, marked: str
) -> tuple[Span, ...]:
    """The entities that `marked` marks in the text, where the units say the same."""
    spans = None
    with suppress(LineError):
        spelled, placed = place_in_carried(units, entities, text)
        if spelled == text:  # else they are morphemes
            spans = placed
    if spans is not None and mark(text, spans) == marked:
        return spans
    found = read_markup(text, marked)
    if spans is None:
        _agree([entity.type for entity in entities], [span.type for span in found])
    else:
        _agree(spans, found)
    return found


def _agree(by_units: Sequence, by_markup: Sequence) -> None:
    if list(by_units) != list(by_markup):
        said = (", ".join(map(_shown, entities)) or "none" for entities in (by_units, by_markup))
        raise LineError(DISAGREE, "{} and {}".format(*said)[:80])


def _shown(entity: Span | str) -> str:
    return entity if isinstance(entity, str) else f"{entity.type} {entity.start}–{entity.end}"


def _markup_indices(marked: tuple[Span, ...], kept_at: list[int]) -> set[int]:
    """Where the carried text, whose non-space characters are `kept_at`, holds `<` and `:TAG>`."""
    markup = set()
    surplus = 0
    for start, end, type_ in marked:
        markup.add(kept_at[start + surplus])
        surplus += 1
        closing = kept_at[end + surplus : end + surplus + len(type_) + 2]
        if closing[-1] - closing[0] >= len(closing):
            raise LineError(DIFFER, f"a space within the markup `:{type_}>`")
        markup.update(closing)
        surplus += len(closing)
    return markup
