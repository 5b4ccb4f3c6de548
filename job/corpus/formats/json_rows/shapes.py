"""Shapes of JSON that are not read as they are, each with the command that makes them readable."""

import json
from collections.abc import Sequence
from shlex import quote

from job.corpus.formats.json_rows.rows import strict_value
from job.corpus.formats.text_lines import LineError
from job.errors import DataError

LOOKED_AT = 200  # lines
LABEL_STUDIO = (
    "{each}.data.text as $text | .annotations[]? | select(.was_cancelled | not) | "
    '{{"text": $text, "spans": [.result[]? | select(.type == "labels") | .value | '
    '{{"start": .start, "end": .end, "text": .text, "label": .labels[0]}}]}}'
)
SPACY = '{each}{{"text": .[0], "spans": .[1].entities}}'


def refuse_other_shapes(elements: Sequence[object], path: str, *, in_array: bool) -> None:
    """Raises DataError where most of a file's JSON values are of a shape that is not read."""
    each = ".[] | " if in_array else ""
    of_label_studio = sum(
        isinstance(row, dict)
        and isinstance(row.get("data"), dict)
        and any(isinstance(row.get(key), list) for key in ("annotations", "completions"))
        for row in elements
    )
    if 2 * of_label_studio > len(elements):
        raise _convertible(path, "Label Studio's export", LABEL_STUDIO.format(each=each))
    of_spacy = sum(
        isinstance(pair, list)
        and len(pair) == 2
        and isinstance(pair[0], str)
        and isinstance(pair[1], dict)
        and "entities" in pair[1]
        for pair in elements
    )
    if 2 * of_spacy > len(elements):
        raise _convertible(path, "spaCy's training data", SPACY.format(each=each))
    if (
        in_array
        and elements
        and not any(isinstance(element, dict | LineError) for element in elements)
    ):
        shown = json.dumps(elements[0], ensure_ascii=False)[:60]
        raise DataError(
            f"{path} is a JSON array whose elements are not objects (its first element is "
            f"`{shown}`); give one object a row, with text and spans or tokens and ner_tags."
        )


def refuse_document(lines: Sequence[str | LineError], path: str) -> None:
    """Raises DataError where the whole file is one JSON object, or a broken array."""
    texts = [line for line in lines if isinstance(line, str) and line.strip()]
    refuse_other_shapes([_value(line) for line in texts[:LOOKED_AT]], path, in_array=False)
    text = "\n".join(texts)
    start = text.lstrip()[:1]
    if start not in ("{", "[") or text.lstrip()[1:].lstrip()[:1] not in ("{", "[", '"'):
        return
    for number, line in enumerate(lines, start=1):
        if isinstance(line, LineError):
            raise DataError(f"{path}:{number}: {line}; the JSON around it cannot be read.")
    try:
        document = strict_value(text)
    except (ValueError, RecursionError) as error:
        several = len(texts) > 1 and "Extra data" in str(error)
        if several and start == "{":
            raise _convertible(path, "JSON whose rows take several lines each", ".") from error
        if start == "[" or len(texts) == 1:
            what = "begins like a JSON array and is none" if start == "[" else "is no JSON"
            raise DataError(f"{path} {what} ({error}); export it again.") from error
        return
    assert isinstance(document, dict | list)
    if isinstance(document, dict) and ("text" in document or "tokens" in document):
        raise _convertible(path, "JSON whose only row takes several lines", ".")
    keys = ", ".join(f"`{key}`"[:40] for key in list(document)[:5])
    raise DataError(
        f"{path} is one JSON document (with {keys}), whose sentences lie further inside; write one "
        'row a line: {"text": …, "spans": [[start, end, type], …]}.'
    )


def _value(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return LineError("no JSON")


def _convertible(path: str, shape: str, program: str) -> DataError:
    out = path.removesuffix(".json").removesuffix(".jsonl") + ".rows.jsonl"
    return DataError(
        f"{path} is {shape}, which is not read as it is; run `jq -c {quote(program)} {quote(path)} "
        f"> {quote(out)}` and use that file in its place."
    )
