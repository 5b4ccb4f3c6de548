"""The bytes of a corpus file → its sentences, in whichever format they are written.

The format is recognised from the content of the first lines, never from the file's name.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from job.corpus.download.html import looks_like_html
from job.corpus.formats.columns.blocks import looks_like_row
from job.corpus.formats.columns.read import parse_columns
from job.corpus.formats.columns.signs import refuse_signs
from job.corpus.formats.edges import settle
from job.corpus.formats.json_rows.read import (
    NO_NAMES,
    TagNames,
    looks_like_json,
    parse_json_rows,
    tokens_alone,
)
from job.corpus.formats.json_rows.rows import Rows, array_of, rows_of_lines
from job.corpus.formats.json_rows.shapes import refuse_document, refuse_other_shapes
from job.corpus.formats.text_lines import LineError, Rejected, read_lines
from job.corpus.formats.tutorial import SEPARATOR, read_tagged_line, to_tagged
from job.corpus.formats.unread import refuse_unread
from job.errors import DataError
from job.sentence import Sentence

__all__ = ["Parsed", "Rejected", "parse", "to_tagged"]

PARSER_VERSION = 2  # count up when the same file comes to be read differently
NO_FIELDS: Mapping[str, int] = MappingProxyType({})
LOOKED_AT = 200  # lines that decide the format
ACCEPTED = (
    "`sentence␞tagged`, CoNLL or KLUE columns with a BIO tag in the last one, or JSON Lines with "
    "text and spans or tokens and ner_tags"
)


@dataclass(frozen=True)
class Parsed:
    """What a file holds. `format` says how it was read, and `why` what gave it away."""

    format: str
    why: str
    sentences: tuple[Sentence, ...]
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def parse(
    data: bytes,
    path: str,
    find_tag_names: TagNames = lambda: None,
    fields: Mapping[str, int] = NO_FIELDS,
) -> Parsed:
    """Reads a corpus file. `path` is for messages; `find_tag_names` is asked for the names of
    integer tags; `fields` are columns that the user named, `text` or `tags` -> its number from 1.

    Raises DataError where the file as a whole cannot be read. A sentence that cannot be read is in
    `rejected`; of the others nothing is changed but the edges of spans (`edges`).
    """
    lines, notes = read_lines(data, path)
    elements = array_of(lines)
    if elements is not None:
        refuse_other_shapes([element for _, element in elements], path, in_array=True)
        rows = [(number, _object(element)) for number, element in elements]
        kind, why = "json", "it is one array"
    else:
        kind, why = _recognise(lines, path, fields.get("tags", 0))
        rows = rows_of_lines(lines) if kind == "json" else []
    if fields and kind != "columns":
        raise DataError(
            f"{path} has no columns ({why}), but CORPUS_FIELDS names some; remove CORPUS_FIELDS."
        )
    if kind == "tagged":
        how = f"the tutorial's sentence{SEPARATOR}tagged"
        sentences, rejected, noted = _parse_tagged(lines)
    elif kind == "columns":
        how, sentences, rejected, noted = parse_columns(lines, path, fields)
    else:
        how, sentences, rejected, noted = _parse_json(rows, path, find_tag_names)
        how = f"{'a JSON array' if elements is not None else 'JSON Lines'} {how}"
    settled, unsettled = settle(sentences, noted)
    rejected = sorted([*rejected, *unsettled], key=lambda row: row.line)
    notes += [f"{count} {what}" for what, count in noted.items()]
    return Parsed(how, why, tuple(settled), tuple(rejected), tuple(notes))


def _object(element: object) -> dict | LineError:
    return element if isinstance(element, dict) else LineError("not a JSON object")


def _parse_json(
    rows: Rows, path: str, find_tag_names: TagNames
) -> tuple[str, list[Sentence], list[Rejected], Counter]:
    refuse_other_shapes([row for _, row in rows], path, in_array=False)
    how, sentences, rejected, noted = parse_json_rows(rows, find_tag_names)
    refuse_signs(tokens_alone(rows), path)
    if any(row.reason == NO_NAMES for row in rejected):
        raise DataError(
            f"{path} has integers for tags and nothing that names them; put their names in "
            "order, one a line, into label_names.txt beside it (or its dataset_info.json)."
        )
    if noted and not sentences and not rejected:
        said = "; ".join(f"{count} {what}" for what, count in noted.items())
        raise DataError(f"{path} has no row that somebody stands by: {said}. Annotate some first.")
    return how, sentences, rejected, noted


def _parse_tagged(
    lines: Sequence[str | LineError],
) -> tuple[list[Sentence], list[Rejected], Counter]:
    sentences, rejected, noted = [], [], Counter()
    for number, line in enumerate(lines, start=1):
        try:
            if isinstance(line, LineError):
                raise line
            if line.strip():
                sentences.append(read_tagged_line(line, number, noted))
        except LineError as error:
            rejected.append(Rejected(error.reason, number, error.detail))
    return sentences, rejected, noted


def _recognise(lines: Sequence[str | LineError], path: str, tags: int) -> tuple[str, str]:
    readable = (line for line in lines if isinstance(line, str) and line.strip())
    sample = list(itertools.islice(readable, LOOKED_AT))
    if not sample:
        first = next((line for line in lines if isinstance(line, LineError)), "")
        raise DataError(f"{path} has no line of UTF-8 text ({first}); give {ACCEPTED}.")
    as_json = [looks_like_json(line) for line in sample]
    as_tagged = [SEPARATOR in line for line in sample]
    as_columns = [any(looks_like_row(line, c) for c in (0, tags)) for line in sample]
    score, kind, what = max(
        (sum(as_json), "json", "are JSON objects"),
        (sum(as_tagged), "tagged", f"hold {SEPARATOR}"),
        (sum(as_columns), "columns", "end in a BIO tag or are O"),
        key=lambda candidate: candidate[0],
    )
    known = 5 * score >= len(sample)
    if kind == "columns" or not known:
        refuse_unread(sample, path)
    if not known:
        if looks_like_html(sample[0]):
            raise DataError(
                f"{path} is an HTML page, not a corpus; download the file itself again."
            )
        refuse_document(lines, path)
        raise DataError(
            f"{path} is in no format that is known here (its first line is `{sample[0][:60]}`); "
            f"give {ACCEPTED}; or name its columns by CORPUS_FIELDS=text=1,tags=2."
        )
    return kind, f"{score} of its first {len(sample)} lines {what}"
