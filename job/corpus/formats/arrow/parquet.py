"""Parquet, as the Hub and tools for tables write it.

Reference: https://parquet.apache.org/docs/file-format/
"""

from collections.abc import Iterator
from contextlib import contextmanager

from arro3.core import RecordBatch, RecordBatchReader
from arro3.io import read_parquet

from job.corpus.formats.arrow.rows import read
from job.corpus.formats.format import (
    CERTAIN,
    Contents,
    CorpusFile,
    Format,
    Options,
    Score,
    one_by_one,
)
from job.errors import DataError

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
BATCH_ROWS = 1024
PANIC = "PanicException"  # of the library's own language; not an Exception to Python


def _score(file: CorpusFile, _: Options) -> Score:
    is_such = file.data.startswith((MAGIC, ENCRYPTED))
    return Score(CERTAIN, "it begins as Parquet does") if is_such else Score(0.0)


def _read(file: CorpusFile, options: Options) -> Contents:
    reader = _opened(file)
    return read(file, "Parquet", reader.schema, _batches(reader, file), options)


def _opened(file: CorpusFile) -> RecordBatchReader:
    """Raises DataError where the file is not whole."""
    data = file.data
    if ENCRYPTED in (data[:4], data[-4:]):
        raise DataError(f"{file.path} is encrypted Parquet; write it without encryption.")
    if data[-4:] != MAGIC or int.from_bytes(data[-8:-4], "little") > len(data) - 12:
        raise DataError(
            f"{file.path} is a Parquet file that was cut off: its end is missing; fetch or write "
            "it again."
        )
    with _damage_named(file):
        return read_parquet(data, batch_size=BATCH_ROWS)


def _batches(reader: RecordBatchReader, file: CorpusFile) -> Iterator[RecordBatch]:
    with _damage_named(file):
        yield from reader


@contextmanager
def _damage_named(file: CorpusFile) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        said = " ".join(str(error).split())[:120]
        raise DataError(
            f"{file.path} is a Parquet file that cannot be read ({said}); fetch or write it again."
        ) from error


PARQUET = Format("Parquet", _score, one_by_one(_read))
