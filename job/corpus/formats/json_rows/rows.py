"""Rows of JSON: one object a line, or the objects of one array, each with the line it starts on.

Rows that an annotation tool marks as rejected, skipped, cancelled or not annotated are no
sentences: they are left out and counted.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence

from job.corpus.formats.text_lines import LineError

Row = dict | LineError
Rows = list[tuple[int, Row]]

# What annotation tools say of a row that nobody stands by.
LEFT_OUT_VALUES = {
    "answer": ("reject", "ignore"),
    "status": (
        *("rejected", "reject", "ignored", "ignore", "skipped", "skip", "cancelled", "canceled"),
        *("unannotated", "unlabeled", "not annotated", "pending", "todo", "discarded"),
    ),
}
LEFT_OUT_WHERE_TRUE = ("was_cancelled", "cancelled", "canceled", "rejected", "ignored", "skipped")
LEFT_OUT_WHERE_FALSE = ("is_labeled", "is_annotated", "annotated", "labeled", "accepted")
LEFT_OUT_WHERE_NONE = ("total_annotations",)


# Where the spans or tags of a row stand; null in all that are there: nobody has annotated it.
SPANS = ("spans", "entities", "label")
TAGS = ("ner_tags", "tags", "labels")
ANSWERS = (*SPANS, *TAGS)


TWICE = "a key twice in one JSON object"


class _TwiceError(ValueError):
    pass


def _once(pairs: list[tuple[str, object]]) -> dict:
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
    """What the JSON says. Raises ValueError or RecursionError, also for a key twice and NaN."""
    return DECODER.decode(text)


def rows_of_lines(lines: Sequence[str | LineError]) -> Rows:
    """A row for each line that is not blank."""
    return [
        (number, line if isinstance(line, LineError) else _row(line))
        for number, line in enumerate(lines, start=1)
        if isinstance(line, LineError) or line.strip()
    ]


def _row(line: str) -> Row:
    try:
        row = FAST_DECODER.decode(line)
        # Each key is a quote and a colon; where there are more of them, one may be a key twice.
        if isinstance(row, dict) and len(KEYS.findall(line)) != _count_keys(row):
            row = DECODER.decode(line)
    except _TwiceError:
        return LineError(TWICE)
    except (ValueError, RecursionError) as error:
        return LineError("not a JSON object", str(error)[:60])
    return row if isinstance(row, dict) else LineError("not a JSON object")


def _count_keys(value: dict | list) -> int:
    count, inner = 0, [value]
    for item in inner:  # which grows
        if isinstance(item, dict):
            count += len(item)
            item = item.values()
        inner += [below for below in item if isinstance(below, dict | list)]
    return count


def array_of(lines: Sequence[str | LineError]) -> list[tuple[int, object]] | None:
    """The elements of a file that is one JSON array, each with its line; None where it is none."""
    first = next((line for line in lines if not isinstance(line, str) or line.strip()), "")
    if not isinstance(first, str) or not first.lstrip().startswith("["):
        return None
    if any(isinstance(line, LineError) for line in lines):
        return None
    text = "\n".join(lines)
    elements: list[tuple[int, object]] = []
    position = text.index("[") + 1
    seen, number = 0, 1
    try:
        while True:
            position = _skip(text, position)
            if not elements and text[position] == "]":
                break
            number += text.count("\n", seen, position)
            seen = position
            element, position = DECODER.raw_decode(text, position)
            elements.append((number, element))
            position = _skip(text, position)
            if text[position] == "]":
                break
            if text[position] != ",":
                return None
            position += 1
    except (ValueError, IndexError, RecursionError):
        return None
    return None if text[position + 1 :].strip() else elements


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n":
        position += 1
    return position


def without_left_out(rows: Rows, noted: Counter) -> Rows:
    """The rows that somebody stands by; the others are counted by what is said of them."""
    kept = []
    for number, row in rows:
        said = _left_out(row) if isinstance(row, dict) else ""
        if said:
            noted[f"rows were left out, since they say {said}"] += 1
        else:
            kept.append((number, row))
    return kept


def _left_out(row: dict) -> str:
    for key, values in LEFT_OUT_VALUES.items():
        value = row.get(key)
        if isinstance(value, str) and value.strip().lower() in values:
            return f'"{key}": "{value.strip()}"'
    for key in LEFT_OUT_WHERE_TRUE:
        if row.get(key) is True:
            return f'"{key}": true'
    for key in LEFT_OUT_WHERE_FALSE:
        if row.get(key) is False:
            return f'"{key}": false'
    for key in LEFT_OUT_WHERE_NONE:
        if row.get(key) == 0 and row[key] is not False:
            return f'"{key}": 0'
    answers = [key for key in ANSWERS if key in row]
    if answers and all(row[key] is None for key in answers):
        return f'"{answers[0]}": null'
    return ""
