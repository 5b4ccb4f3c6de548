"""Marked text alone: a sentence a line, its entities marked in it, in one way for a whole split.

Three ways are known: `<홍길동:PS>`, `[홍길동:PS]` and `<PS>홍길동</PS>`. No sentence stands beside
the markup to prove it, so every bracket of the way must be markup, else the line is rejected. A
line without any is a sentence without entities.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from job.corpus.download.html import looks_like_html
from job.corpus.formats.format import Contents, CorpusFile, Format, Options, Score
from job.corpus.formats.text_lines import LineError
from job.errors import DataError
from job.sentence import Sentence, Span

HALF_SURE = 0.5  # columns whose comments are marked up, and the tutorial's lines, are likelier
RARE = 0.1  # of the marks: another way that often is no chance
NO_TEXT = re.compile(r"\t|\s*[{}\]\"]|\s*\[\s*[\[{\"]|#FORMAT=")  # JSON, a table
NOT_MARKUP = "a bracket that is no markup"


class Way(NamedTuple):
    """A way to mark: `mark` has a mention and a type, `bracket` is what must not remain."""

    shown: str
    mark: re.Pattern[str]
    bracket: re.Pattern[str]
    type_first: bool = False

    def count(self, line: str) -> int:
        """The marks of a line; 0 where a bracket remains."""
        rest, marks = self.mark.subn("", line)
        return 0 if self.bracket.search(rest) else marks

    def read(self, line: str) -> tuple[str, tuple[Span, ...]]:
        """The text and its entities. Raises LineError where a bracket is no markup."""
        spans: list[Span] = []
        parts: list[str] = []
        length = end = 0
        for match in self.mark.finditer(line):
            mention, type_ = match.groups()[:: -1 if self.type_first else 1]
            before = line[end : match.start()]
            parts += (before, mention)
            start = length + len(before)
            length = start + len(mention)
            end = match.end()
            spans.append(Span(start, length, type_))
            self._check(before)
        self._check(line[end:])
        return "".join((*parts, line[end:])), tuple(spans)

    def _check(self, rest: str) -> None:
        if left := self.bracket.search(rest):
            found = rest[left.start() : left.start() + 30]
            raise LineError(NOT_MARKUP, f"`{found}`; every bracket must mark, as `{self.shown}`")


def _way(opening: str, closing: str) -> Way:
    brackets = re.escape(opening + closing)
    type_ = rf"[^\s:{brackets}](?:[^:{brackets}]*[^\s:{brackets}])?"
    mark = rf"{re.escape(opening)}([^{brackets}]+):({type_}){re.escape(closing)}"
    shown = f"{opening}홍길동:PS{closing}"
    return Way(shown, re.compile(mark), re.compile(f"[{brackets}]"))


WAYS = (
    _way("<", ">"),
    _way("[", "]"),
    Way("<PS>홍길동</PS>", re.compile(r"<([^\s<>/:]+)>([^<>]+)</\1>"), re.compile("[<>]"), True),
)


def _choose(lines: Sequence[str]) -> tuple[Way, Way | None] | None:
    """The way that marks the most, and another that marks nearly as often; None where none does."""
    counts = [(sum(map(way.count, lines)), -i) for i, way in enumerate(WAYS)]
    (most, best), (second, other) = sorted(counts, reverse=True)[:2]
    if not most:
        return None
    return WAYS[-best], WAYS[-other] if second >= RARE * most else None


def _score(file: CorpusFile, _: Options) -> Score:
    if not file.sample or looks_like_html(file.sample[0]):
        return Score(0.0)
    lines = [line for line in file.sample if not NO_TEXT.match(line) and "\t" not in line]
    chosen = _choose(lines)
    if not chosen:
        return Score(0.0)
    way, _other = chosen
    good = sum(bool(way.count(line)) or not way.bracket.search(line) for line in lines)
    total = len(file.sample)
    return Score(HALF_SURE * good / total, f"{good} of its first {total} lines are marked text")


def _read(files: Sequence[CorpusFile], _: Options) -> Contents:
    """Raises DataError where two ways of marking are met."""
    lines = [line for file in files for line in file.lines if isinstance(line, str)]
    chosen = _choose(lines)
    if chosen is None:
        raise DataError(f"{files[0].path} has no line whose every bracket is markup.")
    way, other = chosen
    if other:
        raise DataError(
            f"{files[0].path} marks entities as `{way.shown}` and as `{other.shown}`, and a split "
            "is marked in one way; write all lines alike."
        )
    contents = Contents(f"marked text alone, as `{way.shown}`", [], [])
    for file in files:
        for number, line in enumerate(file.lines, start=1):
            try:
                if isinstance(line, LineError):
                    raise line
                if not line.strip():
                    continue
                text, spans = way.read(line)
                contents.sentences.append(Sentence(text, spans, number, file.path))
            except LineError as error:
                contents.rejected.append(error.at(file.path, number))
    return contents


MARKED_TEXT = Format("marked text", _score, _read)
