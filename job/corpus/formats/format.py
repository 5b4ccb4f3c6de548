"""A corpus format as the reader of corpora sees it: how surely a file is in it, and what it holds.

A new format is a module with a `Format` and a row in `recognise.FORMATS`.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from job.corpus.formats.text_lines import Line, Lines, Note, Rejected
from job.errors import DataError
from job.sentence import Sentence
from job.settings import TypesRule

TagNames = Callable[[], Sequence[str] | None]
AS_READ = TypesRule()
NO_FIELDS: Mapping[str, str] = MappingProxyType({})
LOOKED_AT = 200  # lines that decide the format
CERTAIN = 1.0


@dataclass(eq=False)
class CorpusFile:
    """One file of a split in the forms that formats ask for, each made once.

    `path` is for messages, and `beside` has those of the split's other files; `notes` are for the
    log: what was left out of the lines. The others raise DataError where the file is no text.
    """

    path: str
    data: bytes
    beside: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)

    @cached_property
    def text(self) -> Lines:
        """All lines, with a LineError in place of each that is no text, one after another."""
        lines = Lines(self.data, self.path)
        self.notes += lines.notes
        return lines

    @cached_property
    def lines(self) -> list[Line]:
        """The same at once, which takes several times the memory of the file."""
        return list(self.text)

    @cached_property
    def sample(self) -> list[str]:
        """The first lines that hold text."""
        readable = (line for line in self.text if isinstance(line, str) and line.strip())
        return list(itertools.islice(readable, LOOKED_AT))


@dataclass(frozen=True)
class Options:
    """The facts about a corpus that its files do not hold.

    `find_tag_names` is asked for the names of integer tags; `fields` are those of CORPUS_FIELDS,
    role -> column or key; `types` are what TYPES_MAP, TYPES_ONLY and NESTED say.
    """

    find_tag_names: TagNames = lambda: None
    fields: Mapping[str, str] = field(default_factory=dict)
    types: TypesRule = AS_READ

    @cached_property
    def columns(self) -> dict[str, int]:
        """The fields that are columns by number, role -> its number from 1."""
        return {role: int(place) for role, place in self.fields.items() if place.isdecimal()}


class Score(NamedTuple):
    """The certainty that a file is in a format, from 0 to CERTAIN, and what gave it away.

    `refusal` is raised where the format is the likeliest, or none is likely: its shape is known,
    and is not read.
    """

    share: float
    why: str = ""
    refusal: DataError | None = None

    @classmethod
    def of_lines(cls, file: CorpusFile, test: Callable[[str], bool], what: str) -> "Score":
        """The share of the first lines that pass the test; `what` completes "3 lines …"."""
        count = sum(map(test, file.sample))
        total = len(file.sample)
        which = "all of its lines" if count == total == 1 else f"{count} of its first {total} lines"
        return cls(count / max(1, total), f"{which} {what}")


@dataclass
class Contents:
    """The contents of a split's files: how they were read, and how often what is worth a note."""

    how: str
    sentences: list[Sentence]
    rejected: list[Rejected]
    noted: Counter[Note] = field(default_factory=Counter)


class Format(NamedTuple):
    """A way to write a corpus down.

    `read` gets the files of a split and gives sentences that know their file and line. It raises
    DataError where a file as a whole cannot be read. `takes_fields`: the user may name columns.
    """

    name: str
    score: Callable[[CorpusFile, Options], Score]
    read: Callable[[Sequence[CorpusFile], Options], Contents]
    takes_fields: bool = False


def refusal_of(check: Callable[[], None]) -> DataError | None:
    """The error that a check raises, if any."""
    try:
        check()
    except DataError as error:
        return error
    return None


def read_nothing(files: Sequence[CorpusFile], _: Options) -> Contents:
    """`Format.read` of a format that is known in order to be refused: its score is always 0."""
    raise AssertionError(f"{files[0].path} was not refused")


def one_by_one(
    read: Callable[[CorpusFile, Options], Contents],
) -> Callable[[Sequence[CorpusFile], Options], Contents]:
    """`Format.read` of a format whose files stand each for itself."""

    def read_all(files: Sequence[CorpusFile], options: Options) -> Contents:
        return joined(read(file, options) for file in files)

    return read_all


def joined(parts: Iterable[Contents]) -> Contents:
    """The contents of several files as those of one split."""
    hows: dict[str, None] = {}
    whole = Contents("", [], [])
    for part in parts:
        hows.setdefault(part.how)
        whole.sentences += part.sentences
        whole.rejected += part.rejected
        whole.noted.update(part.noted)
    whole.how = "; ".join(hows)
    return whole
