"""JSON as corpora have it: rows one a line, rows in one array, or documents that hold sentences."""

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from job.corpus.formats.columns.signs import refuse_signs
from job.corpus.formats.encodings.refused import refuse_other_kinds
from job.corpus.formats.format import (
    CERTAIN,
    Contents,
    CorpusFile,
    Format,
    Options,
    Score,
    refusal_of,
)
from job.corpus.formats.json_rows.decoding.values import (
    NO_JSON,
    Value,
    is_json,
    values_of_data,
    values_of_lines,
)
from job.corpus.formats.json_rows.marked_rows import read_marked_rows
from job.corpus.formats.json_rows.read import Reader
from job.corpus.formats.json_rows.records import records
from job.corpus.formats.json_rows.shape.fields import Keys, Named
from job.corpus.formats.json_rows.shape.survey import Shape, survey
from job.corpus.formats.json_rows.tokens import NO_NAMES, Cut
from job.corpus.formats.text_lines import BYTE_ORDER_MARK, LineError
from job.errors import DataError

BEGINS = re.compile(rb'\s*(?:\{\s*["}]|\[\s*[\[{"\]\d])')
LONGEST_SIGN = 4  # bytes
LONG = 10_000  # characters of an only line, which is rather a document than a row
LOOKED_AT = 300  # values of a file, by which the shape is told
LOOKED_AT_FILES = 200
SOME = 30
FEW = 3  # values of each further file


def _is_document(file: CorpusFile) -> bool:
    """Whether the file begins with JSON that goes over several lines."""
    head = file.data[:4096].removeprefix(BYTE_ORDER_MARK)
    return BEGINS.match(head) is not None and not _has_rows(file)


def _has_rows(file: CorpusFile) -> bool:
    """Whether its lines are objects or arrays of their own, and the first is not all there is."""
    if file.decoded.is_one_line_over(LONGEST_SIGN * LONG):
        return False  # and is not decoded as a whole to see the same below
    sample = file.sample
    if not sample:
        return False
    several = len(sample) > 1
    if not several and len(sample[0]) > LONG:
        return False
    if is_json(sample[0]):
        return several or sample[0].lstrip().startswith("{")
    return several and 2 * sum(line.startswith("{") and is_json(line) for line in sample) > len(
        sample
    )


def _score(file: CorpusFile, _: Options) -> Score:
    refuse_other_kinds(file.data[:4096], file.path)
    if not _is_document(file):
        return Score.of_lines(
            file, lambda line: line.lstrip()[:1] in ("{", "[") and is_json(line), "are JSON objects"
        )
    refusal = refusal_of(lambda: _read_first(file))
    if refusal:
        return Score(0.0, refusal=refusal)
    return Score(CERTAIN, "it is one JSON document")


def _read_first(file: CorpusFile) -> None:
    next(values_of_data(file.data, file.path), None)


def _values(file: CorpusFile) -> Iterator[Value]:
    if _is_document(file):
        return values_of_data(file.data, file.path)
    return values_of_lines(file.decoded)


class Source(NamedTuple):
    """A file as JSON values; `values` begins anew with each call."""

    path: str
    values: Callable[[], Iterator[Value]]


def _read(files: Sequence[CorpusFile], options: Options) -> Contents:
    sources = [Source(file.path, partial(_values, file)) for file in files]
    kind = "a JSON array" if _is_document(files[0]) else "JSON Lines"
    return read_values(sources, kind, options)


def read_values(sources: Sequence[Source], kind: str, options: Options) -> Contents:
    """The sentences in the values of a split's files; `kind` says what rows of their own are.

    Raises DataError where there are none, or where nobody knows what the parts mean.
    """
    path = sources[0].path
    named = Named.of(_fields(path, options))
    shape = _shape(sources, named)
    reader = Reader(shape, options.find_tag_names, with_units=_needs_units(sources, shape))
    for source in sources:
        found = (r for v in source.values() for r in records(v, shape.locations, source.path))
        reader.read_file(found, source.path)
    unread = [row.read for row in reader.rows if isinstance(row.read, LineError)]
    of_no_objects = len(unread) == len(reader.rows) and all(e.reason == NO_JSON for e in unread)
    if of_no_objects and not reader.noted:
        marked = None if options.fields else read_marked_rows(sources, kind)
        if marked is None:
            raise _nothing(sources[0], kind)
        return marked
    refuse_signs(Cut(reader.alone), path)
    contents = reader.contents("JSON documents" if any(shape.locations - {()}) else kind)
    _refuse_useless(contents, path)
    return contents


def _fields(path: str, options: Options) -> dict[str, str]:
    if options.columns:
        raise DataError(
            f"{path} has no columns (it is JSON), but CORPUS_FIELDS names some; remove "
            "CORPUS_FIELDS, or name keys: CORPUS_FIELDS=text=form,spans=NE."
        )
    return dict(options.fields)


def _shape(sources: Sequence[Source], named: Named) -> Shape:
    first = itertools.chain.from_iterable(
        _first_values(source, LOOKED_AT if i < LOOKED_AT_FILES else FEW)
        for i, source in enumerate(sources)
    )
    shape = survey(first, named, sources[0].path)
    if shape.locations:
        return shape
    of_each_place = itertools.chain.from_iterable(map(_values_of_places, sources))
    return survey(of_each_place, named, sources[0].path)


def _values_of_places(source: Source) -> Iterator[Value]:
    """Some from each place of documents, where a long list of mentions can come first."""
    counts: Counter[Keys] = Counter()
    for value in source.values():
        place = tuple(key for key in value.path if isinstance(key, str))
        counts[place] += 1
        if counts[place] <= (SOME if place else LOOKED_AT):
            yield value


def _first_values(source: Source, most: int) -> Iterator[Value]:
    """Up to `most` rows; of parts of a document, which hold many sentences each, some of them."""
    for number, value in enumerate(source.values()):
        if number >= (min(most, SOME) if any(isinstance(k, str) for k in value.path) else most):
            return
        yield value


def _needs_units(sources: Sequence[Source], shape: Shape) -> bool:
    """Whether offsets are places among tokens or morphemes: no unit of the text explains them."""
    if shape.named.offsets in ("tokens", "morphemes", "graphemes"):
        return True
    reader = Reader(shape, lambda: None, with_units=False)
    for source in sources[:5]:
        values = itertools.islice(source.values(), LOOKED_AT)
        found = (r for v in values for r in records(v, shape.locations, source.path))
        reader.read_file(itertools.islice(found, LOOKED_AT), source.path)
    return not reader.counts_text()


def _nothing(source: Source, kind: str) -> DataError:
    first = next(source.values(), Value(1, None)).value
    keys = list(first)[:5] if isinstance(first, dict) else []
    with_keys = f" (with {', '.join(f'`{key}`'[:40] for key in keys)})" if keys else ""
    return DataError(
        f"{source.path} is {'JSON' if 'JSON' in kind else kind}{with_keys} in which no object has "
        "both a text and mentions; name their keys by CORPUS_FIELDS=text=form,spans=NE, or write "
        "one row a line: "
        '{"text": …, "spans": [[start, end, type], …]}.'
    )


def _refuse_useless(contents: Contents, path: str) -> None:
    if any(row.reason == NO_NAMES for row in contents.rejected):
        raise DataError(
            f"{path} has integers for tags and nothing that names them; put their names in "
            "order, one a line, into label_names.txt beside it (or its dataset_info.json)."
        )
    if contents.noted and not contents.sentences and not contents.rejected:
        said = "; ".join(note.counted(count) for note, count in contents.noted.items())
        raise DataError(f"{path} has no usable row: {said}. Annotate and accept some first.")


JSON = Format("JSON", _score, _read, takes_fields=True)
