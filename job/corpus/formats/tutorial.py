"""The tutorial's line, `sentence␞tagged`: entities marked as `<mention:TAG>` in the tagged text.

The sentence decides: the markup taken out must leave it, character for character (`markup`).
"""

import re
from collections import Counter

from job.corpus.formats.format import (
    Contents,
    CorpusFile,
    Format,
    Options,
    Score,
    one_by_one,
)
from job.corpus.formats.markup import fits_markup, mark, read_markup
from job.corpus.formats.text_lines import LineError, Note
from job.errors import DataError
from job.sentence import Sentence

SEPARATOR = "␞"
MARK = "\ufeff"
BRACKETS = re.compile("[<>]")
# A second separator, and what a reader of lines refuses or takes off.
UNWRITABLE = re.compile(rf"\A\ufeff|[\n\0]|\r\Z|{SEPARATOR}.*{SEPARATOR}", re.DOTALL)


def to_tagged(sentence: Sentence) -> str:
    """The line of the tutorial's format, without a line end, which reads back as `sentence`.

    Raises DataError where no such line exists: a `␞` or line feed in the text, a type with a space,
    or a mention like `<a` of which no reader could tell whether its `<` is markup.
    """
    text = sentence.text
    line = f"{text}{SEPARATOR}{mark(text, sentence.spans)}"
    readable = all(fits_markup(span.type) for span in sentence.spans) and not UNWRITABLE.search(
        line
    )
    if readable and BRACKETS.search(text):
        try:
            readable = read_tagged_line(line, 0).spans == sentence.spans
        except LineError:
            readable = False
    if not readable:
        raise DataError(
            f"`{text[:40]}` and its entities cannot be written as `sentence{SEPARATOR}tagged` so "
            "that they read back the same; write JSON Lines."
        )
    return line


def read_tagged_line(
    line: str, number: int, noted: Counter[Note] | None = None, file: str = ""
) -> Sentence:
    """The sentence of one line and its entities. Raises LineError."""
    text, *rest = line.split(SEPARATOR)
    if len(rest) != 1:
        raise LineError(f"{'more than one' if rest else 'no'} {SEPARATOR} in the line")
    if not text.strip():
        raise LineError("empty sentence")
    # Where files were put together, the mark stands on both sides; that of the text is gone by now.
    tagged = rest[0] if text.startswith(MARK) else rest[0].removeprefix(MARK)
    return Sentence(text, read_markup(text, tagged, noted), number, file)


def _score(file: CorpusFile, _: Options) -> Score:
    return Score.of_lines(file, lambda line: SEPARATOR in line, f"hold {SEPARATOR}")


def _read(file: CorpusFile, _: Options) -> Contents:
    contents = Contents(f"the tutorial's sentence{SEPARATOR}tagged", [], [])
    for number, line in enumerate(file.lines, start=1):
        try:
            if isinstance(line, LineError):
                raise line
            if line.strip():
                read = read_tagged_line(line, number, contents.noted, file.path)
                contents.sentences.append(read)
        except LineError as error:
            contents.rejected.append(error.at(file.path, number))
    return contents


TUTORIAL = Format("the tutorial's lines", _score, one_by_one(_read))
