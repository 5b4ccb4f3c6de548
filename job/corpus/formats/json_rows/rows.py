"""Rows of JSON: one object a line, or the objects of one array, each with the line it starts on.

Rows that an annotation tool marks as rejected, skipped, cancelled or not annotated are no
sentences: they are left out and counted.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from job.corpus.formats.text_lines import Line, LineError, Note

Object = dict[str, object]
Row = Object | LineError
Rows = list[tuple[int, Row]]

# Where the spans or tags of a row stand; null in all that are there: nobody has annotated it.
SPANS = ("spans", "entities", "label")
TAGS = ("ner_tags", "tags", "labels")
ANSWERS = (*SPANS, *TAGS)

# How annotation tools mark a row that is not to be used.
LEFT_OUT: dict[str, tuple[object, ...]] = {
    "answer": ("reject", "ignore"),
    "status": (
        *("rejected", "reject", "ignored", "ignore", "skipped", "skip", "cancelled", "canceled"),
        *("unannotated", "unlabeled", "not annotated", "pending", "todo", "discarded"),
    ),
    **dict.fromkeys(("was_cancelled", "cancelled", "canceled", "rejected"), (True,)),
    **dict.fromkeys(("ignored", "skipped"), (True,)),
    **dict.fromkeys(("is_labeled", "is_annotated", "annotated", "labeled", "accepted"), (False,)),
    "total_annotations": (0,),
}
TWICE = "a key twice in one JSON object"


class _TwiceError(ValueError):
    pass


def _once(pairs: list[tuple[str, object]]) -> Object:
    row = dict(pairs)
    if len(row) < len(pairs):
        raise _TwiceError(TWICE)
    return row


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


FAST_DECODER = json.JSONDecoder(parse_constant=_no_number)
KEYS = re.compile(r'"\s*:')
DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def strict_value(text: str) -> object:
    """The value of the JSON. Raises ValueError or RecursionError, also for a key twice and NaN."""
    return DECODER.decode(text)


def looks_like_json(line: str) -> bool:
    """Whether the line is an object, also one with a key twice."""
    if not line.lstrip().startswith("{"):
        return False
    row = _row(line)
    return isinstance(row, dict) or row.reason == TWICE


def rows_of_lines(lines: Sequence[Line]) -> Rows:
    """A row for each line that is not blank."""
    return [
        (number, line if isinstance(line, LineError) else _row(line))
        for number, line in enumerate(lines, start=1)
        if isinstance(line, LineError) or line.strip()
    ]


def _row(line: str) -> Row:
    try:
        row = FAST_DECODER.decode(line)
        if isinstance(row, dict) and _may_repeat_a_key(line, row):
            row = DECODER.decode(line)
    except _TwiceError:
        return LineError(TWICE)
    except (ValueError, RecursionError) as error:
        return LineError("not a JSON object", str(error)[:60])
    return row if isinstance(row, dict) else LineError("not a JSON object")


def _may_repeat_a_key(line: str, row: Object) -> bool:
    """Each key is a quote and a colon; where there are more of them, one may be a key twice."""
    colons = line.count(":")
    if colons == len(row):  # then no object lies within this one, either
        return False
    keys = _count_keys(row)
    return colons != keys and len(KEYS.findall(line)) != keys


def _count_keys(row: Object) -> int:
    count = 0
    inner: list[Iterable[object]] = [[row]]
    for values in inner:  # which grows
        for value in values:
            if isinstance(value, dict):
                count += len(value)
                inner.append(value.values())
            elif isinstance(value, list):
                inner.append(value)
    return count


def array_of(lines: Sequence[Line]) -> list[tuple[int, object]] | None:
    """The elements of a file that is one JSON array, each with its line; None where it is none."""
    first = next((line for line in lines if not isinstance(line, str) or line.strip()), "")
    if not isinstance(first, str) or not first.lstrip().startswith("["):
        return None
    texts = [line for line in lines if isinstance(line, str)]
    if len(texts) < len(lines):
        return None
    text = "\n".join(texts)
    try:
        elements, end = _elements(text, text.index("[") + 1)
    except (ValueError, IndexError, RecursionError):
        return None
    return None if text[end:].strip() else elements


def _elements(text: str, position: int) -> tuple[list[tuple[int, object]], int]:
    """The elements of the array whose first begins at `position`, and where it has ended."""
    elements: list[tuple[int, object]] = []
    seen, number = 0, 1
    position = _skip(text, position)
    if text[position] == "]":
        return elements, position + 1
    while True:
        number += text.count("\n", seen, position)
        seen = position
        element, position = DECODER.raw_decode(text, position)
        elements.append((number, element))
        position = _skip(text, position)
        if text[position] == "]":
            return elements, position + 1
        if text[position] != ",":
            raise ValueError(f"no comma at {position}")
        position = _skip(text, position + 1)


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def without_left_out(rows: Rows, noted: Counter[Note]) -> Rows:
    """The usable rows; the others are counted by their mark."""
    kept = []
    for number, row in rows:
        said = _left_out(row) if isinstance(row, dict) else ""
        if said:
            noted[Note("row was", "rows were", f"left out, marked {said}")] += 1
        else:
            kept.append((number, row))
    return kept


def _left_out(row: Object) -> str:
    if not row.keys().isdisjoint(LEFT_OUT):
        for key in LEFT_OUT:
            if said := _said(key, row.get(key)):
                return said
    answers = [key for key in ANSWERS if key in row]
    if answers and all(row[key] is None for key in answers):
        return f'"{answers[0]}": null'
    return ""


def _said(key: str, value: object) -> str:
    if isinstance(value, str):
        value = value.strip()
        return f'"{key}": "{value}"' if value.lower() in LEFT_OUT[key] else ""
    for least in LEFT_OUT[key]:
        # To Python, 0 is False.
        if value == least and isinstance(value, bool) == isinstance(least, bool):
            return f'"{key}": {json.dumps(least)}'
    return ""
