"""Parquet, as the Hub and tools for tables write it.

Reference: https://parquet.apache.org/docs/file-format/
"""

from collections.abc import Sequence

from arro3.core import RecordBatchReader
from arro3.io import read_parquet

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

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
BATCH_ROWS = 1024


def _score(file: CorpusFile, _: Options) -> Score:
    is_such = file.data.startswith((MAGIC, ENCRYPTED))
    return Score(CERTAIN, "it begins as Parquet does") if is_such else Score(0.0)


def _read(files: Sequence[CorpusFile], options: Options) -> Contents:
    return read_batches(files, options, "Parquet", _opened)


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
    return read_parquet(data, batch_size=BATCH_ROWS)


PARQUET = Format("Parquet", _score, _read, takes_fields=True)
