"""Parquet with the columns `text` and `spans`, a list of structs, as `datasets` reads them.

A span that a model found has its score beside start, end and type.
"""

import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from job.corpus.writers.writer import ByteStream, Found, Groups, Writer
from job.sentence import Sentence

if TYPE_CHECKING:
    from arro3.core import RecordBatch


class _Row(NamedTuple):
    text: str
    spans: Sequence[tuple]  # with the score, where a model found them
    is_scored: bool


def _row(sentence: Sentence, found: Found | None) -> _Row:
    if found is None:
        return _Row(sentence.text, sentence.spans, False)
    scored = zip(sentence.spans, found.rounded_scores, strict=True)
    return _Row(sentence.text, [(*span, score) for span, score in scored], True)


def _put(stream: ByteStream, groups: Groups[_Row]) -> None:
    # Whoever writes no Parquet does not wait for its library.
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet

    failures: list[BaseException] = []  # the library would hide them in one of its own
    rest = iter(groups)
    first = next(rest, ())
    is_scored = any(row.is_scored for row in first)

    def batches() -> Iterator["RecordBatch"]:
        with _kept(failures):
            for group in itertools.chain([first], rest):
                yield _batch(group, is_scored)

    try:
        reader = RecordBatchReader.from_batches(_batch([], is_scored).schema, batches())
        file = cast("IO[bytes]", _File(stream, failures))
        write_parquet(reader, file, compression="snappy")
    except BaseException:
        if failures:
            raise failures[0] from None
        raise


class _File(io.RawIOBase):
    """The stream as a file that is written from its beginning to its end."""

    def __init__(self, stream: ByteStream, failures: list[BaseException]) -> None:
        self.stream, self.failures = stream, failures

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        with _kept(self.failures):
            self.stream.write(bytes(data))
        return len(data)


@contextmanager
def _kept(failures: list[BaseException]) -> Iterator[None]:
    """Adds to `failures` what the block raises."""
    try:
        yield
    except BaseException as error:
        failures.append(error)
        raise


def _batch(rows: Sequence[_Row], is_scored: bool) -> "RecordBatch":
    from arro3.core import Array, DataType, Field, RecordBatch, list_array, struct_array

    spans = [span for row in rows for span in row.spans]
    offsets = itertools.accumulate((len(row.spans) for row in rows), initial=0)
    fields = [
        Field("start", DataType.int64()),
        Field("end", DataType.int64()),
        Field("type", DataType.string()),
        *([Field("score", DataType.float64())] if is_scored else []),
    ]
    values = [list(column) for column in zip(*spans, strict=True)] or [[] for _ in fields]
    columns = [Array(each, field.type) for each, field in zip(values, fields, strict=True)]
    texts = Array([row.text for row in rows], DataType.string())
    structs = struct_array(columns, fields=fields)
    listed = DataType.list(Field("element", structs.type))
    lists = list_array(Array(list(offsets), DataType.int32()), structs, type=listed)
    return RecordBatch.from_pydict({"text": texts, "spans": lists})


PARQUET = Writer("parquet", ".parquet", _row, _put)
