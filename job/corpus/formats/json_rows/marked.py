"""The key under which rows with tokens carry their text a second time, marked up.

Tokens that are lemmas do not spell the text, so only `<홍길동:PS>은` says where an entity stands.
"""

from collections.abc import Iterable

from job.corpus.formats.markup import MARKUP

TEXTS = ("sentence", "text")


def marked_key(values: Iterable[object]) -> str | None:
    """The one key whose value is the row's text with markup in it; None where none or several are.

    Any name will do: without its markup the value must be the text, character for character.
    """
    found = {key for value in values for key in _marked_keys(value)}
    return next(iter(found)) if len(found) == 1 else None


def _marked_keys(row: object) -> list[str]:
    if not isinstance(row, dict) or "tokens" not in row:
        return []
    texts = [row[key] for key in TEXTS if isinstance(row.get(key), str)]
    return [
        key
        for key, value in row.items()
        if isinstance(value, str) and ":" in value
        if MARKUP.search(value) and MARKUP.sub(r"\1", value) in texts
    ]
