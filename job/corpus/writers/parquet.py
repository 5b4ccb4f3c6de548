"""Parquet with the columns `text` and `spans`, a list of structs, as `datasets` reads them."""

import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from job.corpus.writers.writer import ByteStream, Groups, Writer
from job.sentence import Sentence

if TYPE_CHECKING:
    from arro3.core import RecordBatch


def _sentence(sentence: Sentence, _: str) -> Sentence:
    return sentence


def _put(stream: ByteStream, groups: Groups[Sentence]) -> None:
    # Whoever writes no Parquet does not wait for its library.
    from arro3.core import RecordBatchReader
    from arro3.io import write_parquet

    failures: list[BaseException] = []  # the library would hide them in one of its own

    def batches() -> Iterator["RecordBatch"]:
        with _kept(failures):
            yield from map(_batch, groups)

    try:
        reader = RecordBatchReader.from_batches(_batch([]).schema, batches())
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


def _batch(sentences: Sequence[Sentence]) -> "RecordBatch":
    from arro3.core import Array, DataType, Field, RecordBatch, list_array, struct_array

    spans = [span for sentence in sentences for span in sentence.spans]
    offsets = itertools.accumulate((len(each.spans) for each in sentences), initial=0)
    fields = [
        Field("start", DataType.int64()),
        Field("end", DataType.int64()),
        Field("type", DataType.string()),
    ]
    values = [list(column) for column in zip(*spans, strict=True)] or [[], [], []]
    columns = [Array(each, field.type) for each, field in zip(values, fields, strict=True)]
    texts = Array([sentence.text for sentence in sentences], DataType.string())
    structs = struct_array(columns, fields=fields)
    listed = DataType.list(Field("element", structs.type))
    lists = list_array(Array(list(offsets), DataType.int32()), structs, type=listed)
    return RecordBatch.from_pydict({"text": texts, "spans": lists})


PARQUET = Writer("parquet", ".parquet", _sentence, _put)
