"""The bytes of a corpus file → its sentences, in whichever format they are written.

The format is recognised from the content of the first lines, never from the file's name.
"""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from job.corpus.formats.arrow.parquet import PARQUET
from job.corpus.formats.arrow.streams import ARROW
from job.corpus.formats.columns.read import COLUMNS
from job.corpus.formats.edges import LEFT_OUT, settle
from job.corpus.formats.entity_types import told, with_new_names
from job.corpus.formats.format import (
    CERTAIN,
    CorpusFile,
    Format,
    Options,
    Score,
)
from job.corpus.formats.html_page import HTML_PAGE
from job.corpus.formats.json_rows.formats import JSON
from job.corpus.formats.marked.table import MARKED_TABLE
from job.corpus.formats.marked.text import MARKED_TEXT
from job.corpus.formats.standoff.brat import BRAT
from job.corpus.formats.standoff.webanno import WEBANNO
from job.corpus.formats.tables.formats import SHEET, TABLE
from job.corpus.formats.text_lines import LineError, Rejected
from job.corpus.formats.tutorial import TUTORIAL
from job.errors import DataError
from job.sentence import Sentence

PARSER_VERSION = 4  # count up when the same file comes to be read differently
LEAST_SHARE = 0.2  # of the lines, by which a file is known
ACCEPTED = (
    "`sentence␞tagged`, marked text, CoNLL or KLUE columns, a table with tags or spans, JSON with "
    "texts and mentions or tokens and tags, Parquet, brat or WebAnno TSV 3"
)
# Of equally likely formats the first is taken. The last is known, so that it can be refused.
FORMATS: tuple[Format, ...] = (
    PARQUET,
    ARROW,
    SHEET,
    BRAT,
    WEBANNO,
    JSON,
    TUTORIAL,
    MARKED_TABLE,
    TABLE,
    COLUMNS,
    MARKED_TEXT,
    HTML_PAGE,
)


@dataclass(frozen=True)
class Parsed:
    """The contents of a split. `format` says how it was read, and `why` what gave it away.

    `type_names` has how often each entity type was read, where TYPES_MAP or TYPES_ONLY is given,
    and `type_notes` say what these and NESTED did.
    """

    format: str
    why: str
    sentences: tuple[Sentence, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]
    type_names: Counter[str] = field(default_factory=Counter)
    type_notes: tuple[str, ...] = ()


def parse(files: Sequence[CorpusFile], options: Options) -> Parsed:
    """Reads the files of a split.

    Raises DataError where a file as a whole cannot be read, and where two are in different formats.
    A sentence that cannot be read is in `rejected`; of the others nothing is changed but the edges
    of spans (`edges`), and their types as the options say (`entity_types`).
    """
    form, score = _of_all(files, options)
    if options.fields and not form.takes_fields:
        raise DataError(
            f"{files[0].path} has no columns ({score.why}), but CORPUS_FIELDS names some; remove "
            "CORPUS_FIELDS."
        )
    with _without_collector():
        contents = form.read(files, options)
        renamed, type_names = with_new_names(contents.sentences, options.types)
        sentences, unsettled = settle(renamed, contents.noted, options.types.nested)
    place = {file.path: i for i, file in enumerate(files)}
    rejected = [*contents.rejected, *unsettled]
    rejected.sort(key=lambda row: (place.get(row.file, 0), row.line))
    notes = _of_files(Counter(note for file in files for note in file.notes))
    of_types = [
        note.counted(contents.noted.pop(note))
        for note in LEFT_OUT.values()
        if note in contents.noted
    ]
    of_types = told(type_names, options.types) + of_types
    notes += [note.counted(count) for note, count in contents.noted.items()]
    return Parsed(
        contents.how,
        score.why,
        tuple(sentences),
        tuple(rejected),
        tuple(notes),
        type_names,
        tuple(of_types),
    )


def _of_files(notes: Counter[str]) -> list[str]:
    return [f"in each of {n:,} files: {note}" if n > 1 else note for note, n in notes.items()]


def _of_all(files: Sequence[CorpusFile], options: Options) -> tuple[Format, Score]:
    """The one format that all files are in. Raises DataError where there is none."""
    form, score = _recognise(files[0], options)
    if score.refusal:
        raise score.refusal
    for file in files[1:]:
        other, found = _recognise(file, options)
        if found.refusal:
            raise found.refusal
        if other is not form:
            raise DataError(
                f"{files[0].path} is read as {form.name} and {file.path} as {other.name}, but a "
                "split is in one format; convert or remove one of them."
            )
    return form, score


@contextmanager
def _without_collector() -> Iterator[None]:
    """Saves a third to a half of the time: Python would look for circles among the sentences again
    and again as they become more, and there are none."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _recognise(file: CorpusFile, options: Options) -> tuple[Format, Score]:
    """The likeliest format. Raises DataError where none is likely."""
    scores: list[tuple[Format, Score]] = []
    for form in FORMATS:
        scores.append((form, form.score(file, options)))
        if scores[-1][1].share >= CERTAIN:
            break
    form, score = max(scores, key=lambda scored: scored[1].share)
    if score.share < LEAST_SHARE:
        raise _unknown(file, [score.refusal for _, score in scores if score.refusal])
    return form, score


def _unknown(file: CorpusFile, refusals: list[DataError]) -> DataError:
    if not file.sample:
        first = next((line for line in file.lines if isinstance(line, LineError)), "")
        return DataError(f"{file.path} has no line of UTF-8 text ({first}); give {ACCEPTED}.")
    if refusals:
        return refusals[0]
    return DataError(
        f"{file.path} is in no format that is known here (its first line is "
        f"`{file.sample[0][:60]}`); give {ACCEPTED}; or name its columns by "
        "CORPUS_FIELDS=text=1,tags=2."
    )
