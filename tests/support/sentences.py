"""Sentences that hypothesis draws, and what a corpus file of a few lines is read as."""

import itertools
import unicodedata

from hypothesis import strategies as st

from job.sentence import Sentence, Span
from tests.support.parsing import parse

TYPES = st.sampled_from(["PER", "PS", "사람", "person-actor", "S", "B", "B-PS", "I_x", "긴" * 50])
# Much of what markup is made of, and any other character but those that end a line.
LETTERS = st.one_of(
    st.sampled_from("<>:가나 ab<>:"),
    st.characters(exclude_categories=("Cs",), exclude_characters="\0\n\r\t␞\ufeff"),
)


@st.composite
def sentences(draw, letters=LETTERS, max_size=30, types=TYPES):
    text = draw(st.text(letters, min_size=1, max_size=max_size).filter(str.strip))
    cuts = draw(st.lists(st.integers(0, len(text)), unique=True, max_size=8))
    cuts = sorted(cuts)
    spans = [Span(a, b, draw(types)) for a, b in itertools.pairwise(cuts) if is_seen(text[a:b])]
    kept = draw(st.lists(st.booleans(), min_size=len(spans), max_size=len(spans)))
    return Sentence(text, tuple(s for s, k in zip(spans, kept, strict=True) if k), 1)


def is_seen(mention):
    """Its first and last character are such as belong to a mention."""
    edges = {mention[0], mention[-1]}
    return not any(c.isspace() or unicodedata.category(c) in ("Cc", "Cf") for c in edges)


def write_tagged(sentence):
    text = sentence.text
    for start, end, type_ in reversed(sentence.spans):
        text = f"{text[:start]}<{text[start:end]}:{type_}>{text[end:]}"
    return f"{sentence.text}␞{text}"


def is_paired(mention):
    depth = 0
    for character in mention:
        depth += (character == "<") - (character == ">")
        if depth < 0:
            return False
    return depth == 0


def read(text, **options):
    return parse(text.encode() if isinstance(text, str) else text, "f.txt", **options)


def only(parsed):
    assert not parsed.rejected
    [sentence] = parsed.sentences
    return sentence


def mentions(sentence):
    return [(sentence.text[start:end], type_) for start, end, type_ in sentence.spans]
