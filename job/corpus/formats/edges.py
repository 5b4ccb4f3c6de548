"""The edges of spans: what no reader sees is no part of a mention, and no two spans overlap.

White space at a span's ends is left out of it, and so are zero-width marks, soft hyphens and
control characters; inside of a mention they stay. It is the one thing that reading repairs: which
mention was meant is certain, and annotation tools select a blank too many every day. The text
itself is never changed, and every span that was moved is counted.
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
    sentences: Sequence[Sentence], noted: Counter[Note]
) -> tuple[list[Sentence], list[Rejected]]:
    """The sentences with trimmed spans in order, and those whose spans cannot all be right."""
    settled, rejected = [], []
    for sentence in sentences:
        try:
            spans = settled_spans(sentence.text, sentence.spans, noted)
        except LineError as error:
            rejected.append(error.at(sentence.file, sentence.line))
            continue
        settled.append(sentence if spans == sentence.spans else replace(sentence, spans=spans))
    return settled, rejected


def settled_spans(text: str, spans: Sequence[Span], noted: Counter[Note]) -> tuple[Span, ...]:
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
    for left, right in itertools.pairwise(once):
        if left.end > right.start:
            raise LineError(OVERLAP, f"{list(left)} and {list(right)}")
    return tuple(once)


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
