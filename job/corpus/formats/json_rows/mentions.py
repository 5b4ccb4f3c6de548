"""A record with a text and mentions → the spans as they were written, and the words they name."""

import json
from collections.abc import Sequence
from functools import lru_cache

from job.corpus.formats.bio_tags import bad_type
from job.corpus.formats.json_rows.decoding.window import Object
from job.corpus.formats.json_rows.left_out import LeftOutError, left_out
from job.corpus.formats.json_rows.offsets.marked import Marked
from job.corpus.formats.json_rows.placing import place_words
from job.corpus.formats.json_rows.shape.fields import (
    Keys,
    Roles,
    UsualKeys,
    dotted,
    flat,
    value_at,
)
from job.corpus.formats.json_rows.shape.kinds import mentions_in
from job.corpus.formats.json_rows.shape.survey import Shape
from job.corpus.formats.json_rows.strings import is_text
from job.corpus.formats.text_lines import LineError
from job.sentence import Span, is_type

NO_SPAN = "a span is not [start, end, type]"
NOTHING = "no text and spans, nor tokens and ner_tags"
TWO_ANSWERS = "two lists of spans that differ"
TWO_LABELS = "a span with several labels"
DISAGREE = "annotators disagree"
OF_OTHER_TASKS = frozenset(
    ("relation", "choices", "textarea", "rating", "pairwise", "number", "taxonomy")
)


def has_spans(row: Object, shape: Shape) -> bool:
    """Whether the row has a list of mentions where others have theirs."""
    return any(isinstance(row.get(keys[0]), list | dict) for keys in shape.spans)


def read_spans(row: Object, shape: Shape, *, absent_is_empty: bool) -> Marked:
    """The row's text and its spans as they were written. Raises LineError and LeftOutError."""
    text = text_of(row, shape)
    answers: list[list] = []
    for keys in shape.spans:
        answers += _answers(row, keys)
    if not (is_text(text) and (answers or absent_is_empty)):
        found = ", ".join(f"`{key}`"[:40] for key in row) or "nothing"
        raise LineError(NOTHING, f"the row has {found}")
    if not text.strip():
        raise LineError("empty sentence")
    if not answers:
        return Marked(text, absent=True)
    filled = [answer for answer in answers if answer] or answers[:1]
    if any(answer != filled[0] for answer in filled[1:]):
        shown = [f"`{dotted(keys)}`" for keys in shape.spans if value_at(row, keys)]
        raise LineError(TWO_ANSWERS, " and ".join(shown))
    return read_mentions(text, filled[0], shape)


def text_of(row: Object, shape: Shape) -> str | None:
    for keys in shape.texts:
        text = row.get(keys[0]) if len(keys) == 1 else value_at(row, keys)
        if isinstance(text, str):
            return text
    return None


def _answers(row: Object, keys: Keys) -> list[list]:
    """The lists of mentions that the keys lead to: one, or none. Raises where persons disagree."""
    value: object = row
    for depth, key in enumerate(keys):
        if isinstance(value, list):
            return _agreed(value, keys[depth:], ".".join(keys[:depth]))
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return [mentions_in(value)]
    return [value] if isinstance(value, list) else []


def _agreed(answers: list, keys: Keys, name: str) -> list[list]:
    """What all annotators say, or the one whose answer is the ground truth."""
    owners = [answer for answer in answers if isinstance(answer, dict)]
    used = [owner for owner in owners if not left_out(owner)]
    if not used:
        raise LeftOutError(left_out(owners[0]) if owners else f'"{name}": []')
    used = [owner for owner in used if owner.get("ground_truth") is True] or used
    said = [found for owner in used for found in _answers(owner, keys)]
    different = {_comparable(answer) for answer in said}
    if len(different) > 1:
        raise LineError(DISAGREE, f"{len(said)} annotations, {len(different)} different answers")
    return said[:1]


def _comparable(answer: list) -> str:
    """The answer without the ids of its mentions, in order."""
    kept = []
    for mention in answer:
        if not isinstance(mention, dict):
            kept.append(json.dumps(mention))
        elif not _of_other_task(mention):
            values = {k: v for k, v in mention.items() if k not in ("id", "origin", "score")}
            kept.append(json.dumps(values, sort_keys=True))
    return "\n".join(sorted(kept))


def _of_other_task(mention: Object) -> bool:
    """Whether a result of Label Studio is a relation, a choice, or the like."""
    return (
        mention.get("type") in OF_OTHER_TASKS
        and not {"start", "begin"} & mention.keys()
        and ("from_name" in mention or "from_id" in mention)
    )


class _Found:
    """The mentions of a text that were read so far: those with a span, and the words without."""

    __slots__ = ("mentions", "spans", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans: list[Span] = []
        self.mentions: list[str | None] = []
        self.words: list[tuple[str, str]] = []

    def add(self, span: Span, mention: str | None) -> None:
        self.spans.append(span)
        self.mentions.append(mention)


def read_mentions(text: str, mentions: Sequence, shape: Shape) -> Marked:
    """The mentions of a text as they were written; placed where they have no offsets."""
    triples = _triples(mentions)
    return Marked(text, triples) if triples is not None else _read_each(text, mentions, shape)


def _read_each(text: str, mentions: Sequence, shape: Shape) -> Marked:
    found = _Found(text)
    words = found.words
    for mention in mentions:
        if isinstance(mention, dict):
            if not _of_other_task(mention):
                _read_object(mention, shape, found)
        elif isinstance(mention, list) and len(mention) == 3:
            start, end, type_ = mention
            found.add(_span(start, end, type_, mention), None)
        elif isinstance(mention, list) and [type(part) for part in mention] == [str, str]:
            words.append(_word_and_type(mention, text))
        else:
            raise LineError(NO_SPAN, str(mention)[:60])
    if words:
        if found.spans:
            raise LineError("mentions with and without offsets", str(words[0][0])[:40])
        return Marked(text, tuple(place_words(text, words)), placed=True)
    return Marked.of(text, found.spans, found.mentions)


def _triples(mentions: Sequence) -> tuple[Span, ...] | None:
    """The spans, where each is [start, end, type], as they are in files of our own."""
    spans = []
    for mention in mentions:
        if not isinstance(mention, list) or len(mention) != 3:
            return None
        start, end, type_ = mention
        spans.append(_span(start, end, type_, mention))
    return tuple(spans)


def _word_and_type(pair: list, text: str) -> tuple[str, str]:
    """A pair of the mention and its type, in either order: only one is in the text."""
    inside = [part for part in pair if is_text(part) and part in text]
    if len(inside) != 1:
        raise LineError(NO_SPAN, str(pair)[:60])
    word, type_ = pair if pair[0] == inside[0] else reversed(pair)
    return word, _checked_type(type_)


def _span(start: object, end: object, type_: object, given: object) -> Span:
    # A bool is an int to Python, not to us.
    if type(start) is not int or type(end) is not int or not isinstance(type_, str):
        raise LineError(NO_SPAN, str(given)[:60])
    return Span(start, end, _known_type(type_))


def _read_object(mention: Object, shape: Shape, found: _Found) -> None:
    usual = shape.usual_keys.get(tuple(mention))
    if usual is not None and _read_usual(mention, usual, found):
        return
    simple = not any(
        isinstance(v, dict) or (isinstance(v, list) and v and isinstance(v[0], dict))
        for v in mention.values()
    )
    row: dict[Keys, object] = {(k,): v for k, v in mention.items()} if simple else flat(mention)
    roles = shape.roles_of(row, found.text)
    word = row.get(roles.mention) if roles.mention else None
    if not (word is None or is_text(word)):
        raise LineError(NO_SPAN, str(mention)[:60])
    type_ = _type_in(row, roles, mention)
    if roles.start is None:
        if roles.end is not None or not word:
            raise LineError(NO_SPAN, str(mention)[:60])
        found.words.append((word, _checked_type(type_)))
        return
    start, end = _bounds(row, roles)
    found.add(_span(start, end, type_, mention), word)
    if simple and (keys := roles.usual()):
        shape.usual_keys[tuple(mention)] = keys


def _read_usual(mention: Object, keys: UsualKeys, found: _Found) -> bool:
    """Reads what most mentions are: numbers, a string and perhaps a word. False for another one."""
    start, end, type_ = mention[keys.start], mention[keys.end], mention[keys.type]
    word = mention[keys.mention] if keys.mention is not None else None
    if type(start) is not int or type(end) is not int or type(type_) is not str:
        return False
    if not (word is None or (type(word) is str and "\0" not in word)):
        return False
    found.add(Span(start, end, _known_type(type_)), word)
    return True


def _bounds(row: dict[Keys, object], roles: Roles) -> tuple[object, object]:
    start = row.get(roles.start) if roles.start else None
    end = row.get(roles.end) if roles.end else None
    if roles.start == roles.end and isinstance(start, list) and len(start) == 2:
        return start[0], start[1]
    if roles.is_length and type(start) is int and type(end) is int:
        return start, start + end
    return start, end


def _type_in(row: dict[Keys, object], roles: Roles, mention: Object) -> object:
    parts = []
    for keys in roles.type:
        value = row.get(keys)
        if isinstance(value, list):
            if len(value) > 1:
                raise LineError(TWO_LABELS, ", ".join(map(str, value))[:60])
            value = value[0] if value else None
        if not isinstance(value, str):
            raise LineError(NO_SPAN, str(mention)[:60])
        parts.append(value)
    return "-".join(parts) if parts else None


def _checked_type(type_: object) -> str:
    if not isinstance(type_, str):
        raise LineError(NO_SPAN, str(type_)[:40])
    return _known_type(type_)


@lru_cache(maxsize=1000)
def _known_type(type_: str) -> str:
    """The type, where it can be one. Raises LineError."""
    if not is_text(type_) or not is_type(type_):
        raise bad_type(type_)
    return type_
