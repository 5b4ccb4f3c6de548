"""The parts of a mention that is an object: its offsets, its type, and the words themselves."""

from collections.abc import Sequence

from job.corpus.formats.json_rows.shape import names
from job.corpus.formats.json_rows.shape.fields import Keys, Named, Roles, dotted
from job.corpus.formats.json_rows.shape.names import is_counter, plain
from job.errors import DataError

Example = tuple[dict[Keys, object], str]  # a mention, flat, and its text
SURE_NAMES = 5  # of the known ones, that are nothing else
PROVEN = 0.9  # of the mentions, that must be words of the text


def find_roles(examples: Sequence[Example], named: Named, file: str) -> Roles:
    """The roles of mentions that have the same keys. Raises DataError where two keys can be one."""
    keys = list(examples[0][0])
    mention = named.mention or _mention(examples, keys)
    start = named.start or _first(keys, names.START, examples)
    length = named.length or _first(keys, names.LENGTH, examples)
    end = named.end or _first(keys, names.END, examples)
    if start is None and end is None and length is None:
        start, end = _only_numbers(keys, examples)
    elif end is None and start is not None and _is_pair(examples[0][0][start]):
        end = start
    type_ = _type(examples, [key for key in keys if key != mention], named, file)
    return Roles(start, end or length, end is None and length is not None, type_, mention)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [int, int]


def _first(keys: Sequence[Keys], known: dict[str, int], examples: Sequence[Example]) -> Keys | None:
    """The likeliest of the known names that have a number, or a pair of them."""
    row = examples[0][0]
    found = [
        key
        for key in keys
        if plain(key[-1]) in known and (type(row[key]) is int or _is_pair(row[key]))
    ]
    if not found and known is names.START:
        found = [key for key in keys if plain(key[-1]) in names.BOTH and _is_pair(row[key])]
    return min(found, key=lambda key: known.get(plain(key[-1]), 0), default=None)


def _only_numbers(
    keys: Sequence[Keys], examples: Sequence[Example]
) -> tuple[Keys | None, Keys | None]:
    """Two keys of unknown names that alone have numbers, the first never above the second."""
    found = [key for key in keys if type(examples[0][0][key]) is int and not is_counter(key[-1])]
    if len(found) != 2:
        return None, None
    values = [(row[found[0]], row[found[1]]) for row, _ in examples]
    if all(isinstance(a, int) and isinstance(b, int) and a <= b for a, b in values):
        return found[0], found[1]
    return None, None


def _mention(examples: Sequence[Example], keys: Sequence[Keys]) -> Keys | None:
    """The key whose values are words of the texts; known names come first."""
    proven: dict[Keys, float] = {}
    for key in keys:
        values = [(row.get(key), text) for row, text in examples]
        given = [(value, text) for value, text in values if isinstance(value, str) and value]
        if given and not is_counter(key[-1]):
            inside = [_bare(value) in _bare(text) for value, text in given]
            proven[key] = sum(inside) / len(given)
    for key in keys:  # a number in place of the words is no mention, and says so when it is read
        if key not in proven and names.MENTION.get(plain(key[-1]), 9) < SURE_NAMES:
            proven[key] = 0.0
    known = [key for key in proven if plain(key[-1]) in names.MENTION and not _is_type(key, keys)]
    if known:
        return min(known, key=lambda key: (-proven[key], names.MENTION[plain(key[-1])]))
    sure = [
        key
        for key, share in proven.items()
        if share >= PROVEN and plain(key[-1]) not in names.TYPES and len(key[-1]) > 0
    ]
    return sure[0] if len(sure) == 1 and len(proven) > 1 else None


def _is_type(key: Keys, keys: Sequence[Keys]) -> bool:
    """Whether the key, such as `entity`, is the type where no other is."""
    if plain(key[-1]) not in names.TYPES:
        return False
    return not any(plain(other[-1]) in names.TYPES for other in keys if other != key)


def _bare(text: str) -> str:
    return "".join(text.split())


def is_type_value(value: object) -> bool:
    """Whether the value can be a type: a word, or a list of words."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(part, str) for part in value)
    return isinstance(value, str)


def _type(
    examples: Sequence[Example], keys: Sequence[Keys], named: Named, file: str
) -> tuple[Keys, ...]:
    if named.type:
        return _named_type(named.type, keys, file)
    row = examples[0][0]
    found = [key for key in keys if is_type_value(row[key])]
    known = [key for key in found if plain(key[-1]) in names.TYPES]
    if not known:
        rest = [key for key in found if not is_counter(key[-1])]
        return (rest[0],) if len(rest) == 1 else ()
    known = [key for key in known if _distinct(key, examples) > 1] or known
    lists = [key for key in known if isinstance(row[key], list)]
    known = lists or known
    best = min(names.TYPES[plain(key[-1])] for key in known)
    likeliest = [key for key in known if names.TYPES[plain(key[-1])] == best]
    if len(likeliest) > 1 and any(
        row[key] != row[likeliest[0]] for row, _ in examples for key in likeliest
    ):
        shown = " and ".join(f"`{dotted(key)}`" for key in likeliest)
        raise DataError(
            f"{file}: {shown} of a mention can each be its type; say which by "
            f"CORPUS_FIELDS=type={dotted(likeliest[0])}."
        )
    return (likeliest[0],)


def _distinct(key: Keys, examples: Sequence[Example]) -> int:
    return len({str(row.get(key)) for row, _ in examples})


def _named_type(named: str, keys: Sequence[Keys], file: str) -> tuple[Keys, ...]:
    """`Tagclass-TagCode` is one key, or the two joined."""
    by_name = {dotted(key): key for key in keys}
    if named in by_name:
        return (by_name[named],)
    parts = named.split("-")
    if all(part in by_name for part in parts):
        return tuple(by_name[part] for part in parts)
    raise DataError(
        f"{file}: CORPUS_FIELDS names the type `{named}`, but a mention has "
        f"{', '.join(f'`{name}`' for name in by_name)}; name one of them."
    )
