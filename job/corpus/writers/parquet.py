"""Parquet with the columns `text` and `spans`, a list of structs, as `datasets` reads them."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

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

    failures: list[Exception] = []

    def batches() -> Iterator["RecordBatch"]:
        try:
            yield from map(_batch, groups)
        except Exception as error:  # the library would hide it in one of its own
            failures.append(error)
            raise

    try:
        reader = RecordBatchReader.from_batches(_batch([]).schema, batches())
        write_parquet(reader, stream, compression="snappy")
    except Exception:
        if failures:
            raise failures[0] from None
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
