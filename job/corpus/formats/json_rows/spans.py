"""Rows with a text and a list of spans, in any of the shapes that tools write."""

from functools import lru_cache
from typing import TypeGuard

from job.corpus.formats.bio_tags import bad_type
from job.corpus.formats.json_rows.offsets import Marked
from job.corpus.formats.json_rows.rows import SPANS, Object
from job.corpus.formats.text_lines import NUL, LineError
from job.sentence import Span, is_type

TYPE_KEYS = ("type", "label", "tag")
MENTION_KEYS = ("text", "mention", "word", "surface", "surface_form", "form", "value", "entity")
NO_SPAN = "a span is not [start, end, type]"
TWO_ANSWERS = "two lists of spans that differ"


def is_text(value: object) -> TypeGuard[str]:
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


def spans_of(row: Object) -> list | None:
    """The list of spans; an empty one beside a filled one is no answer. Raises LineError."""
    lists = [spans for key in SPANS if isinstance(spans := row.get(key), list)]
    if len(lists) < 2:
        return lists[0] if lists else None
    filled = [spans for spans in lists if spans]
    if any(spans != filled[0] for spans in filled[1:]):
        keys = [key for key in SPANS if isinstance(row.get(key), list) and row[key]]
        raise LineError(TWO_ANSWERS, " and ".join(f"`{key}`" for key in keys))
    return [*filled, *lists][0]


def read_spans(row: Object) -> Marked:
    """The row's text and its spans as they were written. Raises LineError."""
    spans, text = spans_of(row), row.get("text")
    if spans is None or not is_text(text):
        found = ", ".join(f"`{key}`"[:40] for key in row) or "nothing"
        raise LineError("no text and spans, nor tokens and ner_tags", f"the row has {found}")
    if not text.strip():
        raise LineError("empty sentence")
    marked = Marked(text)
    for span in spans:
        placed, mention = _read_span(span)
        marked.spans.append(placed)
        marked.mentions.append(mention)
    return marked


def _read_span(span: object) -> tuple[Span, str | None]:
    mention: object = None
    fields = span
    if isinstance(span, dict):
        key = next((key for key in TYPE_KEYS if key in span), None)
        fields = [span.get("start"), span.get("end"), span[key] if key else _label_of(span)]
        mention = next((span[k] for k in MENTION_KEYS if span.get(k) is not None), None)
    if not (isinstance(fields, list) and len(fields) == 3):
        raise LineError(NO_SPAN, str(span)[:60])
    start, end, type_ = fields
    # A bool is an int to Python, not to us.
    if type(start) is not int or type(end) is not int or not isinstance(type_, str):
        raise LineError(NO_SPAN, str(span)[:60])
    is_type = _is_type(type_)
    if not (mention is None or is_text(mention)):
        raise LineError(NO_SPAN, str(span)[:60])
    if not is_type:
        raise bad_type(type_)
    return Span(start, end, type_), mention


@lru_cache(maxsize=1000)
def _is_type(text: str) -> bool:
    """Whether it can be an entity type. Raises LineError where it is no text."""
    return is_text(text) and is_type(text)


def _label_of(span: Object) -> object:
    """Label Studio's way to write a type: a list of one."""
    labels = span.get("labels")
    return labels[0] if isinstance(labels, list) and len(labels) == 1 else None
