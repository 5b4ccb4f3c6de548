"""Markup: the entities of a text as `<mention:TAG>` in it.

The sentence decides: markup taken out of the tagged text must leave the sentence, character for
character. `<`, `>` and `:` may be part of the text, so both are walked in step, and every way to
read the tagged text is followed. None: the line is broken. One: those are the entities. Of several,
the one whose mentions hold their angle brackets in pairs is meant; where none or several are like
that, the line is ambiguous and is not guessed at. Worked examples: `<7><KT:ORG>` of `<7>KT` can
only be KT; `<<2:NOH>>` of `<2>` can be 2 or `<2`, and is 2; `<<2>:NOH>` of `<2>` can be `<2>` or
`2>`, and is `<2>`.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from job.corpus.formats.text_lines import LineError, Note
from job.sentence import Span

TYPE = r"[^\s:<>]+"
MARKUP = re.compile(rf"<([^<>]+):({TYPE})>")
CLOSING = re.compile(rf":({TYPE})>")
DECISIONS = re.compile("[<:]")
MAX_READINGS = 64  # followed at once; more are as good as ambiguous, and the time stays linear

PAIRED = Note(
    "line",
    "lines",
    "had ambiguous angle brackets, read so that each mention holds whole pairs",
)
DIFFERS = "tagged text differs from the sentence"
BROKEN = "broken markup"
AMBIGUOUS = "ambiguous markup"


def fits_markup(type_: str) -> bool:
    """Whether an entity of this type can be marked up: no blank, `:`, `<` or `>`."""
    return re.fullmatch(TYPE, type_) is not None


def mark(text: str, spans: Sequence[Span]) -> str:
    """The text with its entities marked up as `<mention:TAG>`."""
    parts: list[str] = []
    position = 0
    for start, end, type_ in spans:
        parts += (text[position:start], "<", text[start:end], ":", type_, ">")
        position = end
    return "".join(parts) + text[position:]


def read_markup(sentence: str, tagged: str, noted: Counter[Note] | None = None) -> tuple[Span, ...]:
    """The entities that `tagged` marks, as offsets of `sentence`. Raises LineError."""
    if "<" not in sentence and ">" not in sentence:
        # Every < and > is then markup, so there is one reading at most, and a pattern finds it.
        pieces = MARKUP.split(tagged)
        found = []
        end = 0
        for i in range(1, len(pieces), 3):
            start = end + len(pieces[i - 1])
            end = start + len(pieces[i])
            found.append(Span(start, end, pieces[i + 1]))
        del pieces[2::3]
        if "".join(pieces) == sentence:
            return tuple(found)
    count, spans = _readings(sentence, tagged, paired=False)
    if count > 1:
        count, spans = _readings(sentence, tagged, paired=True)
        if count != 1:
            raise LineError(AMBIGUOUS, "the tagged text can be read in more than one way")
        if noted is not None:
            noted[PAIRED] += 1
    return spans


class Reading(NamedTuple):
    """One way to read the tagged text so far.

    `surplus` is the number of markup characters so far: tagged[i] stands for sentence[i - surplus].
    `mention` is where the open mention starts, or -1, and `depth` the `<` in it without a `>`.
    `spans` is a linked list, newest first.
    """

    surplus: int = 0
    mention: int = -1
    depth: int = 0
    spans: tuple | None = None


# Readings that cannot differ in what follows are one entry: how many (2 for more), and the last.
Entries = dict[tuple, tuple[int, Reading]]
Place = tuple[int, Reading]


def _readings(sentence: str, tagged: str, paired: bool) -> tuple[int, tuple[Span, ...]]:
    """How many readings there are (2 for more), and the last of them.

    With `paired`, only those whose mentions hold their angle brackets in pairs. Raises LineError
    where there is none without it.
    """
    decisions = [match.start() for match in DECISIONS.finditer(tagged)]
    ends = [*decisions, len(tagged)]
    furthest: Place = (0, Reading())
    entries: Entries = {}
    if sentence.startswith(tagged[: ends[0]]):
        entries[0, False, False] = (1, Reading())
    for here, following in itertools.pairwise(ends):
        entries, furthest = _decide(sentence, tagged, here, following, entries, furthest, paired)
        if len(entries) > MAX_READINGS:
            raise LineError(AMBIGUOUS, f"over {MAX_READINGS} readings of its `<`, `>` and `:`")
    whole = [
        (count, reading)
        for count, reading in entries.values()
        if reading.mention < 0 and reading.surplus == len(tagged) - len(sentence)
    ]
    if whole:
        [(count, reading)] = whole
        return count, _unlink(reading.spans)
    if paired:
        return 0, ()
    for _, reading in entries.values():
        furthest = (len(tagged), reading)
    raise _no_reading(sentence, tagged, *furthest)


def _decide(
    sentence: str,
    tagged: str,
    here: int,
    following: int,
    entries: Entries,
    furthest: Place,
    paired: bool,
) -> tuple[Entries, Place]:
    """The readings that get from the decision at tagged[here] to the following one."""
    reached: Entries = {}
    for count, reading in entries.values():
        furthest = max(furthest, (here, reading), key=_place)
        for resume, moved in _moves(sentence, tagged, here, reading, paired):
            chunk = tagged[resume:following]
            if not sentence.startswith(chunk, resume - moved.surplus):
                furthest = max(furthest, (resume, moved), key=_place)
                continue
            if paired and moved.mention >= 0 and ">" in chunk:
                moved = moved._replace(depth=moved.depth - chunk.count(">"))
                if moved.depth < 0:
                    continue
            # An entity needs a character before it may close.
            nothing_yet = moved.mention == following - moved.surplus
            opened = moved.mention if paired else moved.mention >= 0
            key = (moved.surplus, opened, nothing_yet)
            reached[key] = (min(2, count + reached.get(key, (0,))[0]), moved)
    return reached, furthest


def _place(place: Place) -> int:
    return place[0]


def _moves(
    sentence: str, tagged: str, here: int, reading: Reading, paired: bool
) -> Iterator[tuple[int, Reading]]:
    """What the `<` or `:` at tagged[here] can be: where the text goes on, and the reading then."""
    surplus, mention, depth, spans = reading
    place = here - surplus
    opens = tagged[here] == "<"
    if sentence.startswith(tagged[here], place):
        yield here + 1, reading._replace(depth=depth + 1) if opens and mention >= 0 else reading
    if opens and mention < 0:
        yield here + 1, Reading(surplus + 1, place, 0, spans)
    elif not opens and 0 <= mention < place and not (paired and depth):
        tag = CLOSING.match(tagged, here)
        if tag:
            closed = (spans, Span(mention, place, tag[1]))
            yield tag.end(), Reading(surplus + len(tag[0]), -1, 0, closed)


def _unlink(spans: tuple | None) -> tuple[Span, ...]:
    in_order = []
    while spans is not None:
        spans, span = spans
        in_order.append(span)
    return tuple(reversed(in_order))


def _no_reading(sentence: str, tagged: str, here: int, reading: Reading) -> LineError:
    """Says where the reading that came furthest ended."""
    if reading.mention >= 0:
        opened = tagged.rfind("<", 0, here + 1)
        return LineError(BROKEN, f"from `{tagged[opened : opened + 20]}` on")
    while tagged[here : here + 1] and sentence.startswith(tagged[here], here - reading.surplus):
        here += 1
    place = here - reading.surplus
    found = tagged[here : here + 10] or "the end"
    wanted = sentence[place : place + 10] or "the end"
    return LineError(
        DIFFERS, f"`{found}` where the sentence has `{wanted}` (character {place + 1})"
    )
