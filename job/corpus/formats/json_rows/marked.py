"""The key under which rows with tokens carry their text a second time, marked up.

Tokens that are lemmas do not spell the text, so only `<홍길동:PS>은` says where an entity stands.
"""

from collections import Counter

from job.corpus.formats.json_rows.rows import Row, Rows
from job.corpus.formats.markup import MARKUP

TEXTS = ("sentence", "text")


def marked_key(rows: Rows) -> str | None:
    """The one key whose value is the row's text with markup in it; None where none or several are.

    Any name will do: without its markup the value must be the text, character for character.
    """
    found = Counter(key for _, row in rows for key in _marked_keys(row))
    return next(iter(found)) if len(found) == 1 else None


def _marked_keys(row: Row) -> list[str]:
    if not isinstance(row, dict) or "tokens" not in row:
        return []
    texts = [row[key] for key in TEXTS if isinstance(row.get(key), str)]
    return [
        key
        for key, value in row.items()
        if isinstance(value, str) and ":" in value
        if MARKUP.search(value) and MARKUP.sub(r"\1", value) in texts
    ]
