"""Units with a tag each (characters, syllables, words, morphemes) → a sentence with spans.

BIO, IOB1, BIOES and BILOU are read alike, as `B-PS`, `B_PS`, `PS-B` or `PS_B`. The text is the one
that the corpus carries beside the units, where it does; else characters are joined as they are and
words by one space.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from job.lines import LineError
from job.sentences import Sentence, Span
from job.tagged import AMBIGUOUS, IS_TYPE, align

OUTSIDE_TAGS = frozenset(("O", "-"))
PREFIXED = re.compile(r"([BIESLUM])[-_](.+)", re.DOTALL)
SUFFIXED = re.compile(r"(.+)[-_]([BIESLUM])", re.DOTALL)
OPENS = frozenset("BSU")
CLOSES = frozenset("ESLU")

DIFFER = "units differ from the sentence"
CHARACTERS, WORDS = "", " "  # what joins units when nothing else carries the text
JOINED_AS = {CHARACTERS: "characters joined as they are", WORDS: "words joined by one space"}

# What may be noted of a sentence that was read.
OPENED_BY_INSIDE = "entities that start with I- were opened there (IOB1)"
MARKUP_IGNORED = "sentences are marked up otherwise than their units; the units' tags were taken"


class Tag(NamedTuple):
    """One of BIESLUM and the entity type, or two empty strings outside an entity."""

    letter: str
    type: str


def looks_like_tag(text: str) -> bool:
    return text in OUTSIDE_TAGS or bool(PREFIXED.fullmatch(text) or SUFFIXED.fullmatch(text))


def read_tags(distinct: Iterable[str]) -> dict[str, Tag | LineError]:
    """Every tag that a file uses → its meaning; whether B stands first or last is the file's way.

    Worked example: `B-PS` can be B of PS, or S of nothing sensible; `S_B` alone can be S of B or B
    of S. What fits more of the file's tags is taken, and B first where both fit alike.
    """
    inside = [tag for tag in distinct if tag not in OUTSIDE_TAGS]
    prefixed = sum(bool(PREFIXED.fullmatch(tag)) for tag in inside)
    suffixed = sum(bool(SUFFIXED.fullmatch(tag)) for tag in inside)
    tags: dict[str, Tag | LineError] = dict.fromkeys(OUTSIDE_TAGS, Tag("", ""))
    for tag in inside:
        match = (PREFIXED if prefixed >= suffixed else SUFFIXED).fullmatch(tag)
        if not match:
            tags[tag] = LineError("unknown tag", f"`{tag[:40]}` is neither O nor BIO nor BIOES")
            continue
        letter, type_ = match.groups() if prefixed >= suffixed else reversed(match.groups())
        tags[tag] = Tag(letter, type_) if IS_TYPE(type_) else bad_type(type_)
    return tags


def bad_type(type_: str) -> LineError:
    detail = f"`{type_[:40]}` is empty or holds a space, `:`, `<` or `>`; rename it"
    return LineError("entity type cannot be written in the tutorial's format", detail)


def choose_joiner(units: Iterable[str]) -> str:
    """CHARACTERS where units are single characters or hold the spaces themselves, else WORDS."""
    single = several = 0
    for unit in units:
        if unit.isspace():
            return CHARACTERS
        # A syllable in NFD is one character of up to three code points.
        if len(unit) == 1 or len(unicodedata.normalize("NFC", unit)) == 1:
            single += 1
        else:
            several += 1
    return CHARACTERS if single > 3 * several else WORDS


def read_units(
    units: Sequence[str],
    tags: Sequence[Tag | LineError],
    carried: str | None,
    joiner: str,
    line: int,
    noted: Counter,
) -> Sentence:
    """The sentence that starts on `line`. `carried` is its text, plain or marked up. LineError."""
    for tag in tags:
        if isinstance(tag, LineError):
            raise tag
    if not all(units):
        raise LineError("empty unit")
    if carried is None:
        text, marked, starts, ends = _join(units, joiner)
    else:
        text, marked, starts, ends = _place(units, carried)
    if not text.strip():
        raise LineError("empty sentence")
    spans = []
    opened_by_inside = 0
    for first, last, letter, type_ in _entities(tags):
        start, end = starts[first], ends[last]
        if start >= end:
            raise LineError(DIFFER, "an entity of nothing but spaces that the sentence lacks")
        spans.append(Span(start, end, type_))
        opened_by_inside += letter not in OPENS
    if opened_by_inside:
        noted[OPENED_BY_INSIDE] += opened_by_inside
    if marked is not None and marked != tuple(spans):
        noted[MARKUP_IGNORED] += 1
    return Sentence(text, tuple(spans), line)


def _entities(tags: Sequence[Tag]) -> list[tuple[int, int, str, str]]:
    """(first unit, last unit, the letter that opened it, type) of each entity."""
    entities = []
    first = -1
    for i, (letter, type_) in enumerate(tags):
        continues = first >= 0 and letter and letter not in OPENS and type_ == tags[first].type
        if first >= 0 and not continues:
            entities.append((first, i - 1, *tags[first]))
            first = -1
        if letter and first < 0:
            first = i
        if letter in CLOSES and first >= 0:
            entities.append((first, i, *tags[first]))
            first = -1
    if first >= 0:
        entities.append((first, len(tags) - 1, *tags[first]))
    return entities


Placed = tuple[str, tuple[Span, ...] | None, list[int], list[int]]


def _join(units: Sequence[str], joiner: str) -> Placed:
    starts, ends = [], []
    position = -len(joiner)
    for unit in units:
        starts.append(position + len(joiner))
        position = starts[-1] + len(unit)
        ends.append(position)
    return joiner.join(units), None, starts, ends


def _place(units: Sequence[str], carried: str) -> Placed:
    """The carried text without its markup, and where each unit lies in it."""
    joined, _, starts, ends = _join(units, CHARACTERS)
    if joined == carried:
        return joined, None, starts, ends
    try:
        return joined, align(joined, carried), starts, ends
    except LineError as error:
        if error.reason == AMBIGUOUS:  # but the text is certain, and so are the units' tags
            return joined, None, starts, ends
    return _place_but_for_spaces(units, carried)


def _place_but_for_spaces(units: Sequence[str], carried: str) -> Placed:
    """As `_place`, for units that lack the spaces of the sentence."""
    kept_at = [i for i, character in enumerate(carried) if not character.isspace()]
    bare_carried = "".join(carried[i] for i in kept_at)
    bare_units = ["".join(unit.split()) for unit in units]
    bare, _, starts, ends = _join(bare_units, CHARACTERS)
    if bare == bare_carried:
        marked, markup = None, set()
    else:
        try:
            marked = align(bare, bare_carried)
        except LineError as error:
            raise LineError(DIFFER, str(error)) from error
        markup = _markup_indices(marked, kept_at)
    text: list[str] = []
    offset_of: list[int] = []  # of each character of `bare`, in the text
    for i, character in enumerate(carried):
        if i in markup:
            continue
        if not character.isspace():
            offset_of.append(len(text))
        text.append(character)
    starts = [offset_of[start] if start < len(bare) else len(text) for start in starts]
    ends = [offset_of[end - 1] + 1 if end else 0 for end in ends]
    if marked is not None:
        marked = tuple(Span(offset_of[s], offset_of[e - 1] + 1, type_) for s, e, type_ in marked)
    return "".join(text), marked, starts, ends


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
