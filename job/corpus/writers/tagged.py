"""The tutorial's lines, `sentence␞tagged`."""

from job.corpus.formats.text_lines import LineError
from job.corpus.formats.tutorial import to_tagged
from job.corpus.writers.writer import Found, Writer, put_text
from job.errors import DataError
from job.sentence import Sentence


def _line(sentence: Sentence, _: Found | None) -> str:
    if not sentence.text:
        return "\n"
    try:
        return f"{to_tagged(sentence)}\n"
    except DataError as error:
        raise LineError("a line that would not read back the same") from error


TUTORIAL = Writer("tutorial", ".txt", _line, put_text)
