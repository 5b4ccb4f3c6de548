"""WebAnno's and INCEpTION's TSV 3: a token a row, with its offsets, and a column for each feature.

`1-5.1` is a part of token 5 of sentence 1; `LC[2]` in several rows is one entity; `_` says nothing
and `*` an annotation without a value; `|` stands between several. Offsets count the document in
UTF-16. https://webanno.github.io/webanno/releases/3.6.7/docs/user-guide.html#sect_webannotsv
"""

import itertools
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from job.corpus.formats.format import CERTAIN, Contents, CorpusFile, Format, Options, Score
from job.corpus.formats.json_rows.offsets.marked import CODE_POINTS, UTF_16, Marked, Unit
from job.corpus.formats.standoff.webanno_layers import (
    FORMAT_LINE,
    NO_VALUE,
    NOTHING,
    ROW,
    Feature,
    choose_feature,
    read_features,
)
from job.corpus.formats.text_lines import LineError
from job.sentence import Sentence, Span

TEXT_LINE = "#Text="
ESCAPED = re.compile(r"\\(.)", re.DOTALL)
MEANS = {"t": "\t", "n": "\n", "r": "\r"}
BETWEEN = re.compile(r"(?<!\\)((?:\\\\)*)\|")
NUMBERED = re.compile(r"(.*?)(?<!\\)\[(\d+)\]", re.DOTALL)
UNPROVEN = "offsets that do not give the row's token"


@dataclass(slots=True)
class Block:
    """A sentence: its `#Text=` lines, and its rows with the line of each."""

    line: int
    texts: list[str] = field(default_factory=list)
    rows: list[tuple[int, re.Match[str]]] = field(default_factory=list)
    error: LineError | None = None


class Mention(NamedTuple):
    """A value in the rows of a block, from and to which offset; `id` is 0 without a number."""

    start: int
    end: int
    value: str
    id: int


def _score(file: CorpusFile, _: Options) -> Score:
    if not file.data.removeprefix(b"\xef\xbb\xbf").startswith(FORMAT_LINE.encode()):
        return Score(0.0)
    return Score(CERTAIN, f"it begins with `{FORMAT_LINE.strip()}`")


def _read(files: Sequence[CorpusFile], options: Options) -> Contents:
    contents = Contents("", [], [])
    hows: dict[str, None] = {}
    for file in files:
        features, width = read_features(file)
        feature = choose_feature(file, features, options.fields.get("type"))
        hows.setdefault(f"WebAnno TSV, entities from {feature}")
        _read_file(file, feature, width, contents)
    contents.how = "; ".join(hows)
    return contents


def _read_file(file: CorpusFile, feature: Feature, width: int, contents: Contents) -> None:
    blocks = list(_blocks(file))
    unit = _choose_unit(blocks)
    read: list[tuple[str, list[Mention], int]] = []
    for block in blocks:
        try:
            read.append(_read_block(block, feature, width, unit))
        except LineError as error:
            block.error = block.error or error
            read.append(("", [], 0))
    _refuse_crossing(blocks, read)
    for block, (text, mentions, base) in zip(blocks, read, strict=True):
        try:
            if block.error:
                raise block.error
            spans = _spans(text, mentions, base, unit)
            contents.sentences.append(Sentence(text, spans, block.line, file.path, file.path))
        except LineError as error:
            contents.rejected.append(error.at(file.path, block.line))


def _blocks(file: CorpusFile) -> Iterator[Block]:
    block: Block | None = None
    for number, line in enumerate(file.lines, start=1):
        is_text = isinstance(line, str) and line.startswith(TEXT_LINE)
        ends = isinstance(line, str) and not line.strip()
        if block and (ends or (is_text and block.rows)):
            yield block
            block = None
        if ends or (isinstance(line, str) and line.startswith("#") and not is_text):
            continue
        block = block or Block(number)
        if isinstance(line, LineError):
            block.error = block.error or line
        elif is_text:
            block.texts.append(line.removeprefix(TEXT_LINE))
        elif match := ROW.fullmatch(line):
            block.rows.append((number, match))
        else:
            said = f"line {number}: `{line[:40]}`"
            block.error = block.error or LineError("a row that is none of WebAnno TSV", said)
    if block:
        yield block


def _choose_unit(blocks: Sequence[Block]) -> Unit:
    """UTF-16, as WebAnno counts, unless code points alone fit the tokens."""
    fits = {}
    for unit in (UTF_16, CODE_POINTS):
        fits[unit.name] = 0
        for block in blocks:
            try:
                _text(block, unit)
            except LineError:
                continue
            fits[unit.name] += 1
    return CODE_POINTS if fits[CODE_POINTS.name] > fits[UTF_16.name] else UTF_16


def _read_block(
    block: Block, feature: Feature, width: int, unit: Unit
) -> tuple[str, list[Mention], int]:
    """The text, its mentions in the document's offsets, and the offset at which the text begins."""
    if block.error:
        raise block.error
    text, base = _text(block, unit)
    _check_numbers(block)
    mentions: list[Mention] = []
    for number, row in block.rows:
        cells = (row[7] or "").split("\t")
        if cells[-1:] == [""] and len(cells) > width:
            cells.pop()
        if len(cells) != width:
            said = f"line {number}: {len(cells)} where the layers have {width}"
            raise LineError("a row with more or fewer columns than its layers", said)
        for value, id_ in _values(cells[feature.column]):
            mentions.append(Mention(int(row[4]), int(row[5]), value, id_))
    if any(mention.value == NO_VALUE for mention in mentions):
        raise LineError("an entity without a type", f"{feature} is `*`")
    return text, mentions, base


def _text(block: Block, unit: Unit) -> tuple[str, int]:
    """The text, and the offset at which it begins. Raises LineError where a token differs."""
    if not block.rows or not block.texts:
        raise LineError("a sentence without its `#Text=` or its rows")
    written = "\n".join(block.texts)
    error = None
    for text in dict.fromkeys((written, _unescaped(written))):
        first = block.rows[0][1]
        token = _unescaped(first[6])
        index = text.find(token)
        if index < 0:
            error = LineError(UNPROVEN, f"`{first[6][:20]}`")
            continue
        base = int(first[4]) - sum(map(unit.width, text[:index]) if unit.width else [index])
        try:
            _check_tokens(text, block, base, unit)
        except LineError as found:
            error = error or found
            continue
        return text, base
    assert error
    raise error


def _check_tokens(text: str, block: Block, base: int, unit: Unit) -> None:
    """Raises LineError where a row's offsets give another token, or no row has a word of it."""
    covered = 0
    for number, row in block.rows:
        start, end, _ = unit.convert(Marked(text), Span(int(row[4]) - base, int(row[5]) - base, ""))
        if text[start:end] not in (row[6], _unescaped(row[6])):
            said = f"line {number}: {row[4]}-{row[5]} gives `{text[start:end][:20]}`"
            raise LineError(UNPROVEN, f"{said}, not `{row[6][:20]}`")
        if text[covered:start].strip():
            break
        covered = max(covered, end)
    if left := text[covered:].strip():
        raise LineError("a text that its rows do not cover", f"`{left[:20]}` has no row")


def _check_numbers(block: Block) -> None:
    """Raises LineError where a row is missing, so that an entity could be."""
    tokens = [(int(row[1]), int(row[2])) for _, row in block.rows]
    before = (tokens[0][0], 0)
    for (number, row), token in zip(block.rows, tokens, strict=True):
        steps = (token[0] - before[0], token[1] - before[1])
        if steps not in (((0, 0), (0, 1)) if row[3] else ((0, 1),)):
            said = f"line {number}: {row[1]}-{row[2]} after {before[0]}-{before[1]}"
            raise LineError("a row whose number does not go on from that before it", said)
        before = token


def _values(cell: str) -> Iterator[tuple[str, int]]:
    """The values in a cell with the number of each, 0 where it has none."""
    if cell == NOTHING:
        return
    for part in BETWEEN.sub("\\1\0", cell).split("\0"):
        if part != NOTHING:
            numbered = NUMBERED.fullmatch(part)
            value, id_ = (numbered[1], int(numbered[2])) if numbered else (part, 0)
            yield value if value == NO_VALUE else _unescaped(value), id_


def _unescaped(text: str) -> str:
    return ESCAPED.sub(lambda match: MEANS.get(match[1], match[1]), text)


def _refuse_crossing(
    blocks: Sequence[Block], read: Sequence[tuple[str, list[Mention], int]]
) -> None:
    """Rejects the sentences that a numbered entity lies across."""
    where: dict[int, set[int]] = defaultdict(set)
    for i, (_, mentions, _) in enumerate(read):
        for mention in mentions:
            where[mention.id].add(i)
    for id_, indices in where.items():
        for i in indices if id_ and len(indices) > 1 else ():
            error = LineError("a mention that crosses sentences", f"number [{id_}]")
            blocks[i].error = blocks[i].error or error


def _spans(text: str, mentions: Sequence[Mention], base: int, unit: Unit) -> tuple[Span, ...]:
    """Raises LineError where the rows of an entity do not follow one another."""
    spans = []
    parts: dict[tuple[int, str], list[Mention]] = defaultdict(list)
    for i, mention in enumerate(mentions):
        parts[mention.id or -1 - i, mention.value].append(mention)
    for (_, value), rows in parts.items():
        placed = [
            unit.convert(Marked(text), Span(row.start - base, row.end - base, value))
            for row in rows
        ]
        for left, right in itertools.pairwise(placed):
            if text[left.end : right.start].strip():
                raise LineError("a discontinuous mention", f"{value} `{text[left.end :][:20]}`")
        spans.append(Span(placed[0].start, placed[-1].end, value))
    return tuple(sorted(spans))


WEBANNO = Format("WebAnno TSV", _score, _read, takes_fields=True)
