"""Units with a tag each (characters, syllables, words, morphemes) → a sentence with spans.

BIO, IOB1, BIOES and BILOU are read alike, as `B-PS`, `B_PS`, `PS-B` or `PS_B`; a bare `I` goes on
with the entity before it. Tags may be types alone where O, `-` or `_` is the most frequent of them:
neighbours of one type are then one entity. The text is the one that the corpus carries beside the
units, where it does; else characters are joined as they are and words by one space. Where that text
is marked up, the markup decides, and the units must say the same: where they spell the text the
very same entities, else (morphemes) as many of the same types.
"""

import itertools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, cast

from job.corpus.formats.placement import (
    Entity,
    join_units,
    place_entities,
    place_in_carried,
    place_in_marked,
)
from job.corpus.formats.text_lines import LineError, Note
from job.sentence import Span, is_type

OUTSIDE_TAGS = frozenset(("O", "-"))
UNSAID = "_"  # outside an entity where no other tag says so
GOES_ON = "I"  # without a type
TYPE_ALONE = "T"  # in place of a letter
PREFIXED = re.compile(r"([BIESLUM])[-_](.+)", re.DOTALL)
SUFFIXED = re.compile(r"(.+)[-_]([BIESLUM])", re.DOTALL)
NESTED = re.compile("[|,;+](?:[BIESLUM][-_].|O\\Z)|[-_][BIESLUM][|,;+]", re.DOTALL)
LETTERS = frozenset("BIESLUM")
ALONE = re.compile(r"[^\W\d_][^=:|,;<>()\t]*")  # a type that is no number, and no value of a key
OPENS = frozenset("BSU")
CLOSES = frozenset("ESLU")
OPENED_RIGHT = OPENS | {TYPE_ALONE}

CHARACTERS, WORDS = "", " "  # what joins units when nothing else carries the text
COUNTED_AT_ONCE = 256  # sentences
JOINED_AS = {CHARACTERS: "characters joined as they are", WORDS: "words joined by one space"}

TYPES_ALONE = "types without B or I, of which neighbours alike are one entity"

# What may be noted of a sentence that was read.
OPENED_BY_INSIDE = Note(
    "entity that starts with I- was", "entities that start with I- were", "opened there (IOB1)"
)


class Tag(NamedTuple):
    """One of BIESLUM and the entity type, or two empty strings outside an entity.

    The type of a bare `I` is empty: that of the entity before it. A type alone has TYPE_ALONE.
    """

    letter: str
    type: str


def looks_like_tag(text: str) -> bool:
    return text in OUTSIDE_TAGS or text == GOES_ON or bool(split_tag(text))


def split_tag(text: str) -> tuple[str, str] | None:
    """(letter, type) of a tag that has both, whichever stands first."""
    if match := PREFIXED.fullmatch(text):
        return match[1], match[2]
    match = SUFFIXED.fullmatch(text)
    return (match[2], match[1]) if match else None


def are_types(counts: Mapping[str, int]) -> bool:
    """Whether tags, by how often each is met, are types without B or I.

    The most frequent must be O, `-` or `_`, and types are few, however often they are met.
    """
    most = max(counts.values(), default=0)
    outside = [tag for tag in (*OUTSIDE_TAGS, UNSAID) if counts.get(tag, 0)]
    if not outside or max(counts[tag] for tag in outside) < most:
        return False
    types = counts.keys() - set(outside)
    if not types or any(t in LETTERS or split_tag(t) or not ALONE.fullmatch(t) for t in types):
        return False
    return len(types) <= 3 or 3 * len(types) <= sum(counts[type_] for type_ in types)


def unreadable_tags(counts: Mapping[str, int]) -> list[str]:
    """The values among tags that cannot be one."""
    if are_types(counts):
        return []
    outside = _outside(counts)
    return [tag for tag in counts if tag not in outside and not looks_like_tag(tag)]


def _outside(counts: Mapping[str, int]) -> frozenset[str]:
    """The tags that stand outside entities: `_` too, where it is the most frequent and the only."""
    others = any(counts.get(tag) for tag in OUTSIDE_TAGS)
    unsaid = counts.get(UNSAID, 0)
    if (unsaid and are_types(counts)) or (not others and unsaid == max(counts.values(), default=1)):
        return OUTSIDE_TAGS | {UNSAID}
    return OUTSIDE_TAGS


def read_tags(all_tags: Mapping[str, int] | Iterable[str]) -> dict[str, Tag | LineError]:
    """All tags of a split, or how often it has each → the meaning of each.

    Whether B stands first or last is the split's way. Worked example: `B-PS` can be B of PS, or S
    of nothing sensible; `S_B` alone can be S of B or B of S. What fits more of the tags is taken,
    and B first where both fit alike.
    """
    counts = Counter(all_tags)
    outside = _outside(counts)
    inside = [tag for tag in counts if tag not in outside and tag != GOES_ON]
    tags: dict[str, Tag | LineError] = dict.fromkeys(outside, Tag("", ""))
    if are_types(counts):
        return tags | {tag: Tag(TYPE_ALONE, tag) for tag in inside}
    tags[GOES_ON] = Tag(GOES_ON, "")
    prefixed = sum(bool(PREFIXED.fullmatch(tag)) for tag in inside)
    suffixed = sum(bool(SUFFIXED.fullmatch(tag)) for tag in inside)
    for tag in inside:
        match = (PREFIXED if prefixed >= suffixed else SUFFIXED).fullmatch(tag)
        if not match:
            tags[tag] = LineError("unknown tag", f"`{tag[:40]}` is neither O nor BIO nor BIOES")
            continue
        if NESTED.search(tag):
            tags[tag] = LineError("several tags of one unit", f"`{tag[:40]}`; keep one of them")
            continue
        letter, type_ = match.groups() if prefixed >= suffixed else reversed(match.groups())
        tags[tag] = Tag(letter, type_) if is_type(type_) else bad_type(type_)
    return tags


def bad_type(type_: str) -> LineError:
    detail = (
        f"{type_[:40]!r} is empty, holds an unseen character or has blanks around it; rename it"
    )
    return LineError("unusable entity type", detail)


def choose_joiner(sentences: Iterable[Sequence[str]]) -> str:
    """CHARACTERS where units are single characters or hold the spaces themselves, else WORDS.

    Most sentences decide: a blank that one damaged line brings must not join the words of all.
    """
    single = total = with_blank = without = 0
    rest = iter(sentences)
    while some := list(itertools.islice(rest, COUNTED_AT_ONCE)):
        counts = Counter(itertools.chain.from_iterable(some))
        total += counts.total()
        single += sum(count for unit, count in counts.items() if _is_single(unit))
        blanks = {unit for unit in counts if unit.isspace()}
        for units in some:
            has_blank = not blanks.isdisjoint(units)
            with_blank += has_blank
            without += not has_blank and len(units) > 1
    return CHARACTERS if single > 3 * (total - single) or with_blank > without else WORDS


def _is_single(unit: str) -> bool:
    """Whether it is a character; a syllable in NFD has up to three code points."""
    return len(unit) == 1 or len(unicodedata.normalize("NFC", unit)) == 1


def read_units(
    units: Sequence[str],
    tags: Sequence[Tag | LineError],
    carried: str | None,
    joiner: str,
    noted: Counter[Note],
    *,
    marked: str | None = None,
    words: Sequence[str] | None = None,
) -> tuple[str, tuple[Span, ...]]:
    """The text and its entities. Raises LineError.

    `carried` is the text, plain or marked up; or `carried` is plain, and `marked` the same marked
    up. Neighbours of the same of `words` are one word, and joined as they are.
    """
    readable = _readable(tags)
    if not all(units):
        raise LineError("empty unit")
    if carried is None and joiner == WORDS and any(map(str.isspace, units)):
        raise LineError("a blank among words")
    entities = _entities(readable)
    if carried is None:
        text, starts, ends = join_units(units, joiner, words)
        spans = place_entities(entities, starts, ends)
    elif marked is None:
        text, spans = place_in_carried(units, entities, carried)
    else:
        text, spans = carried, place_in_marked(units, entities, carried, marked)
    if not text.strip():
        raise LineError("empty sentence")
    _note_opened(entities, noted)
    return text, spans


def place_tags(
    tags: Sequence[Tag | LineError],
    starts: Sequence[int],
    ends: Sequence[int],
    noted: Counter[Note],
) -> tuple[Span, ...]:
    """The entities of units that lie from and to these places of their text. Raises LineError."""
    entities = _entities(_readable(tags))
    _note_opened(entities, noted)
    return place_entities(entities, starts, ends)


def _note_opened(entities: Sequence[Entity], noted: Counter[Note]) -> None:
    opened_by_inside = sum(entity.letter not in OPENED_RIGHT for entity in entities)
    if opened_by_inside:
        noted[OPENED_BY_INSIDE] += opened_by_inside


def _readable(tags: Sequence[Tag | LineError]) -> Sequence[Tag]:
    """The tags. Raises the first that cannot be read."""
    if LineError in set(map(type, tags)):
        raise next(tag for tag in tags if isinstance(tag, LineError))
    return cast(Sequence[Tag], tags)


def _entities(tags: Sequence[Tag]) -> list[Entity]:
    entities = []
    first = -1
    for i, (letter, type_) in enumerate(tags):
        same = first >= 0 and type_ in (tags[first].type, "")
        continues = same and letter and letter not in OPENS
        if first >= 0 and not continues:
            entities.append(Entity(first, i - 1, *tags[first]))
            first = -1
        if letter and first < 0:
            if not type_:
                raise LineError("a bare `I` without an entity before it")
            first = i
        if letter in CLOSES and first >= 0:
            entities.append(Entity(first, i, *tags[first]))
            first = -1
    if first >= 0:
        entities.append(Entity(first, len(tags) - 1, *tags[first]))
    return entities
