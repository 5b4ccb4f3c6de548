"""The text in a row of JSON Lines, which may carry fields of its own beside it."""

import json
from functools import partial

from job.errors import DataError

KEYS_SHOWN = 8
LABELS = ("spans", "entities", "label", "ner_tags")  # of a corpus, where they are lists


def json_text(line: str, where: str) -> tuple[str, bool]:
    """The text of a row, and whether the row has labels. Raises DataError."""
    try:
        row = json.loads(line, object_pairs_hook=partial(_once, where))
    except (ValueError, RecursionError) as error:
        raise _no_text(where, f"is not a JSON object ({type(error).__name__})") from error
    if not isinstance(row, dict):
        raise _no_text(where, "is not a JSON object")
    text = row.get("text")
    if text is not None and not isinstance(text, str):
        given = f"{json.dumps(text, ensure_ascii=False):.40}"
        raise _no_text(where, f'is not a JSON object with a text in "text" but with {given}')
    if text is None:
        keys = ", ".join(map(repr, list(row)[:KEYS_SHOWN])) or "none"
        raise _no_text(where, f'is not a JSON object with a text in "text" (its keys: {keys})')
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise _no_text(where, 'is not a JSON object with a "text" in Unicode') from error
    return text, any(row.get(key) and isinstance(row[key], list) for key in LABELS)


def _once(where: str, pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object, each of whose keys stands in it once: of two values one would be lost."""
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{where} has {twice!r} twice; leave one of them out.")
    return row


def _no_text(where: str, what: str) -> DataError:
    return DataError(f'{where} {what}; give one {{"text": …}} a line.')
