"""Parquet, as the Hub and tools for tables write it.

Reference: https://parquet.apache.org/docs/file-format/
"""

from collections.abc import Sequence

from arro3.core import RecordBatchReader
from arro3.io import read_parquet

from job.corpus.formats.arrow.rows import read_batches, score_by_sign
from job.corpus.formats.format import Contents, CorpusFile, Format, Options
from job.errors import DataError

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
BATCH_ROWS = 1024


def _read(files: Sequence[CorpusFile], options: Options) -> Contents:
    return read_batches(files, "Parquet", _opened, options)


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


PARQUET = Format("Parquet", score_by_sign(MAGIC, ENCRYPTED, why="it begins as Parquet does"), _read)
