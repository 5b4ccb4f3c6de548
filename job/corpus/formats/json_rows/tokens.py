"""Rows with tokens and a tag for each, and perhaps the text that the tokens spell."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeGuard

from job.corpus.formats.bio_tags import looks_like_tag
from job.corpus.formats.json_rows.decoding.window import Object
from job.corpus.formats.json_rows.left_out import TAGS
from job.corpus.formats.json_rows.strings import is_text
from job.corpus.formats.markup import MARKUP
from job.corpus.formats.text_lines import LineError

BETWEEN = "\0"  # which neither a token nor a tag can hold
NO_NAMES = "integer tags without names"
TWO_TAGGINGS = "two lists of tags that differ"
TEXTS = ("sentence", "text")
UNITS = ("tokens", "words", "units", "characters", "chars", "tokenized_text", "token", "word")
ALL_TAGS = (*TAGS, "ner", "ne_tags", "bio", "bio_tags", "ner_labels", "label", "tag", "iob")
WORD_KEYS = ("text", "word", "token", "form", "orth", "surface", "value")
ALL_TAGS_OF_ONE = ("ner", "ner_tag", "tag", "label", "bio", "ne", "iob", "entity")


@dataclass(slots=True)
class Tagged:
    """Tokens, their tags as they were written, and the text that carries them.

    They wait until all rows are read, so tokens are kept as one string, and tags. `markups`: key →
    the same text, marked up; None where it has no markup. Tokens that are lemmas do not spell the
    text, so only `<홍길동:PS>은` says where an entity stands.
    """

    joined_units: str
    joined_tags: str
    carried: str | None
    markups: Mapping[str, str | None]

    @property
    def units(self) -> list[str]:
        return self.joined_units.split(BETWEEN)

    @property
    def tags(self) -> list[str]:
        return self.joined_tags.split(BETWEEN)

    def marked_up(self, key: str) -> str | None:
        """The text as it stands there, if it does."""
        return self.markups[key] or self.carried if key in self.markups else None


class Cut(Sequence[list[str]]):
    """The tokens of many rows, cut apart only when they are looked at."""

    def __init__(self, joined: Sequence[str]) -> None:
        self.joined = joined

    def __len__(self) -> int:
        return len(self.joined)

    def __getitem__(self, at: Any) -> Any:
        return self.joined[at].split(BETWEEN)


def _texts(value: object) -> list[str] | None:
    """The list, where it is one of strings."""
    is_such = isinstance(value, list) and set(map(type, value)) <= {str}
    return value if isinstance(value, list) and is_such else None


def as_tagged(row: Object) -> Object:
    """The row with `tokens` and tags, however it has them.

    They may be called otherwise, be objects with a tag each, be characters of the text, or stand in
    one string with blanks between.
    """
    if "tokens" in row and has_tags(row):
        return row
    key = next((key for key in UNITS if _texts(row.get(key))), None)
    for name in ALL_TAGS:
        tags = row.get(name)
        units: object = row[key] if key else None
        if isinstance(tags, str) and all(map(looks_like_tag, tags.split())):
            tags = tags.split()
        if not _are_tags(tags):
            continue
        text = _text_of(row) if units is None else None
        if text is not None:
            units = list(text) if len(text) == len(tags) else text.split()
        if isinstance(units, list) and (key or len(units) == len(tags)):
            kept = {k: row[k] for k in TEXTS if isinstance(row.get(k), str) and text is not None}
            return {"tokens": units, "ner_tags": tags, **kept}
    return _of_objects(row) or row


def _are_tags(tags: object) -> TypeGuard[list]:
    if not isinstance(tags, list) or not tags:
        return False
    return set(map(type, tags)) == {int} or (
        _texts(tags) is not None and all(map(looks_like_tag, tags))
    )


def _of_objects(row: Object) -> Object | None:
    """Tokens that are objects, each with its word and its tag."""
    for key in UNITS:
        found = row.get(key)
        if not isinstance(found, list) or not found or not isinstance(found[0], dict):
            continue
        for word, tag in itertools.product(WORD_KEYS, ALL_TAGS_OF_ONE):
            pairs = [(u.get(word), u.get(tag)) for u in found if isinstance(u, dict)]
            if all(
                isinstance(w, str) and isinstance(t, str) and looks_like_tag(t) for w, t in pairs
            ):
                kept = {k: row[k] for k in TEXTS if isinstance(row.get(k), str)}
                return {"tokens": [w for w, _ in pairs], "ner_tags": [t for _, t in pairs], **kept}
    return None


def may_be_tagged(row: Object) -> bool:
    """Whether the row has tokens and tags."""
    row = as_tagged(row)
    return isinstance(row.get("tokens"), list) and has_tags(row)


def has_tags(row: Object) -> bool:
    """Whether a list of the row may be tags."""
    return any(isinstance(row.get(key), list) for key in TAGS)


def has_integer_tags(row: Object) -> bool:
    """Whether the row's tags are numbers that need names."""
    values = [row.get(key) for key in TAGS]
    return any(isinstance(tags, list) and tags and type(tags[0]) is int for tags in values)


def read_tokens(row: Object, tag_names: Sequence[str] | None, *, has_spans: bool) -> Tagged:
    """The row's tokens and tags. Raises LineError."""
    units, key = row["tokens"], _key_of_tags(row)
    tags = row[key] if key else None
    if not isinstance(tags, list) or not isinstance(units, list):
        raise LineError("tokens without tags", f"neither of {', '.join(TAGS)} is a list")
    if has_spans:
        raise LineError("tags and spans in one row", f"`{key}` and a list of spans; keep one")
    if len(units) != len(tags):
        raise LineError("tokens and tags differ in number", f"{len(units)} and {len(tags)}")
    if not units:
        raise LineError("empty sentence")
    if set(map(type, tags)) == {int}:
        tags = _named(tags, tag_names)
    if not _are_texts([*units, *tags]):
        raise LineError("a token or tag is not a string")
    text = _text_of(row)
    return Tagged(BETWEEN.join(units), BETWEEN.join(tags), text, _markups(row, text))


def _markups(row: Object, text: str | None) -> Mapping[str, str | None]:
    """Any name will do: without its markup the value must be the text, character for character."""
    found = {
        key: None if value == text else value
        for key, value in row.items()
        if isinstance(value, str)
        if value == text or (":" in value and MARKUP.sub(r"\1", value) == text)
    }
    return found if any(found.values()) else _plain(tuple(found))


@lru_cache(maxsize=1000)
def _plain(keys: tuple[str, ...]) -> Mapping[str, None]:
    """The keys of the text itself, once for all rows that have the same."""
    return dict.fromkeys(keys)


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


def _text_of(row: Object) -> str | None:
    carried = [text for key in TEXTS if is_text(text := row.get(key))]
    if len(carried) == 2 and ":" in "".join(carried):  # one of them may be the other, marked up
        carried = [text for text in carried if MARKUP.sub(r"\1", text) == text] or carried
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
