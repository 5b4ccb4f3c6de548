"""The two nouns that every stage speaks: a sentence, and the spans of its entities.

A span counts Unicode code points of `Sentence.text`, half-open, so that
`sentence.text[span.start:span.end]` is the mention, exactly.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

SPLITS = ("train", "val", "test")


class Span(NamedTuple):
    """An entity mention: characters [start, end) of its sentence, and the entity type."""

    start: int
    end: int
    type: str


class ScoredSpan(NamedTuple):
    """A mention that a model found, and the mean probability of its wordpieces' labels."""

    start: int
    end: int
    type: str
    score: float

    @property
    def span(self) -> Span:
        return Span(self.start, self.end, self.type)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its entities, ordered by start and not overlapping.

    `line` is the 1-based line of the corpus file on which the sentence starts, and `file` the name
    of that file in messages, which is no part of what the sentence says. `document` names what
    holds it, where files hold several documents.
    """

    text: str
    spans: tuple[Span, ...] = ()
    line: int = 0
    file: str = field(default="", compare=False)
    document: str = field(default="", compare=False)

    @property
    def place(self) -> str:
        """The file and the line, for messages."""
        return f"{self.file}:{self.line}"


def is_type(name: str) -> bool:
    """Whether it can name an entity type: seen whole, in one line, and without blanks around it."""
    return bool(name) and name.isprintable() and name == name.strip()
