"""Corpora of every format with one random change, and the careful reader of each."""

import json
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.support.careful_readers import (
    Read,
    Spans,
    read_klue,
    read_spans,
    read_tokens,
    read_tutorial,
    read_words,
)

TYPES = ("PS", "LC", "OG", "DT")
NAMES = (
    "홍길동",
    "서울",
    "대한 대학교",
    "2020년",
    "7월 3일",
    "A-1",
    "이순신",
    "부산역",
    "☃",
    "a:b",
    "K",
)
PARTICLES = ("은", "에서", "의", "까지", "")
WORDS = (
    "그리고",
    "만났다",
    "3",
    "x<y",
    "꽃",
    "😀",
    "O",
    "갔다",
    "그런데",
    "#1",
    "아직",
    "…",
    "참",
    "오늘",
)
# What one insertion or replacement may bring: what means something in one of the formats, or hides.
ALPHABET = '<>:␞\t \u200b\ufeff\u00ad😀\u3000\\"[]{},.-_#0123BIESOUPLX가다\r\x07'


class Sentence(NamedTuple):
    words: tuple[str, ...]
    text: str
    spans: Spans


def made(rng: random.Random) -> Sentence:
    """A few words with some entities, of several words or before a particle."""
    parts: list[tuple[str, str]] = []
    for _ in range(rng.randint(2, 6)):
        if rng.random() < 0.45:
            parts.append((rng.choice(NAMES), rng.choice(TYPES)))
        else:
            parts.append((rng.choice(WORDS), ""))
    text, spans = "", []
    for part, type_ in parts:
        text += " " if text else ""
        if type_:
            spans.append((len(text), len(text) + len(part), type_))
            part += rng.choice(PARTICLES)
        text += part
    return Sentence(tuple(text.split(" ")), text, tuple(spans))


def marked(sentence: Sentence) -> str:
    parts, position = [], 0
    for start, end, type_ in sentence.spans:
        parts += [sentence.text[position:start], f"<{sentence.text[start:end]}:{type_}>"]
        position = end
    return "".join(parts) + sentence.text[position:]


def tagged_words(sentence: Sentence) -> list[tuple[str, str]]:
    """Each word with the tag of the entity that its first character lies in, as CoNLL's are."""
    rows, at = [], 0
    for word in sentence.words:
        tag = "O"
        for start, end, type_ in sentence.spans:
            if start <= at < end:
                tag = f"{'B' if start == at else 'I'}-{type_}"
        rows.append((word, tag))
        at += len(word) + 1
    return rows


def tagged_characters(sentence: Sentence) -> list[tuple[str, str]]:
    tags = ["O"] * len(sentence.text)
    for start, end, type_ in sentence.spans:
        tags[start:end] = [f"B-{type_}", *[f"I-{type_}"] * (end - start - 1)]
    return list(zip(sentence.text, tags, strict=True))


def tutorial(sentences: Sequence[Sentence]) -> str:
    return "".join(f"{s.text}␞{marked(s)}\n" for s in sentences)


def klue(sentences: Sequence[Sentence]) -> str:
    blocks = []
    for i, s in enumerate(sentences):
        rows = "".join(f"{character}\t{tag}\n" for character, tag in tagged_characters(s))
        blocks.append(f"## klue-ner-v1_train_{i:05d}-news\t{marked(s)}\n{rows}\n")
    return "".join(blocks)


def conll(sentences: Sequence[Sentence]) -> str:
    return "".join(
        "".join(f"{word} {tag}\n" for word, tag in tagged_words(s)) + "\n" for s in sentences
    )


def naver(sentences: Sequence[Sentence]) -> str:
    def tag_of(tag: str) -> str:
        return "-" if tag == "O" else "_".join(reversed(tag.split("-")))

    return "".join(
        "".join(f"{i}\t{w}\t{tag_of(t)}\n" for i, (w, t) in enumerate(tagged_words(s), start=1))
        + "\n"
        for s in sentences
    )


def spans_of_json(sentences: Sequence[Sentence]) -> str:
    rows = ({"text": s.text, "spans": s.spans} for s in sentences)
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def mentions_of_json(sentences: Sequence[Sentence]) -> str:
    rows = (
        {
            "text": s.text,
            "entities": [
                {"start": a, "end": b, "label": type_, "text": s.text[a:b]}
                for a, b, type_ in s.spans
            ],
        }
        for s in sentences
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def tokens_of_json(sentences: Sequence[Sentence]) -> str:
    rows = (
        dict(zip(("tokens", "ner_tags"), zip(*tagged_words(s), strict=True), strict=True))
        for s in sentences
    )
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def changed(text: str, rng: random.Random, separator: str | None) -> str:
    """The file with one character, line or column inserted, dropped, replaced or swapped."""
    kinds = ["insert", "drop", "replace", "swap", "drop line", "swap lines", "double line"]
    kinds += ["drop column", "swap columns", "double column"] if separator else []
    kind = rng.choice(kinds)
    at = rng.randrange(len(text) - 1)
    if kind == "insert":
        return text[:at] + rng.choice(ALPHABET) + text[at:]
    if kind == "drop":
        return text[:at] + text[at + 1 :]
    if kind == "replace":
        return text[:at] + rng.choice(ALPHABET) + text[at + 1 :]
    if kind == "swap":
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    lines = text.split("\n")
    row = rng.randrange(len(lines) - 2)
    if kind == "drop line":
        del lines[row]
    elif kind == "swap lines":
        lines[row : row + 2] = reversed(lines[row : row + 2])
    elif kind == "double line":
        lines.insert(row, lines[row])
    else:
        cells = lines[row].split(separator)
        cell = rng.randrange(len(cells))
        if kind == "drop column":
            del cells[cell]
        elif kind == "double column":
            cells.insert(cell, cells[cell])
        else:
            cells[cell - 1], cells[cell] = cells[cell], cells[cell - 1]
        lines[row] = separator.join(cells)
    return "\n".join(lines)


class Format(NamedTuple):
    write: Callable[[Sequence[Sentence]], str]
    read: Callable[[str], dict[int, Read]]
    separator: str | None  # of columns, where the format has some


FORMATS = {
    "tutorial": Format(tutorial, read_tutorial, "␞"),
    "klue": Format(klue, read_klue, "\t"),
    "conll": Format(conll, lambda data: read_words(data, " ", 2), " "),
    "naver": Format(naver, lambda data: read_words(data, "\t", 3), "\t"),
    "spans": Format(spans_of_json, read_spans, ", "),
    "mentions": Format(mentions_of_json, read_spans, ", "),
    "tokens": Format(tokens_of_json, read_tokens, ", "),
}
