"""The shape of a split's JSON, told from its first objects: where sentences and their parts lie."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from job.corpus.formats.json_rows.decoding.values import Object, Value
from job.corpus.formats.json_rows.offsets.marked import Unit
from job.corpus.formats.json_rows.shape import names
from job.corpus.formats.json_rows.shape.fields import (
    Keys,
    Named,
    Roles,
    UsualKeys,
    dotted,
    flat,
    value_at,
)
from job.corpus.formats.json_rows.shape.kinds import as_row, is_mentions, mentions_in, words_of
from job.corpus.formats.json_rows.shape.names import plain
from job.corpus.formats.json_rows.shape.roles import Example, find_roles
from job.corpus.formats.json_rows.tokens import may_be_tagged
from job.corpus.formats.text_lines import LineError
from job.errors import DataError

DEEPEST = 40  # objects and lists within each other, in which sentences are looked for
AT_MOST = 50  # elements of a list that are looked at
USUAL = 0.8  # of the mentions, whose keys the others ought to have
SHARE = 0.8  # of the mentions, that a text of an unknown name must hold


@dataclass
class Shape:
    """Where sentences lie (the keys that lead to them), and the keys of their parts.

    `roles` are those of mentions by their keys; `by_type` are lists in which mentions lie by types.
    """

    locations: set[Keys] = field(default_factory=set)
    texts: tuple[Keys, ...] = ()
    spans: tuple[Keys, ...] = ()
    named: Named = field(default_factory=Named)
    roles: dict[tuple[Keys, ...], Roles] = field(default_factory=dict)
    by_type: set[Keys] = field(default_factory=set)
    file: str = ""
    usual: frozenset[Keys] = frozenset()  # keys of roles that nearly all mentions have
    known: frozenset[Keys] = frozenset()  # all keys of such mentions
    rare: set[tuple[Keys, ...]] = field(default_factory=set)
    usual_keys: dict[tuple[str, ...], UsualKeys] = field(default_factory=dict)

    def roles_of(self, mention: dict[Keys, object], text: str) -> Roles:
        """Of a mention, flat. Raises DataError where two keys can be one role.

        Raises LineError where a rare mention has another key in place of one that all others have:
        it is a damaged name, and what it holds would go unproven.
        """
        signature = tuple(mention)
        if (self.usual and signature in self.rare) or signature not in self.roles:
            missing = self.usual - set(signature)
            if missing and set(signature) - self.known:
                shown = ", ".join(f"`{dotted(keys)}`" for keys in sorted(missing))
                raise LineError("a mention whose keys differ from all others'", f"no {shown}")
        if signature not in self.roles:
            self.roles[signature] = find_roles([(mention, text)], self.named, self.file)
        return self.roles[signature]

    def said(self, unit: Unit) -> str:
        """The value of CORPUS_FIELDS that says the same; empty for our own keys."""
        if self.texts == (("text",),) and self.spans == (("spans",),) and not self.roles:
            return ""
        if not (self.texts and self.spans):
            return ""
        parts = [f"text={dotted(self.texts[0])}", f"spans={dotted(self.spans[0])}"]
        if self.spans[0] not in self.by_type:  # which have no keys of their own
            parts += [said for roles in list(self.roles.values())[:1] for said in roles.said()]
        if unit.inclusive:
            parts.append("ends=inclusive")
        return ",".join([*parts, f"offsets={unit.field}"])


@dataclass
class _Seen:
    """An object that may be a sentence: its texts and its lists of mentions by their keys."""

    texts: dict[Keys, str] = field(default_factory=dict)
    lists: dict[Keys, list] = field(default_factory=dict)
    by_type: set[Keys] = field(default_factory=set)


def survey(values: Iterable[Value], named: Named, file: str) -> Shape:
    """The shape that most of the objects have. Raises DataError where it cannot be told."""
    shape = Shape(named=named, file=file)
    seen: list[_Seen] = []
    for value in values:
        location = tuple(key for key in value.path if isinstance(key, str))
        _visit(location, value.value, shape, seen, 0)
    shape.spans = _choose_spans(seen, shape)
    shape.by_type = {keys for row in seen for keys in row.by_type}
    shape.texts = _choose_texts(seen, shape)
    examples: dict[tuple[Keys, ...], list[Example]] = defaultdict(list)
    for row in seen:
        text = next((row.texts[keys] for keys in shape.texts if keys in row.texts), "")
        for keys in shape.spans:
            for mention in mentions_in(row.lists.get(keys, ())):
                if isinstance(mention, dict):
                    found = flat(mention)
                    examples[tuple(found)].append((found, text))
    for signature, of_it in examples.items():
        shape.roles[signature] = find_roles(of_it, named, file)
    _look_for_rare(shape, {signature: len(of_it) for signature, of_it in examples.items()})
    return shape


def _look_for_rare(shape: Shape, counts: dict[tuple[Keys, ...], int]) -> None:
    """Notes the keys that nearly all mentions have, and which mentions are not like them."""
    if not counts:
        return
    usual = max(counts, key=lambda signature: counts[signature])
    if counts[usual] < USUAL * sum(counts.values()):
        return
    roles = shape.roles[usual]
    given = (roles.start, roles.end, roles.mention, *roles.type)
    shape.usual = frozenset(keys for keys in given if keys)
    shape.known = frozenset(usual)
    shape.rare = set(counts) - {usual}


def _visit(location: Keys, value: object, shape: Shape, seen: list[_Seen], depth: int) -> bool:
    """Looks for sentences in the value, the innermost first. True where there are any."""
    row = as_row(value)
    if row is None:
        if not isinstance(value, list) or depth > DEEPEST:
            return False
        inside = [_visit(location, v, shape, seen, depth + 1) for v in value[:AT_MOST]]
        return any(inside)
    if depth > DEEPEST:
        return False
    inner = [
        _visit((*location, key), child, shape, seen, depth + 1)
        for key, child in row.items()
        if isinstance(child, dict | list)
        and not is_mentions(child, key)
        and plain(key) not in names.OTHERS
    ]
    if any(inner):
        return True
    if any(plain(key) in names.START and type(child) is int for key, child in row.items()):
        return False  # a mention
    found = _Seen()
    _collect(row, (), found, shape.named.spans)
    if shape.named.text and isinstance(text := value_at(row, shape.named.text), str):
        found.texts[shape.named.text] = text
    is_sentence = (found.texts and found.lists) or may_be_tagged(row)
    if is_sentence:
        shape.locations.add(location)
        seen.append(found)
    return bool(is_sentence)


def _collect(row: Object, before: Keys, found: _Seen, named: Keys | None, *, deep: int = 0) -> None:
    """The texts and lists of an object, and of those within it."""
    for key, value in row.items():
        keys = (*before, key)
        if isinstance(value, str):
            found.texts[keys] = value
        elif not isinstance(value, dict | list) or (plain(key) in names.OTHERS and keys != named):
            continue
        elif keys == named or is_mentions(value, key):
            found.lists[keys] = mentions_in(value)
            if isinstance(value, dict):
                found.by_type.add(keys)
        elif deep < 4:
            _collect_below(value, keys, found, named, deep + 1)


def _collect_below(
    value: dict | list, keys: Keys, found: _Seen, named: Keys | None, deep: int
) -> None:
    if isinstance(value, dict):
        _collect(value, keys, found, named, deep=deep)
        return
    for element in value[:AT_MOST]:  # one a person who annotated it
        if isinstance(element, dict):
            below = _Seen()
            _collect(element, keys, below, named, deep=deep)
            for inner, mentions in below.lists.items():
                found.lists.setdefault(inner, []).extend(mentions)


def _choose_spans(seen: Sequence[_Seen], shape: Shape) -> tuple[Keys, ...]:
    if shape.named.spans:
        return (shape.named.spans,)
    counts = Counter(keys for row in seen for keys in row.lists)
    filled = Counter(keys for row in seen for keys, found in row.lists.items() if found)
    known = [keys for keys in counts if plain(keys[-1]) in names.SPANS]
    if known:
        inner = {keys[:n] for keys in known for n in range(1, len(keys))}
        chosen = [keys for keys in known if keys not in inner]
        return tuple(sorted(chosen, key=lambda keys: names.SPANS[plain(keys[-1])]))
    if len(filled) > 1:
        shown = " and ".join(f"`{dotted(keys)}`" for keys in filled)
        raise DataError(
            f"{shape.file}: {shown} can each be the mentions; say which by "
            f"CORPUS_FIELDS=spans={dotted(next(iter(filled)))}."
        )
    return tuple(filled)


def _choose_texts(seen: Sequence[_Seen], shape: Shape) -> tuple[Keys, ...]:
    if shape.named.text:
        return (shape.named.text,)
    if not shape.spans:
        return ()  # rows with tokens know their texts
    seen = [row for row in seen if not row.lists.keys().isdisjoint(shape.spans)]
    proven: Counter[Keys] = Counter()
    mentions = 0
    for row in seen:
        words = [list(words_of(m)) for keys in shape.spans for m in row.lists.get(keys, ())]
        mentions += sum(map(bool, words))
        for keys, text in row.texts.items():
            bare = "".join(text.split())
            proven[keys] += sum(any(word in bare for word in found) for found in words)
    known = [keys for keys in proven if plain(keys[-1]) in names.TEXT]
    if not known:
        sure = [k for k in proven if mentions and proven[k] >= SHARE * mentions]
        if len(sure) > 1:
            raise _two_texts(sure, shape)
        return tuple(sure)
    known.sort(key=lambda k: (-proven[k], len(k), names.TEXT[plain(k[-1])]))
    best = known[0]
    beside = {
        k for row in seen if best in row.texts for k in row.texts if row.texts[k] != row.texts[best]
    }
    rivals = [
        k for k in known[1:] if k in beside and proven[k] == proven[best] and len(k) == len(best)
    ]
    if rivals and not any(may_lead(best, k) for k in rivals):
        raise _two_texts([best, *rivals], shape)
    return (best, *(k for k in known[1:] if k not in beside))


def may_lead(best: Keys, other: Keys) -> bool:
    """Whether the name says by itself that it is the text, beside the other."""
    strong = ("text", "sentence", "form")
    return plain(best[-1]) in strong and plain(other[-1]) not in strong


def _two_texts(found: Sequence[Keys], shape: Shape) -> DataError:
    shown = " and ".join(f"`{dotted(keys)}`" for keys in found[:3])
    return DataError(
        f"{shape.file}: {shown} can each be the text; say which by "
        f"CORPUS_FIELDS=text={dotted(found[0])}."
    )
