"""The sentences with most errors, cut into pieces that the page shows with their entities marked.

The values are plain data for `split.html.j2`, which escapes them. Only `show_characters` returns
markup, and escapes for itself.
"""

import heapq
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup, escape

from job.evaluation.breakdown import ERROR_KINDS
from job.evaluation.confusion import Match, match_spans
from job.evaluation.results import SplitResult
from job.sentence import Span

WORST = 100  # sentences listed for each split
OPEN = 10  # of which so many are seen at once, the others folded
OPEN_CHARACTERS = 2200  # fewer are seen where they are long: the page stays short
WHOLE = 200  # a sentence of up to so many characters is shown whole
CONTEXT = 40  # characters on either side of the edge of a wrong entity in a longer one
SHOWN = 300  # characters of a longer sentence, after which its remaining errors are counted only
SPLIT_BYTES = 400_000  # of the listed sentences of a split: with val and test, below 1 MB
MARK_BYTES = 150  # the markup around one entity

INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"}  # Unicode categories; blank excepted


class Piece(NamedTuple):
    """A run of a sentence's text: plain (no span), an entity, or a gap of `hidden` characters."""

    text: str = ""
    span: Span | None = None
    kind: str = ""
    hidden: int = 0


@dataclass(frozen=True)
class WrongSentence:
    """A sentence of which at least one entity is wrong, cut into pieces for the page."""

    line: int
    kinds: Mapping[str, int]
    errors: frozenset[tuple[str, str]]  # (kind, type): what the page can be filtered by
    wrong: int  # gold entities not predicted, and predicted ones not in gold
    gold: list[Piece]
    predicted: list[Piece]
    beyond: int  # wrong entities outside of what is shown


def count_wrong(gold: Sequence[Span], predicted: Sequence[Span]) -> int:
    """Gold entities that were not predicted, and predicted ones that are not in gold."""
    return len(set(gold).symmetric_difference(predicted))


def worst_sentences(result: SplitResult) -> list[WrongSentence]:
    """Up to WORST sentences, most wrong entities first; of equals, the first in the file."""
    wrong = [
        (-count_wrong(sentence.spans, predicted), n)
        for n, (sentence, predicted) in enumerate(
            zip(result.sentences, result.predicted, strict=True)
        )
    ]
    listed: list[WrongSentence] = []
    size = 0
    for minus_count, n in heapq.nsmallest(WORST, wrong):
        if minus_count == 0:
            break
        sentence = _cut(result, n, -minus_count)
        size += sum(map(_size, (*sentence.gold, *sentence.predicted)))
        if listed and size > SPLIT_BYTES:
            break
        listed.append(sentence)
    return listed


def _size(piece: Piece) -> int:
    return len(show_characters(piece.text).encode("utf-8", "replace")) + MARK_BYTES


def _cut(result: SplitResult, n: int, wrong: int) -> WrongSentence:
    sentence = result.sentences[n]
    matches = match_spans(sentence.spans, result.predicted[n])
    errors = [match for match in matches if match.kind != "correct"]
    ranges = _excerpts(len(sentence.text), errors)
    sides = [
        [(span, match.kind) for match in matches if (span := match[side]) is not None]
        for side in (0, 1)
    ]
    seen = sum(
        any(span.start < end and span.end > start for start, end in ranges)
        for marks in sides
        for span, kind in marks
        if kind != "correct"
    )
    found = Counter(match.kind for match in errors)
    kinds_and_types = frozenset((e.kind, span.type) for e in errors for span in e if span)
    kinds = {kind: found[kind] for kind in ERROR_KINDS if found[kind]}
    gold, predicted = (list(_pieces(sentence.text, marks, ranges)) for marks in sides)
    return WrongSentence(
        sentence.line, kinds, kinds_and_types, wrong, gold, predicted, wrong - seen
    )


def open_sentences(worst: Sequence[WrongSentence]) -> int:
    """The number of those that are seen without unfolding: at least one."""
    characters = 0
    for n, sentence in enumerate(worst[:OPEN]):
        characters += sum(len(piece.text) for piece in sentence.gold)
        if n and characters > OPEN_CHARACTERS:
            return n
    return min(OPEN, len(worst))


def _excerpts(length: int, errors: Sequence[Match]) -> list[tuple[int, int]]:
    """The character ranges to show: everything, or the surroundings of each wrong entity's edges.

    Both edges of a long entity are shown, its middle is not. At most about SHOWN characters.
    """
    if length <= WHOLE:
        return [(0, length)]
    edges = sorted(edge for match in errors for span in match if span for edge in span[:2])
    ranges: list[tuple[int, int]] = []
    for edge in edges:
        start, end = max(0, edge - CONTEXT), min(length, edge + CONTEXT)
        if ranges and start <= ranges[-1][1]:
            start = ranges.pop()[0]
        ranges.append((start, end))
        if sum(end - start for start, end in ranges) >= SHOWN:
            break
    return ranges


def _pieces(
    text: str, marks: Sequence[tuple[Span, str]], ranges: Sequence[tuple[int, int]]
) -> Iterator[Piece]:
    """The shown ranges of a sentence, entities set apart, and the gaps between the ranges."""
    done = 0
    for first, last in ranges:
        if first > done:
            yield Piece(hidden=first - done)
        done = first
        for span, kind in marks:
            start, end = max(span.start, first), min(span.end, last)
            if start < end:
                if start > done:
                    yield Piece(text[done:start])
                yield Piece(text[start:end], span, kind)
                done = end
        if last > done:
            yield Piece(text[done:last])
        done = last
    if done < len(text):
        yield Piece(hidden=len(text) - done)


def show_characters(text: str) -> Markup:
    """Escaped text in which a character that cannot be seen shows as its code point, U+200B.

    Zero-width characters and odd blanks explain many a wrong boundary, and a control character or
    a direction override must not act on the page.
    """
    parts = []
    for invisible, run in groupby(text, _is_invisible):
        if not invisible:
            parts.append(escape("".join(run)))
            continue
        for character, same in groupby(run):
            count = sum(1 for _ in same)
            times = f"×{count}" if count > 1 else ""
            parts.append(Markup(f"<i class=odd>U+{ord(character):04X}{times}</i>"))
    return Markup("").join(parts)


def _is_invisible(character: str) -> bool:
    return character != " " and unicodedata.category(character) in INVISIBLE
