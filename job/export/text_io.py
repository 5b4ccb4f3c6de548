"""Lines in and lines out, for prediction: never more than a block of the file in memory."""

import json
import logging
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from job import storage
from job.corpus import (
    SEPARATOR,
    STDIN,
    in_other_words,
    is_cp949,
    refuse_cr_alone,
    refuse_other_kinds,
    without_mark,
)
from job.errors import ArgumentError, DataError, OutputError
from job.export.json_line import json_text
from job.export.not_sentences import json_value, refuse_other_lines, refuse_table
from job.machine import ReaderGone, binary_input, binary_output, silence
from job.program import program

logger = logging.getLogger(__name__)

STDOUT = "standard output"
BLOCK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 16 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def shown(place: str, standard: str) -> str:
    """A place's name in messages: `-` is no file."""
    return standard if place == "-" else place


class TextLine(NamedTuple):
    """A sentence to be tagged, the number of its line, and the JSON object that it stands in."""

    number: int
    text: str
    source: str = "{}"

    @property
    def fields(self) -> dict[str, object]:
        return json.loads(self.source)


@contextmanager
def read_texts(url: str) -> Iterator[Iterator[TextLine]]:
    """Yields each line of `url`, or of standard input for `-`.

    A file is JSON Lines when it is called so, or when its first line that is not blank is a JSON
    object. Raises DataError, naming the line, for one that cannot be read.
    """
    if url == "-":
        yield _texts(binary_input(), STDIN)
        return
    if storage.is_local(url) and storage.local_path(url).is_dir():
        raise ArgumentError(f"{url} is a directory; name a text file.")
    with storage.open_read(url) as stream:
        yield _texts(stream, url)


def _texts(stream: BinaryIO, name: str) -> Iterator[TextLine]:
    is_json = True if is_json_lines(name) else None
    labelled = _Labelled(name)
    for number, raw in enumerate(_lines(stream, name), start=1):
        where = f"{name}:{number}"
        line = _decode(raw, where, name)
        if is_json is None and line.strip():
            is_json = isinstance(json_value(line), dict)
            refuse_table(line, where)
        if not line.strip():
            yield TextLine(number, "" if is_json else line)
        elif is_json:
            text, has_labels = json_text(line, where)
            if has_labels:
                labelled.found(where)
            yield TextLine(number, text, line)
        else:
            refuse_other_lines(line, where)
            yield TextLine(number, _left_side(line, where, labelled))


class _Labelled:
    """Says, the first time, that the labels of a line are not read, and what reads them."""

    def __init__(self, name: str):
        self.name, self.is_told = name, False

    def found(self, where: str) -> None:
        if not self.is_told:
            self.is_told = True
            file = "FILE" if self.name == STDIN else shlex.quote(self.name)
            logger.info(
                "%s is labelled, which is not looked at here; `%s evaluate %s` scores the model "
                "by its labels.",
                *(where, program(), file),
            )


def is_json_lines(name: str) -> bool:
    """Whether a file's name says that it holds JSON Lines."""
    return name.lower().endswith(".jsonl")


def _lines(stream: BinaryIO, name: str) -> Iterator[bytes]:
    r"""Ends at `\n` alone; one `\r` before it and a byte order mark at the start are taken off."""
    read = getattr(stream, "read1", stream.read)  # a pipe's lines are wanted when they come
    rest, number, first = b"", 0, True
    while block := read(BLOCK_BYTES):
        if first:
            refuse_other_kinds(block, name)
            block, first = block.removeprefix(BYTE_ORDER_MARK), False
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r")
        number += len(lines)
        if len(rest) > LONGEST_LINE_BYTES:
            raise DataError(
                f"{name}:{number + 1} is longer than {LONGEST_LINE_BYTES >> 20} MiB; give a text "
                f"file with a sentence a line."
            )
    if number == 0:  # no line feed in the whole of it
        refuse_cr_alone(rest, name)
    if rest:
        yield rest.removesuffix(b"\r")


def _decode(raw: bytes, where: str, name: str) -> str:
    try:
        line = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if is_cp949(raw):
            raise DataError(f"{where}: {name} is {in_other_words(name, 'CP949')}") from error
        raise DataError(
            f"{where}: byte {error.start + 1} is not UTF-8; mend the line, or convert the file "
            "from the encoding that it is in (iconv -f ENCODING -t UTF-8)."
        ) from error
    if "\0" in line:
        raise DataError(f"{where} holds a NUL character; mend the line, or convert from UTF-16.")
    return without_mark(line)


def _left_side(line: str, where: str, labelled: _Labelled) -> str:
    text, *tagged = line.split(SEPARATOR)
    if len(tagged) > 1:
        raise DataError(f"{where} holds more than one {SEPARATOR}; keep the sentence alone.")
    if tagged and "<" in tagged[0]:
        labelled.found(where)
    return text


class Output:
    """A binary stream that hands on every write at once and names itself when one fails."""

    def __init__(self, stream: BinaryIO, name: str):
        self.stream, self.name = stream, name

    def write(self, data: bytes) -> None:
        """Raises OutputError."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self.stream.write(rest) :]
            self.stream.flush()
        except OSError as error:
            raise _cannot_write(self.name, error) from error


class StandardOutput(Output):
    """Standard output, whose reader may leave early (`| head`)."""

    def write(self, data: bytes) -> None:
        try:
            super().write(data)
        except OutputError as error:
            silence(self.stream)
            if isinstance(error.__cause__, BrokenPipeError):
                raise ReaderGone from error
            raise


def _cannot_write(name: str, error: OSError) -> OutputError:
    return OutputError(
        f"{name} cannot be written ({error.strerror or error}); free space, or choose another OUT."
    )


@contextmanager
def open_output(url: str) -> Iterator[Output]:
    """A stream whose content appears at `url` when the block ends well, and otherwise not at all.

    `-` is standard output, which gets every chunk at once. Raises OutputError.
    """
    if url == "-":
        yield StandardOutput(binary_output(), STDOUT)
    elif storage.is_local(url):
        with _open_local(storage.local_path(url).resolve(), url) as output:
            yield output
    else:
        parent, _, name = url.rpartition("/")
        if not name or parent.endswith("/"):
            raise OutputError(f"{url} is a folder or a bucket; name a file in it.")
        storage.probe_writable(parent)  # not after hours of work
        with tempfile.TemporaryDirectory(prefix="job-") as folder:
            file = Path(folder, "out")
            with file.open("wb", buffering=0) as stream:
                yield Output(stream, url)
            storage.upload_file(file, url)


@contextmanager
def _open_local(path: Path, url: str) -> Iterator[Output]:
    if path.is_dir():
        raise OutputError(f"{url} is a directory; name a file.")
    with ExitStack() as stack:
        try:
            # A pipe or a device (/dev/null) is written to; a rename would replace it by a file.
            is_special = path.exists() and not path.is_file()
            place = path if is_special else stack.enter_context(storage.whole_file(path))
            # Unbuffered: closing must have nothing left to fail on.
            stream = stack.enter_context(place.open("wb", buffering=0))
        except OSError as error:
            raise _cannot_write(url, error) from error
        yield Output(stream, url)
