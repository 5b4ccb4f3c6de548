"""Rows that an annotation tool marks as rejected, skipped, cancelled or not annotated.

They are no sentences: they are left out and counted.
"""

import json

from job.corpus.formats.json_rows.decoding.window import Object

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


class LeftOutError(Exception):
    """The row is no sentence; the message is the mark that says so."""


def left_out(row: Object) -> str:
    """The mark by which the row is left out; empty for one that is used."""
    if not row.keys().isdisjoint(LEFT_OUT):
        for key in LEFT_OUT:
            if said := _said(key, row.get(key)):
                return said
    if None not in row.values():
        return ""
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
