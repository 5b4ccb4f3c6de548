"""The edges of spans: what no reader sees is no part of a mention, and no two spans overlap.

White space at a span's ends is left out of it, and so are zero-width marks, soft hyphens and
control characters; inside of a mention they stay. It is the one thing that reading repairs: which
mention was meant is certain, and annotation tools select a blank too many every day. The text
itself is never changed, and every span that was moved is counted.

Where a mention lies inside of another, NESTED says which of the two stays. Mentions that share a
part only, and two types of the very same characters, contradict each other: they are rejected.
"""

import itertools
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from job.corpus.formats.text_lines import LineError, Note, Rejected
from job.sentence import Sentence, Span

BLANKS = Note("entity begins or ends", "entities begin or end", "with white space, now left out")
UNSEEN = Note(
    BLANKS.one,
    BLANKS.many,
    "with a zero-width mark, a soft hyphen or a control character, now left out",
)
TWICE = Note("span was", "spans were", "given twice, to be counted once")
NOTHING_SEEN = "an entity of nothing but blanks"
OVERLAP = "overlapping spans"
REJECT, OUTER, INNER = "reject", "outer", "inner"  # what NESTED may be
LEFT_OUT = {
    OUTER: Note("span was", "spans were", "left out, being inside of another one (NESTED=outer)"),
    INNER: Note("span was", "spans were", "left out, having another one inside (NESTED=inner)"),
}
# Visible signs of category Cf: Arabic, Syriac and Kaithi number marks, and the tags of flag emoji.
SEEN_FORMATS = frozenset(
    (*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD)
) | frozenset(range(0xE0020, 0xE0080))


@cache
def _edge(character: str) -> Note | None:
    """The reason why the character is no part of a mention at its edge, if it is none."""
    if character.isspace():
        return BLANKS
    if unicodedata.category(character) in ("Cc", "Cf") and ord(character) not in SEEN_FORMATS:
        return UNSEEN
    return None


def settle(
    sentences: Sequence[Sentence], noted: Counter[Note], nested: str = REJECT
) -> tuple[list[Sentence], list[Rejected]]:
    """The sentences with trimmed spans in order, and those whose spans cannot all be right."""
    settled, rejected = [], []
    for sentence in sentences:
        try:
            spans = settled_spans(sentence.text, sentence.spans, noted, nested)
        except LineError as error:
            rejected.append(error.at(sentence.file, sentence.line))
            continue
        settled.append(sentence if spans == sentence.spans else replace(sentence, spans=spans))
    return settled, rejected


def settled_spans(
    text: str, spans: Sequence[Span], noted: Counter[Note], nested: str = REJECT
) -> tuple[Span, ...]:
    """The spans trimmed and in order, each once. Raises LineError."""
    found: list[Span] = []
    for span in spans:
        start, end, _ = span
        seen = not (_edge(text[start]) or _edge(text[end - 1]))
        found.append(span if seen else _trimmed(text, span, noted))
    found.sort()
    once = list(dict.fromkeys(found))
    if len(once) < len(found):
        noted[TWICE] += len(found) - len(once)
    if all(left.end <= right.start for left, right in itertools.pairwise(once)):
        return tuple(once)
    kept = _one_level(once, nested)
    noted[LEFT_OUT[nested]] += len(once) - len(kept)
    return kept


def _one_level(spans: Sequence[Span], nested: str) -> tuple[Span, ...]:
    """The outermost or the innermost of spans that are in order. Raises LineError for two that
    overlap otherwise, and for any two with NESTED=reject."""
    kept: list[Span] = []
    around: list[Span] = []  # those that hold the one before, the widest first
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        while around and around[-1].end <= span.start:
            around.pop()
        holder = around[-1] if around else None
        if holder and (nested == REJECT or span.end > holder.end or span[:2] == holder[:2]):
            left, right = sorted((holder, span))
            raise LineError(OVERLAP, f"{list(left)} and {list(right)}")
        if nested == INNER and holder and kept and kept[-1] == holder:
            kept.pop()
        if nested == INNER or not holder:
            kept.append(span)
        around.append(span)
    return tuple(kept)


def _trimmed(text: str, span: Span, noted: Counter[Note]) -> Span:
    start, end = span.start, span.end
    reasons = set()
    while start < end and (reason := _edge(text[start])):
        reasons.add(reason)
        start += 1
    while start < end and (reason := _edge(text[end - 1])):
        reasons.add(reason)
        end -= 1
    if start == end:
        raise LineError(NOTHING_SEEN, f"[{span.start}, {span.end}] {span.type}")
    for reason in reasons:
        noted[reason] += 1
    return span._replace(start=start, end=end)
