"""Grapheme clusters of a text: what a reader takes for one character.

A cluster goes on over combining marks, the vowels and final consonants of decomposed Korean (NFD),
and what joins emoji. https://unicode.org/reports/tr29/ has the whole rule; this is the part of it
that occurs in sentences, and short enough for an exported model to bring along.
"""

import unicodedata

JOINER = "\u200d"


def goes_on(character: str) -> bool:
    """Whether it belongs to the cluster of the character before it."""
    code = ord(character)
    return (
        0x1160 <= code <= 0x11FF
        or 0xD7B0 <= code <= 0xD7FB
        or 0x1F3FB <= code <= 0x1F3FF
        or character == JOINER
        or unicodedata.category(character)[0] == "M"
    )


def cluster_starts(text: str) -> list[int]:
    """Where each cluster begins."""
    return [
        i
        for i, character in enumerate(text)
        if i == 0 or not (goes_on(character) or text[i - 1] == JOINER)
    ]
