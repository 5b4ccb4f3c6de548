"""Rows with tokens and a tag for each, and perhaps the text that the tokens spell."""

from collections.abc import Sequence
from dataclasses import dataclass

from job.corpus.formats.bio_tags import looks_like_tag
from job.corpus.formats.json_rows.marked import TEXTS
from job.corpus.formats.json_rows.rows import TAGS, Object, Row, Rows
from job.corpus.formats.json_rows.spans import is_text, spans_of
from job.corpus.formats.text_lines import LineError

NO_NAMES = "integer tags without names"
TWO_TAGGINGS = "two lists of tags that differ"


@dataclass(slots=True)
class Tagged:
    """Tokens, their tags as they were written, the text that carries them, and that marked up."""

    units: list[str]
    tags: list[str]
    carried: str | None
    marked: str | None = None


def tokens_alone(rows: Rows) -> list[list[str]]:
    """The tokens of the rows that have tags and no text."""
    found = []
    for _, row in rows:
        units = _texts(row.get("tokens")) if isinstance(row, dict) else None
        if units and isinstance(row, dict):
            has_text = any(isinstance(row.get(key), str) for key in TEXTS)
            if not has_text and any(isinstance(row.get(key), list) for key in TAGS):
                found.append(units)
    return found


def _texts(value: object) -> list[str] | None:
    """The list, where it is one of strings."""
    is_such = isinstance(value, list) and set(map(type, value)) <= {str}
    return value if isinstance(value, list) and is_such else None


def has_tags(row: Object) -> bool:
    """Whether a list of the row may be tags."""
    return any(isinstance(row.get(key), list) for key in TAGS)


def has_integer_tags(row: Row) -> bool:
    """Whether the row's tags are numbers that need names."""
    if isinstance(row, LineError) or "tokens" not in row:
        return False
    values = [row.get(key) for key in TAGS]
    return any(isinstance(tags, list) and tags and type(tags[0]) is int for tags in values)


def read_tokens(
    row: Object, tag_names: Sequence[str] | None, marked_at: str | None = None
) -> Tagged:
    """The row's tokens and tags; `marked_at` is the key of the text marked up. Raises LineError."""
    units, key = row["tokens"], _key_of_tags(row)
    tags = row[key] if key else None
    if not isinstance(tags, list) or not isinstance(units, list):
        raise LineError("tokens without tags", f"neither of {', '.join(TAGS)} is a list")
    if spans_of(row):
        raise LineError("tags and spans in one row", f"`{key}` and a list of spans; keep one")
    if len(units) != len(tags):
        raise LineError("tokens and tags differ in number", f"{len(units)} and {len(tags)}")
    if not units:
        raise LineError("empty sentence")
    if set(map(type, tags)) == {int}:
        tags = _named(tags, tag_names)
    if not _are_texts([*units, *tags]):
        raise LineError("a token or tag is not a string")
    carried = _text_of(row, marked_at)
    marked = row.get(marked_at) if marked_at and carried is not None else None
    return Tagged(units, tags, carried, marked if is_text(marked) else None)


def _are_texts(values: list[object]) -> bool:
    """Whether all are strings. Raises LineError for what only escapes can write in one of them."""
    strings = [value for value in values if isinstance(value, str)]
    try:
        return is_text("".join(strings)) and len(strings) == len(values)
    except LineError:
        return all([is_text(value) for value in values])  # noqa: C419 - each is looked at


def _named(tags: list[int], names: Sequence[str] | None) -> list[str]:
    if names is None:
        raise LineError(NO_NAMES)
    if not all(0 <= tag < len(names) for tag in tags):
        raise LineError("a tag without a name", f"{tags} with {len(names)} names"[:80])
    return [names[tag] for tag in tags]


def _text_of(row: Object, marked_at: str | None) -> str | None:
    carried = [text for key in TEXTS if key != marked_at and is_text(text := row.get(key))]
    if len(set(carried)) > 1:
        raise LineError("two texts that differ", "`sentence` and `text`")
    return next(iter(carried), None)


def _key_of_tags(row: Object) -> str | None:
    """Where the tags are; an empty list beside a filled one is no answer. Raises LineError.

    Of two lists that can both be the tags none is taken; parts of speech beside them cannot.
    """
    lists = {key: tags for key in TAGS if isinstance(tags := row.get(key), list)}
    keys = [key for key, tags in lists.items() if tags] or list(lists)
    for key in keys[1:]:
        both = (*lists[keys[0]], *lists[key])
        could_be = all(isinstance(tag, str) and looks_like_tag(tag) for tag in both)
        if could_be and lists[key] != lists[keys[0]]:
            raise LineError(TWO_TAGGINGS, f"`{keys[0]}` and `{key}`")
    return keys[0] if keys else None
