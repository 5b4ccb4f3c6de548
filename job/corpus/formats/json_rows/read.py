"""JSON Lines: `{"text", "spans": [[start, end, type], …]}`, or Hugging Face's `tokens`/`ner_tags`.

Offsets count Unicode code points and are half-open; where spans name their mentions, these say in
which unit the file counts (`offsets`). A span may also be an object with `start`, `end` and
`label` or `type`. Where a row with tokens has a `sentence` or `text`, that is the text. A file that
is one array of such rows is read alike.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from job.corpus.formats.bio_tags import (
    JOINED_AS,
    bad_type,
    choose_joiner,
    looks_like_tag,
    read_tags,
    read_units,
)
from job.corpus.formats.json_rows.offsets import (
    CODE_POINTS,
    UNDECIDED,
    UTF_16,
    GivenSpan,
    Marked,
    Unit,
    choose_unit,
    convert,
)
from job.corpus.formats.json_rows.rows import (
    SPANS,
    TAGS,
    TWICE,
    Row,
    Rows,
    rows_of_lines,
    without_left_out,
)
from job.corpus.formats.text_lines import NUL, LineError, Rejected
from job.corpus.formats.tutorial import IS_TYPE
from job.sentence import Sentence

TYPE_KEYS = ("type", "label", "tag")
MENTION_KEYS = ("text", "mention", "word", "surface", "surface_form", "form", "value", "entity")
TagNames = Callable[[], Sequence[str] | None]
NO_NAMES = "integer tags without names"
NO_SPAN = "a span is not [start, end, type]"
TWO_ANSWERS = "two lists of spans that differ"
TWO_TAGGINGS = "two lists of tags that differ"


def looks_like_json(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    row = rows_of_lines([line])[0][1]
    return isinstance(row, dict) or row.reason == TWICE


def parse_json_rows(
    rows: Rows, find_tag_names: TagNames
) -> tuple[str, list[Sentence], list[Rejected], Counter]:
    """How they were read, the sentences, what was rejected, and how often what is worth a note.

    Spans are as they were written, in code points. `find_tag_names` is asked only where tags are
    integers.
    """
    noted: Counter = Counter()
    rows = without_left_out(rows, noted)
    tag_names = find_tag_names() if any(_has_integer_tags(row) for _, row in rows) else None
    read = [_read(row, tag_names) for _, row in rows]
    with_tokens = [row for row in read if isinstance(row, tuple)]
    joiner = choose_joiner(units for units, _, _ in with_tokens)
    meaning = read_tags({tag for _, tags, _ in with_tokens for tag in tags})
    marked = [row for row in read if isinstance(row, Marked)]
    unit, others = choose_unit(marked, _default_unit(rows))
    may_count_tokens = _may_count_tokens(rows, read)
    sentences, rejected = [], []
    for (number, _), row in zip(rows, read, strict=True):
        try:
            if isinstance(row, LineError):
                raise row
            if isinstance(row, Marked):
                if may_count_tokens and row.spans:
                    raise LineError(UNDECIDED, f"as {unit.name} or as tokens")
                sentences.append(Sentence(row.text, convert(row, unit, others), number))
                continue
            units, tags, carried = row
            tags = [meaning[tag] for tag in tags]
            sentences.append(read_units(units, tags, carried, joiner, number, noted))
        except LineError as error:
            rejected.append(Rejected(error.reason, number, error.detail))
    how = []
    if marked or not with_tokens:
        how.append("with text and spans")
    if unit is not CODE_POINTS and marked:
        how.append(f"whose offsets count {unit.name}")
    if with_tokens:
        how.append(f"with tokens and tags, {JOINED_AS[joiner]} where no text is given")
    return ", ".join(how), sentences, rejected, noted


def tokens_alone(rows: Rows) -> list[list[str]]:
    """The tokens of the rows that have tags and no text."""
    found = []
    for _, row in rows:
        units = row.get("tokens") if isinstance(row, dict) else None
        has_text = units and any(isinstance(row.get(key), str) for key in ("sentence", "text"))
        has_tags = units and any(isinstance(row.get(key), list) for key in TAGS)
        if has_tags and not has_text and all(isinstance(unit, str) for unit in units):
            found.append(units)
    return found


def _may_count_tokens(rows: Rows, read: Sequence[Marked | tuple | LineError]) -> bool:
    """Whether offsets that name no mention can all be places among the row's tokens.

    Worked example: `홍길동 은 서울` and [2, 3] beside its three tokens is `동` or `서울`.
    """
    spans = 0
    for (_, row), marked in zip(rows, read, strict=True):
        if not isinstance(marked, Marked) or not marked.spans:
            continue
        units = row.get("tokens")
        if not (isinstance(units, list) and all(isinstance(unit, str) for unit in units)):
            return False
        if any(s.mention is not None or s.end > len(units) for s in marked.spans):
            return False
        spans += len(marked.spans)
    return spans > 0


def _default_unit(rows: Rows) -> Unit:
    """Doccano counts as JavaScript does; its exports of today have a list of comments."""
    objects = [row for _, row in rows if isinstance(row, dict)]
    of_doccano = objects and all(isinstance(row.get("Comments"), list) for row in objects)
    return UTF_16 if of_doccano else CODE_POINTS


def _read(row: Row, tag_names: Sequence[str] | None) -> Marked | tuple | LineError:
    """A text with its spans, or units, tags and the text that carries them."""
    try:
        if isinstance(row, LineError):
            raise row
        has_tags = any(isinstance(row.get(key), list) for key in TAGS)
        if "tokens" not in row or (not has_tags and _spans_of(row) is not None):
            return _read_spans(row)
        return _read_tokens(row, tag_names)
    except LineError as error:
        return error


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


def _spans_of(row: dict) -> list | None:
    """The list of spans; an empty one beside a filled one is no answer. Raises LineError."""
    lists = {key: row[key] for key in SPANS if isinstance(row.get(key), list)}
    if len(lists) == 1:
        return next(iter(lists.values()))
    filled = [key for key, spans in lists.items() if spans]
    if any(lists[key] != lists[filled[0]] for key in filled[1:]):
        raise LineError(TWO_ANSWERS, " and ".join(f"`{key}`" for key in filled))
    return next((lists[key] for key in (*filled, *lists)), None)


def _read_spans(row: dict) -> Marked:
    spans, text = _spans_of(row), row.get("text")
    if spans is None or not _is_text(text):
        found = ", ".join(f"`{key}`"[:40] for key in row) or "nothing"
        raise LineError("no text and spans, nor tokens and ner_tags", f"the row has {found}")
    if not text.strip():
        raise LineError("empty sentence")
    return Marked(text, [_read_span(span) for span in spans])


def _read_span(span: object) -> GivenSpan:
    mention = None
    fields = span
    if isinstance(span, dict):
        key = next((key for key in TYPE_KEYS if key in span), None)
        fields = [span.get("start"), span.get("end"), span.get(key, _label_of(span))]
        mention = next((span[k] for k in MENTION_KEYS if span.get(k) is not None), None)
    if not (isinstance(fields, list) and len(fields) == 3):
        raise LineError(NO_SPAN, str(span)[:60])
    start, end, type_ = fields
    # A bool is an int to Python, not to us.
    if type(start) is not int or type(end) is not int or not _is_text(type_):
        raise LineError(NO_SPAN, str(span)[:60])
    if mention is not None and not _is_text(mention):
        raise LineError(NO_SPAN, str(span)[:60])
    if not IS_TYPE(type_):
        raise bad_type(type_)
    return GivenSpan(start, end, type_, mention)


def _label_of(span: dict) -> object:
    """Label Studio's way to write a type: a list of one."""
    labels = span.get("labels")
    return labels[0] if isinstance(labels, list) and len(labels) == 1 else None


def _key_of_tags(row: dict) -> str | None:
    """Where the tags are; an empty list beside a filled one is no answer. Raises LineError.

    Of two lists that can both be the tags none is taken; parts of speech beside them cannot.
    """
    lists = {key: row[key] for key in TAGS if isinstance(row.get(key), list)}
    keys = [key for key, tags in lists.items() if tags] or list(lists)
    for key in keys[1:]:
        both = (*lists[keys[0]], *lists[key])
        could_be = all(isinstance(tag, str) and looks_like_tag(tag) for tag in both)
        if could_be and lists[key] != lists[keys[0]]:
            raise LineError(TWO_TAGGINGS, f"`{keys[0]}` and `{key}`")
    return keys[0] if keys else None


def _has_integer_tags(row: Row) -> bool:
    if isinstance(row, LineError) or "tokens" not in row:
        return False
    values = [row.get(key) for key in TAGS]
    return any(isinstance(tags, list) and tags and type(tags[0]) is int for tags in values)


def _read_tokens(
    row: dict, tag_names: Sequence[str] | None
) -> tuple[list[str], list[str], str | None]:
    units, key = row["tokens"], _key_of_tags(row)
    if key is None or not isinstance(units, list):
        raise LineError("tokens without tags", f"neither of {', '.join(TAGS)} is a list")
    if _spans_of(row):
        raise LineError("tags and spans in one row", f"`{key}` and a list of spans; keep one")
    tags = row[key]
    if len(units) != len(tags):
        raise LineError("tokens and tags differ in number", f"{len(units)} and {len(tags)}")
    if not units:
        raise LineError("empty sentence")
    if all(type(tag) is int for tag in tags):
        if tag_names is None:
            raise LineError(NO_NAMES)
        if not all(0 <= tag < len(tag_names) for tag in tags):
            raise LineError("a tag without a name", f"{tags} with {len(tag_names)} names"[:80])
        tags = [tag_names[tag] for tag in tags]
    if not all([_is_text(value) for value in (*units, *tags)]):  # noqa: C419 - each may raise
        raise LineError("a token or tag is not a string")
    carried = [row[k] for k in ("sentence", "text") if _is_text(row.get(k))]
    if len(set(carried)) > 1:
        raise LineError("two texts that differ", "`sentence` and `text`")
    return units, tags, next(iter(carried), None)
