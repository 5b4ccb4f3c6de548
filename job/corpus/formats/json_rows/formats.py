"""JSON as corpora have it: rows one a line, rows in one array, and documents that are not read."""

from job.corpus.formats.columns.signs import refuse_signs
from job.corpus.formats.format import (
    CERTAIN,
    Contents,
    CorpusFile,
    Format,
    Options,
    Score,
    one_by_one,
    read_nothing,
    refusal_of,
)
from job.corpus.formats.json_rows.read import read_rows
from job.corpus.formats.json_rows.rows import Row, Rows, looks_like_json, rows_of_lines
from job.corpus.formats.json_rows.shapes import refuse_document, refuse_other_shapes
from job.corpus.formats.json_rows.tokens import NO_NAMES, tokens_alone
from job.corpus.formats.text_lines import LineError
from job.errors import DataError


def _score_array(file: CorpusFile, _: Options) -> Score:
    if file.array is None:
        return Score(0.0)
    elements = [element for _, element in file.array]
    refusal = refusal_of(lambda: refuse_other_shapes(elements, file.path, in_array=True))
    return Score(CERTAIN, "it is one array", refusal)


def _read_array(file: CorpusFile, options: Options) -> Contents:
    rows = [(number, _object(element)) for number, element in file.array or ()]
    return _read(rows, "a JSON array", file, options)


def _object(element: object) -> Row:
    return element if isinstance(element, dict) else LineError("not a JSON object")


def _score_lines(file: CorpusFile, _: Options) -> Score:
    return Score.of_lines(file, looks_like_json, "are JSON objects")


def _read_lines(file: CorpusFile, options: Options) -> Contents:
    rows = rows_of_lines(file.lines)
    refuse_other_shapes([row for _, row in rows], file.path, in_array=False)
    return _read(rows, "JSON Lines", file, options)


def _read(rows: Rows, kind: str, file: CorpusFile, options: Options) -> Contents:
    contents = read_rows(rows, file.path, options.find_tag_names)
    refuse_signs(tokens_alone(rows), file.path)
    if any(row.reason == NO_NAMES for row in contents.rejected):
        raise DataError(
            f"{file.path} has integers for tags and nothing that names them; put their names in "
            "order, one a line, into label_names.txt beside it (or its dataset_info.json)."
        )
    if contents.noted and not contents.sentences and not contents.rejected:
        said = "; ".join(note.counted(count) for note, count in contents.noted.items())
        raise DataError(f"{file.path} has no usable row: {said}. Annotate and accept some first.")
    contents.how = f"{kind} {contents.how}"
    return contents


def _score_document(file: CorpusFile, _: Options) -> Score:
    return Score(0.0, refusal=refusal_of(lambda: refuse_document(file.lines, file.path)))


JSON_ARRAY = Format("a JSON array", _score_array, one_by_one(_read_array))
JSON_LINES = Format("JSON Lines", _score_lines, one_by_one(_read_lines))
JSON_DOCUMENT = Format("a JSON document", _score_document, read_nothing)
