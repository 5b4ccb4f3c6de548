"""Corpora of every format with one random change, and readers of them that share no code with the
job's: they give the sentences that a careful person would read, and nothing where one would not."""

import json
import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

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

Spans = tuple[tuple[int, int, str], ...]
Read = tuple[str, Spans]


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


# -- writing ------------------------------------------------------------------------------------


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


# -- one change ---------------------------------------------------------------------------------


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


# -- reading ------------------------------------------------------------------------------------


def _lines(data: str) -> list[str]:
    """Without the mark and the carriage return that a line may begin and end with."""
    whole = data.split("\n")
    return [line.removesuffix("\r").lstrip("\ufeff") for line in whole]


def _edge(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf")


def _trimmed(text: str, spans: Sequence[tuple[int, int, str]]) -> Spans | None:
    """None where a span holds nothing that is seen, or two overlap."""
    found = []
    for start, end, type_ in spans:
        while start < end and _edge(text[start]):
            start += 1
        while start < end and _edge(text[end - 1]):
            end -= 1
        if start == end:
            return None
        found.append((start, end, type_))
    found = sorted(set(found))
    if any(a[1] > b[0] for a, b in pairwise(found)):
        return None
    return tuple(found)


def _is_type(text: str) -> bool:
    return bool(text) and not re.search(r"[\s:<>]", text)


def _readings(text: str, tagged: str) -> list[Spans]:
    """Every way in which `tagged` is `text` with `<mention:TYPE>` in it."""
    found: list[Spans] = []

    def follow(i: int, j: int, opened: int, spans: Spans) -> None:
        if len(found) > 50:
            return
        if j == len(tagged):
            if i == len(text) and opened < 0:
                found.append(spans)
            return
        if i < len(text) and text[i] == tagged[j]:
            follow(i + 1, j + 1, opened, spans)
        if opened < 0 and tagged[j] == "<":
            follow(i, j + 1, i, spans)
        if 0 <= opened < i and tagged[j] == ":":
            close = tagged.find(">", j)
            if close > 0 and _is_type(tagged[j + 1 : close]):
                follow(i, close + 1, -1, (*spans, (opened, i, tagged[j + 1 : close])))

    follow(0, 0, -1, ())
    return list(dict.fromkeys(found))


def _paired(text: str, spans: Spans) -> bool:
    for start, end, _ in spans:
        depth = 0
        for character in text[start:end]:
            depth += (character == "<") - (character == ">")
            if depth < 0:
                return False
        if depth:
            return False
    return True


def _unmarked(text: str, tagged: str) -> Spans | None:
    readings = _readings(text, tagged)
    if len(readings) > 1:
        readings = [spans for spans in readings if _paired(text, spans)]
    return readings[0] if len(readings) == 1 else None


def read_tutorial(data: str) -> dict[int, Read]:
    read = {}
    for number, line in enumerate(_lines(data), start=1):
        parts = line.split("␞")
        if len(parts) != 2 or not parts[0].strip():
            continue
        parts[1] = parts[1].lstrip("\ufeff")
        spans = _unmarked(*parts)
        spans = None if spans is None else _trimmed(parts[0], spans)
        if spans is not None:
            read[number] = (parts[0], spans)
    return read


def _entities(tags: Sequence[str], suffixed: bool) -> list[tuple[int, int, str]] | None:
    """(first unit, one past the last, type); None where a tag is none."""
    entities: list[list] = []
    is_open = False
    for i, tag in enumerate(tags):
        if tag in ("O", "-"):
            is_open = False
            continue
        before = re.fullmatch(r"(?P<l>[BIESLUM])[-_](?P<t>.+)", tag)
        behind = re.fullmatch(r"(?P<t>.+)[-_](?P<l>[BIESLUM])", tag)
        match = (behind or before) if suffixed else (before or behind)
        if not match:
            return None
        letter, type_ = match["l"], match["t"]
        if not _is_type(type_):
            return None
        if is_open and letter not in "BSU" and entities[-1][2] == type_:
            entities[-1][1] = i + 1
        else:
            entities.append([i, i + 1, type_])
        is_open = letter not in "ESLU"
    return [tuple(entity) for entity in entities]


def _joined(
    units: Sequence[str], joiner: str, tags: Sequence[str], suffixed: bool = False
) -> Read | None:
    entities = _entities(tags, suffixed)
    if entities is None or not all(units):
        return None
    starts, at = [], 0
    for unit in units:
        starts.append(at)
        at += len(unit) + len(joiner)
    text = joiner.join(units)
    spans = [(starts[a], starts[b - 1] + len(units[b - 1]), type_) for a, b, type_ in entities]
    trimmed = _trimmed(text, spans)
    return None if trimmed is None or not text.strip() else (text, trimmed)


def _blocks(data: str) -> list[tuple[int, list[str]]]:
    blocks, rows, first = [], [], 0
    for number, line in enumerate([*_lines(data), ""], start=1):
        starts_anew = line.startswith("## ") and "\t" in line
        if (not line.strip() or starts_anew) and rows:
            blocks.append((first, rows))
            rows = []
        if line.strip():
            first = first if rows else number
            rows.append(line)
    return blocks


def _cells(row: str, separator: str, count: int) -> list[str] | None:
    row = row.rstrip(" \t")
    cells = row.split(separator) if separator == "\t" else re.split("[ \t]+", row)
    return cells if len(cells) == count else None


def read_klue(data: str) -> dict[int, Read]:
    read = {}
    for number, rows in _blocks(data):
        cells = [_cells(row, "\t", 2) for row in rows]
        header = rows[0] if rows[0].startswith("## ") and "\t" in rows[0] else ""
        cells = cells[1:] if header else cells
        if not cells or None in cells:
            continue
        units, tags = zip(*cells, strict=True)
        plain = _joined(units, "", tags)
        if plain is None:
            continue
        carried = header.split("\t", 1)[1] if header else plain[0]
        if carried != plain[0]:
            readings = [_trimmed(plain[0], spans) for spans in _readings(plain[0], carried)]
            if plain[1] not in readings:
                continue
        read[number] = plain
    return read


def read_words(data: str, separator: str, count: int) -> dict[int, Read]:
    read = {}
    for number, rows in _blocks(data):
        # What begins with a hash before the first unit and has no tag is a comment, and is counted.
        while rows and rows[0].startswith("#") and _entities([rows[0].split()[-1]], False) is None:
            number, rows = number + 1, rows[1:]
        cells = [_cells(row, separator, count) for row in rows]
        if None in cells or not cells:
            continue
        units, tags = [row[-2] for row in cells], [row[-1] for row in cells]
        sentence = _joined(units, " ", tags, suffixed=separator == "\t")
        if sentence is not None:
            read[number] = sentence
    return read


def _row(line: str) -> dict:
    """Nothing where the line is no object, or one that says a thing twice."""

    def once(pairs: list[tuple]) -> dict:
        return dict(pairs) if len(dict(pairs)) == len(pairs) else {}

    try:
        row = json.loads(line, object_pairs_hook=once)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def read_spans(data: str) -> dict[int, Read]:
    read = {}
    for number, line in enumerate(_lines(data), start=1):
        row = _row(line)
        text = row.get("text")
        spans = row.get("spans", row.get("entities"))
        if not isinstance(text, str) or not text.strip() or not isinstance(spans, list):
            continue
        found = []
        for span in spans:
            if isinstance(span, dict):
                start, end, type_ = (span.get(key) for key in ("start", "end", "label"))
                said = span.get("text")
            elif isinstance(span, list) and len(span) == 3:
                (start, end, type_), said = span, None
            else:
                break
            if not type(start) is type(end) is int or not isinstance(type_, str):
                break
            if not 0 <= start < end <= len(text) or not _is_type(type_):
                break
            if said is not None and (
                not isinstance(said, str) or said.strip() != text[start:end].strip()
            ):
                break
            found.append((start, end, type_))
        else:
            trimmed = _trimmed(text, found)
            if trimmed is not None:
                read[number] = (text, trimmed)
    return read


def read_tokens(data: str) -> dict[int, Read]:
    read = {}
    for number, line in enumerate(_lines(data), start=1):
        row = _row(line)
        units, tags = row.get("tokens"), row.get("ner_tags")
        if not isinstance(units, list) or not isinstance(tags, list) or len(units) != len(tags):
            continue
        if units and all(isinstance(value, str) for value in (*units, *tags)):
            sentence = _joined(units, " ", tags)
            if sentence is not None:
                read[number] = sentence
    return read


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
