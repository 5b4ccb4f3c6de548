"""Mentions without offsets, placed where the text leaves one way to do so, and nowhere else."""

from collections.abc import Sequence

from job.corpus.formats.text_lines import LineError
from job.sentence import Span

NOT_THERE = "a mention that its text does not hold"
SEVERAL_PLACES = "a mention without offsets that its text holds more than once"


def place_words(text: str, words: Sequence[tuple[str, str]]) -> list[Span]:
    """Spans for words with types, in the order given. Raises LineError.

    They are where the first possible places are the last possible ones, too.
    """
    first: list[int] = []
    at = 0
    for word, _ in words:
        found = text.find(word, at)
        if found < 0:
            raise LineError(NOT_THERE, f"`{word[:30]}` after character {at}")
        first.append(found)
        at = found + len(word)
    last: list[int] = []
    at = len(text)
    for word, _ in reversed(words):
        last.append(text.rfind(word, 0, at))
        at = last[-1]
    for (word, _), one, other in zip(words, first, reversed(last), strict=True):
        if one != other:
            raise LineError(SEVERAL_PLACES, f"`{word[:30]}` at {one} or {other}")
    return [
        Span(start, start + len(word), type_)
        for (word, type_), start in zip(words, first, strict=True)
    ]
