"""JSON Lines: `{"text", "spans": [[start, end, type], …]}`, or Hugging Face's `tokens`/`ner_tags`.

Offsets count Unicode code points and are half-open. A span may also be an object with `start`,
`end` and `label` or `type`. Where a row with tokens has a `sentence` or `text`, that is the text.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence

from job.lines import NUL, LineError, Rejected
from job.sentences import Sentence, Span
from job.tagged import IS_TYPE
from job.units import JOINED_AS, bad_type, choose_joiner, read_tags, read_units

SPANS = ("spans", "entities", "label")
TYPE_KEYS = ("type", "label", "tag")
TAG_KEYS = ("ner_tags", "tags", "labels")
TagNames = Callable[[], Sequence[str] | None]
NO_NAMES = "integer tags without names"


def looks_like_json(line: str) -> bool:
    return line.lstrip().startswith("{") and isinstance(_load(line), dict)


def parse_json_lines(
    lines: Sequence[str | LineError], find_tag_names: TagNames
) -> tuple[str, list[Sentence], list[Rejected], Counter]:
    """How it was read, the sentences, what was rejected, and how often what is worth a note.

    `find_tag_names` is asked only where tags are integers.
    """
    rows: list[tuple[int, dict | LineError]] = []
    for number, line in enumerate(lines, start=1):
        if isinstance(line, LineError):
            rows.append((number, line))
        elif line.strip():
            row = _load(line)
            rows.append((number, row if isinstance(row, dict) else LineError("not a JSON object")))
    tag_names = find_tag_names() if any(_has_integer_tags(row) for _, row in rows) else None
    tokens = [_tokens_and_tags(row, tag_names) for _, row in rows]
    with_tokens = [row for row in tokens if isinstance(row, tuple)]
    joiner = choose_joiner(unit for units, _ in with_tokens for unit in units)
    meaning = read_tags({tag for _, tags in with_tokens for tag in tags})
    sentences, rejected, noted = [], [], Counter()
    for (number, row), units_and_tags in zip(rows, tokens, strict=True):
        try:
            for problem in (row, units_and_tags):
                if isinstance(problem, LineError):
                    raise problem
            if units_and_tags is None:
                sentences.append(_read_spans(row, number))
                continue
            units, tags = units_and_tags
            carried = next((row[k] for k in ("sentence", "text") if _is_text(row.get(k))), None)
            tags = [meaning[tag] for tag in tags]
            sentences.append(read_units(units, tags, carried, joiner, number, noted))
        except LineError as error:
            rejected.append(Rejected(error.reason, number, error.detail))
    if not with_tokens:
        return "JSON Lines with text and spans", sentences, rejected, noted
    how = f"JSON Lines with tokens and tags, {JOINED_AS[joiner]} where no text is given"
    return how, sentences, rejected, noted


def _load(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _is_text(value: object) -> bool:
    """True for a string. Raises LineError for what only escapes can write: NUL, lone surrogates."""
    if not isinstance(value, str):
        return False
    if "\0" in value:
        raise LineError(NUL, f"character {value.index(chr(0)) + 1}")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        detail = f"\\u{ord(value[error.start]):04x} at character {error.start + 1}"
        raise LineError("lone surrogate", detail) from error
    return True


def _read_spans(row: dict, number: int) -> Sentence:
    key = next((key for key in SPANS if isinstance(row.get(key), list)), None)
    text = row.get("text")
    if key is None or not _is_text(text):
        found = ", ".join(f"`{key}`"[:40] for key in row) or "nothing"
        raise LineError("no text and spans, nor tokens and ner_tags", f"the row has {found}")
    if not text.strip():
        raise LineError("empty sentence")
    spans = sorted(_read_span(span, len(text)) for span in row[key])
    for left, right in itertools.pairwise(spans):
        if left.end > right.start:
            raise LineError("overlapping spans", f"{list(left)} and {list(right)}")
    return Sentence(text, tuple(spans), number)


def _read_span(span: object, length: int) -> Span:
    if isinstance(span, dict):
        type_ = next((span[key] for key in TYPE_KEYS if key in span), None)
        span = [span.get("start"), span.get("end"), type_]
    if not (isinstance(span, list) and len(span) == 3):
        raise LineError("a span is not [start, end, type]", str(span)[:60])
    start, end, type_ = span
    # A bool is an int to Python, not to us.
    if type(start) is not int or type(end) is not int or not _is_text(type_):
        raise LineError("a span is not [start, end, type]", str(span)[:60])
    if not 0 <= start < end <= length:
        raise LineError("a span outside its text", f"[{start}, {end}] of {length} characters")
    if not IS_TYPE(type_):
        raise bad_type(type_)
    return Span(start, end, type_)


def _has_integer_tags(row: dict | LineError) -> bool:
    if isinstance(row, LineError) or "tokens" not in row:
        return False
    values = [row.get(key) for key in TAG_KEYS]
    return any(isinstance(tags, list) and tags and type(tags[0]) is int for tags in values)


def _tokens_and_tags(
    row: dict | LineError, tag_names: Sequence[str] | None
) -> tuple[list[str], list[str]] | LineError | None:
    """None where the row has no tokens."""
    if isinstance(row, LineError) or "tokens" not in row:
        return None
    units = row["tokens"]
    key = next((key for key in TAG_KEYS if isinstance(row.get(key), list)), None)
    if key is None or not isinstance(units, list):
        return LineError("tokens without tags", f"neither of {', '.join(TAG_KEYS)} is a list")
    tags = row[key]
    if len(units) != len(tags):
        return LineError("tokens and tags differ in number", f"{len(units)} and {len(tags)}")
    if not units:
        return LineError("empty sentence")
    if all(type(tag) is int for tag in tags):
        if tag_names is None:
            return LineError(NO_NAMES)
        if not all(0 <= tag < len(tag_names) for tag in tags):
            return LineError("a tag without a name", f"{tags} with {len(tag_names)} names"[:80])
        tags = [tag_names[tag] for tag in tags]
    try:
        if not all(_is_text(value) for value in (*units, *tags)):
            return LineError("a token or tag is not a string")
    except LineError as error:
        return error
    return units, tags
