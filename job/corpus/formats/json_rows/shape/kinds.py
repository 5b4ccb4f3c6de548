"""The kinds of lists that mentions come in, and what looks like one."""

import itertools
from collections.abc import Iterable, Iterator

from job.corpus.formats.json_rows.decoding.window import LARGE, Object
from job.corpus.formats.json_rows.shape import names
from job.corpus.formats.json_rows.shape.fields import flat
from job.corpus.formats.json_rows.shape.names import plain

LOOKED_AT = 20


def as_row(value: object) -> Object | None:
    """The object; of spaCy's pair, a text and an object or list of its entities, the one it is."""
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str):
        text, rest = value
        if isinstance(rest, dict) and isinstance(rest.get("entities"), list):
            return {**rest, "text": text}
        if isinstance(rest, list) and rest and all(map(_is_triple, rest)):
            return {"text": text, "entities": rest}
    return None


def parts_entered(row: Object) -> list[str]:
    """The keys of parts that were too large to be decoded with the row, and may be a sentence's."""
    if LARGE not in row.values():
        return []
    entered = [key for key, value in row.items() if value is LARGE]
    return [key for key in entered if plain(key) not in names.OTHERS]


def is_mentions(value: object, key: str) -> bool:
    """Whether the value may be a list of mentions; an empty one is by its name."""
    known = plain(key) in names.SPANS
    if isinstance(value, dict):
        return known and _is_by_type(value)
    if not isinstance(value, list):
        return False
    if not value:
        return known
    if plain(key) in names.OTHERS:
        return False
    judged = (_is_mention(element, known) for element in value[:LOOKED_AT])
    return any(judged) if known else all(judged)


def _is_mention(element: object, known: bool) -> bool:
    if isinstance(element, list):
        return _is_triple(element) or (known and _is_pair_of_words(element))
    if not isinstance(element, dict):
        return False
    if any(_holds_mentions(key, value) for key, value in element.items()):
        return False  # a person's answer
    keys = flat(element)
    found = {plain(key[-1]) for key, value in keys.items() if not isinstance(value, dict)}
    has_type = bool(found & names.TYPES.keys())
    has_mention = bool(found & (names.MENTION.keys() - names.TYPES.keys()))
    begins = bool(found & (names.START.keys() | names.BOTH))
    ends = bool(found & (names.END.keys() | names.LENGTH.keys() | names.BOTH))
    if (has_type and (has_mention or begins)) or (begins and ends and known):
        return True
    numbers = [k for k, v in keys.items() if type(v) is int and not names.is_counter(k[-1])]
    words = [k for k, v in keys.items() if isinstance(v, str) and not names.is_counter(k[-1])]
    return (
        len(numbers) == 2
        and 1 <= len(words) <= 2
        and not isinstance(next(iter(element.values())), list)
    )


def _holds_mentions(key: str, value: object) -> bool:
    return (
        plain(key) in names.SPANS
        and isinstance(value, list)
        and any(isinstance(part, dict) for part in value)
    )


def _is_triple(element: object) -> bool:
    return isinstance(element, list) and [type(p) for p in element] == [int, int, str]


def _is_pair_of_words(element: list) -> bool:
    return [type(part) for part in element] == [str, str]


def _is_by_type(value: Object) -> bool:
    """`{TYPE: {mention: [[start, end]]}}` or `{TYPE: [mention, …]}`."""
    return all(
        (isinstance(found, dict) and all(map(_are_places, found.values())))
        or (isinstance(found, list) and all(_is_word_or_place(part) for part in found))
        for found in value.values()
    )


def _are_places(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_place, value))


def _is_place(value: object) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [int, int]


def _is_word_or_place(part: object) -> bool:
    return isinstance(part, str) or _is_place(part)


def mentions_in(value: object) -> list:
    """The mentions one by one, those by type as objects with `type`, `mention`, `start`, `end`."""
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return []
    return list(
        itertools.chain.from_iterable(_of_type(type_, found) for type_, found in value.items())
    )


def _of_type(type_: str, found: object) -> Iterable[Object]:
    if isinstance(found, dict):
        for mention, places in found.items():
            for start, end in places:
                yield {"start": start, "end": end, "type": type_, "mention": mention}
    elif isinstance(found, list):
        for part in found:
            if isinstance(part, str):
                yield {"type": type_, "mention": part}
            else:
                yield {"start": part[0], "end": part[1], "type": type_}


def words_of(mention: object) -> Iterator[str]:
    """The strings of a mention, without blanks, that may be its words."""
    if isinstance(mention, dict):
        for keys, value in flat(mention).items():
            if isinstance(value, str) and value and not names.is_counter(keys[-1]):
                yield "".join(value.split())
