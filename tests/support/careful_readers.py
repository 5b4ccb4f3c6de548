"""Readers of corpora that share no code with the job's: they give the sentences that a careful
person would read, and nothing where one would not."""

import json
import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

Spans = tuple[tuple[int, int, str], ...]
Read = tuple[str, Spans]


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
    return bool(text) and text.isprintable() and text.strip() == text


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
            if close > 0 and re.fullmatch(r"[^\s:<>]+", tagged[j + 1 : close]):
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
