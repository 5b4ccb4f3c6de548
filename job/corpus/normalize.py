"""NORMALIZE=nfc: composed text, and where each of its characters stood in the text given.

Text is composed cluster by cluster: a cluster is the shortest run that composes by itself, so a
character of the composed text knows the run that it came from. `ㅎㅏㄴ` written as three conjoining
jamo (NFD, as macOS writes it) is one cluster, `한`. https://unicode.org/reports/tr15/
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from job.corpus.formats.recognise import Parsed
from job.corpus.formats.text_lines import Rejected
from job.figures import counted
from job.sentence import ScoredSpan, Sentence, Span

OFF, NFC = "off", "nfc"
FIRST_THAT_COMPOSES = "\u0300"  # no character before the combining marks composes with another
AnySpan = TypeVar("AnySpan", Span, ScoredSpan)
REASON = "an entity's bound inside of a composed character"


@dataclass(frozen=True)
class Composed:
    """A text in NFC. `starts` and `ends`: for each of its characters, the bounds in the text given
    of what it came from; None where nothing changed."""

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def given(self, spans: Sequence[AnySpan]) -> tuple[AnySpan, ...]:
        """Spans of this text as spans of the text given: of whole clusters, each in one span."""
        if self.starts is None or self.ends is None:
            return tuple(spans)
        found: list[AnySpan] = []
        for span in spans:
            start, end = self.starts[span.start], self.ends[span.end - 1]
            if found:
                start = max(start, found[-1].end)
            if start < end:
                found.append(span._replace(start=start, end=end))
        return tuple(found)


def compose(given: str) -> Composed:
    """NFC with the map back; a text that is NFC already comes back as it is."""
    if unicodedata.is_normalized("NFC", given):
        return Composed(given)
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(given):
        cluster = given[start:end]
        composed = unicodedata.normalize("NFC", cluster)
        text.append(composed)
        if composed == cluster:
            starts += range(start, end)
            ends += range(start + 1, end + 1)
        else:
            starts += [start] * len(composed)
            ends += [end] * len(composed)
    return Composed("".join(text), tuple(starts), tuple(ends))


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Bounds of the runs that compose independently of each other."""
    start, composed = 0, ""
    for i, character in enumerate(text):
        joined = _joins(composed, character)
        if joined is None:
            if i:
                yield start, i
            start, composed = i, unicodedata.normalize("NFC", character)
        else:
            composed = joined
    if text:
        yield start, len(text)


def _joins(composed: str, character: str) -> str | None:
    """The run with this character, or None where the character begins one of its own."""
    if not composed or character < FIRST_THAT_COMPOSES:
        return None
    joined = unicodedata.normalize("NFC", composed + character)
    if unicodedata.combining(unicodedata.normalize("NFD", character)[0]):
        return joined
    return joined if joined != composed + unicodedata.normalize("NFC", character) else None


def compose_sentence(sentence: Sentence) -> Sentence | None:
    """The sentence in NFC; None where a span begins or ends inside of what becomes a character."""
    composed = compose(sentence.text)
    if composed.starts is None:
        return sentence
    places = {start: place for place, start in reversed(list(enumerate(composed.starts)))}
    places[len(sentence.text)] = len(composed.text)
    try:
        spans = tuple(Span(places[s.start], places[s.end], s.type) for s in sentence.spans)
    except KeyError:
        return None
    return replace(sentence, text=composed.text, spans=spans)


def compose_parsed(parsed: Parsed) -> Parsed:
    """A file's sentences in NFC; one whose spans do not survive it is rejected."""
    composed = [compose_sentence(sentence) for sentence in parsed.sentences]
    pairs = list(zip(parsed.sentences, composed, strict=True))
    changed = sum(after is not before for before, after in pairs)
    rejected = tuple(Rejected(REASON, s.line, "", s.file) for s, after in pairs if after is None)
    return replace(
        parsed,
        sentences=tuple(after for after in composed if after is not None),
        rejected=parsed.rejected + rejected,
        notes=(*parsed.notes, f"NORMALIZE=nfc composed the text of {counted(changed, 'sentence')}"),
    )
