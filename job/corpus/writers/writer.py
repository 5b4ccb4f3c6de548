"""A way to write sentences down: what a target can say of each, and how a file of them is made."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol, TypeVar

from job.corpus.formats.text_lines import LineError
from job.sentence import Sentence
from job.settings import Target

SCORE_DIGITS = 4
T = TypeVar("T")
Groups = Iterable[Sequence[T]]  # of what is said of each sentence, so that few are held at a time


class ByteStream(Protocol):
    """What a file is written to."""

    def write(self, data: bytes, /) -> object: ...


class Found(NamedTuple):
    """A model that found the entities of a sentence, its score for each of them, and the fields
    that stood beside the text where it was read."""

    model: str
    scores: Sequence[float] = ()
    fields: Mapping[str, object] = MappingProxyType({})

    @property
    def rounded_scores(self) -> list[float]:
        return [round(score, SCORE_DIGITS) for score in self.scores]


class Writer(NamedTuple):
    """A target: its name for --to, and the ending of its files, of which the first in the table is
    taken.

    `say` is what the file will hold of a sentence. It raises LineError where the target cannot say
    it so that it reads back the same; its second argument is None where the entities were
    annotated. `put` writes a whole file.
    """

    name: Target
    ending: str
    say: Callable[[Sentence, Found | None], object]
    put: Callable[[ByteStream, Groups], None]


def put_text(stream: ByteStream, groups: Groups[str]) -> None:
    """`Writer.put` of a target whose files are what is said of each sentence, put together."""
    for group in groups:
        stream.write("".join(group).encode())


def refuse_line_breaks(text: str) -> None:
    """Raises LineError for a text that does not fit on one line of a file."""
    if "\n" in text or text.endswith("\r"):
        raise LineError("a line break in the text")


def utf16_offsets(text: str) -> Callable[[int], int]:
    """Code points from the start of the text → UTF-16 units, as JavaScript counts."""
    if text.isascii() or max(text) <= "\uffff":
        return lambda offset: offset
    wide = [i for i, character in enumerate(text) if character > "\uffff"]

    def to_utf16(offset: int) -> int:
        return offset + sum(i < offset for i in wide)

    return to_utf16
