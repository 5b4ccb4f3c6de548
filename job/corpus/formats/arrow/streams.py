"""Arrow's own files: the streams of `save_to_disk`, and files with an index (Feather).

Reference: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

from collections.abc import Sequence

from arro3.core import RecordBatchReader
from arro3.io import read_ipc, read_ipc_stream

from job.corpus.formats.arrow.rows import read_batches, score_by_sign
from job.corpus.formats.format import Contents, CorpusFile, Format, Options
from job.errors import DataError

STREAM, INDEXED = b"\xff\xff\xff\xff", b"ARROW1\0\0"
END_OF_STREAM = STREAM + bytes(4)


def _read(files: Sequence[CorpusFile], options: Options) -> Contents:
    return read_batches(files, "an Arrow file", _opened, options)


def _opened(file: CorpusFile) -> RecordBatchReader:
    """Raises DataError where the file is not whole."""
    if file.data.startswith(STREAM) and not file.data.endswith(END_OF_STREAM):
        # Cut between two batches it would read as a shorter corpus.
        raise DataError(
            f"{file.path} is an Arrow file that was cut off: its end is missing; fetch or write it "
            "again."
        )
    open_batches = read_ipc if file.data.startswith(INDEXED) else read_ipc_stream
    return open_batches(file.data)


ARROW = Format(
    "an Arrow file", score_by_sign(STREAM, INDEXED, why="it begins as Arrow's files do"), _read
)
