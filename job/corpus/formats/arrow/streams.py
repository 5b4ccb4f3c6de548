"""Arrow's own files: the streams of `save_to_disk`, and files with an index (Feather).

Reference: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc
"""

from collections.abc import Sequence

from arro3.core import RecordBatchReader
from arro3.io import read_ipc, read_ipc_stream

from job.corpus.formats.arrow.rows import read_batches
from job.corpus.formats.format import (
    CERTAIN,
    Contents,
    CorpusFile,
    Format,
    Options,
    Score,
)
from job.errors import DataError

STREAM, INDEXED = b"\xff\xff\xff\xff", b"ARROW1\0\0"
END_OF_STREAM = STREAM + bytes(4)


def _score(file: CorpusFile, _: Options) -> Score:
    is_such = file.data.startswith((STREAM, INDEXED))
    return Score(CERTAIN, "it begins as Arrow's files do") if is_such else Score(0.0)


def _read(files: Sequence[CorpusFile], options: Options) -> Contents:
    return read_batches(files, options, "an Arrow file", _opened)


def _opened(file: CorpusFile) -> RecordBatchReader:
    if file.data.startswith(INDEXED):
        return read_ipc(file.data)
    if not file.data.endswith(END_OF_STREAM):
        # Cut between two batches it would read as a shorter corpus.
        raise DataError(
            f"{file.path} is an Arrow file that was cut off: its end is missing; fetch or write it "
            "again."
        )
    return read_ipc_stream(file.data)


ARROW = Format("an Arrow file", _score, _read, takes_fields=True)
