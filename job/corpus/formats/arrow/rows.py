"""Batches of Arrow → rows as JSON would hold them, with names in the place of integer classes."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from arro3.core import DataType, RecordBatchReader, Schema

from job.corpus.formats.arrow.features import described_names, naming
from job.corpus.formats.format import CERTAIN, Contents, CorpusFile, Options, Score
from job.corpus.formats.json_rows.decoding.values import Object, Value
from job.corpus.formats.json_rows.formats import Source, read_values
from job.corpus.formats.json_rows.left_out import TAGS
from job.errors import DataError

METADATA = b"huggingface"
PANIC = "PanicException"  # of the library's own language; no Exception to Python


Open = Callable[[CorpusFile], RecordBatchReader]


def score_by_sign(*signs: bytes, why: str) -> Callable[[CorpusFile, Options], Score]:
    """`Format.score` of a format whose files begin with one of these bytes."""
    return lambda file, _: Score(CERTAIN, why) if file.data.startswith(signs) else Score(0.0)


def read_batches(
    files: Sequence[CorpusFile], kind: str, open_batches: Open, options: Options
) -> Contents:
    """The contents of files that hold batches. A row's line is its number from 1.

    Raises DataError.
    """
    with damage_named(files[0], kind):
        features = _features(open_batches(files[0]).schema)

    def find_tag_names() -> Sequence[str] | None:
        described = (described_names(features, key) for key in TAGS)
        return options.find_tag_names() or next((n for names in described for n in names), None)

    sources = [Source(file.path, partial(_values, file, kind, open_batches)) for file in files]
    return read_values(sources, kind, replace(options, find_tag_names=find_tag_names))


def _values(file: CorpusFile, kind: str, open_batches: Open) -> Iterator[Value]:
    with damage_named(file, kind):
        batches = open_batches(file)
        row = None
        for number, row in enumerate(_rows(batches, _features(batches.schema)), start=1):
            yield Value(number, row)
    if row is None:
        raise DataError(f"{file.path} has no rows; give a corpus file with at least one sentence.")


def _features(schema: Schema) -> dict[str, object]:
    """Column → its feature, where Hugging Face's `datasets` has written the schema."""
    try:
        written = json.loads((schema.metadata or {}).get(METADATA, b"{}"))
        return dict(written["info"]["features"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return {}


@contextmanager
def damage_named(file: CorpusFile, kind: str) -> Iterator[None]:
    """Raises DataError where the library cannot read the file."""
    try:
        yield
    except (DataError, GeneratorExit):
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != PANIC:
            raise
        said = " ".join(str(error).split())[:120]
        raise DataError(
            f"{file.path} is damaged and cannot be read as {kind} ({said}); fetch or write it "
            "again."
        ) from error


def _rows(batches: RecordBatchReader, features: dict[str, object]) -> Iterator[Object]:
    schema = batches.schema
    every = (schema.field(i) for i in range(len(schema)))
    fields = [field for field in every if _may_matter(field.type)]
    names = [field.name for field in fields]
    changes = [_changes(field.type, features.get(field.name)) for field in fields]
    for batch in batches:
        columns = [
            _changed(list(batch[name].to_pylist()), by)
            for name, by in zip(names, changes, strict=True)
        ]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _may_matter(kind: DataType) -> bool:
    """Whether texts, places or marks can be in it. Vectors and images are left alone."""
    while (inner := _element(kind)) is not None:
        kind = inner
    others = (DataType.is_floating, DataType.is_binary, DataType.is_large_binary)
    return not any(is_other(kind) for is_other in others)


def _element(kind: DataType) -> DataType | None:
    is_list = DataType.is_list(kind) or DataType.is_large_list(kind)
    return kind.value_type if is_list or DataType.is_fixed_size_list(kind) else None


def _changes(kind: DataType, feature: object) -> list[Callable[[object], object]]:
    changes = []
    if put_names := naming(feature):
        changes.append(put_names)
    if DataType.is_struct(kind) and all(_element(field.type) is not None for field in kind.fields):
        changes.append(_as_objects)
    return changes


def _changed(column: list, changes: Iterable[Callable[[object], object]]) -> list:
    for change in changes:
        column = [change(value) for value in column]
    return column


def _as_objects(value: object) -> object:
    """A list of objects, which `datasets` keeps as one object of lists of equal length."""
    if not isinstance(value, dict) or not all(isinstance(each, list) for each in value.values()):
        return value
    if len({len(each) for each in value.values()}) != 1:
        return value
    return [dict(zip(value, values, strict=True)) for values in zip(*value.values(), strict=True)]
