"""The layout of a table: a unit, a sentence or a span a row, and the column of each thing.

The header suggests and the cells prove: a column of tags holds tags, a text has as many words or
characters as tags, a mention lies in its text.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from job.corpus.formats.bio_tags import LETTERS, OUTSIDE_TAGS, are_types, looks_like_tag
from job.corpus.formats.columns.parts_of_speech import are_chunks
from job.corpus.formats.tables.cells import Records
from job.corpus.formats.tables.header import (
    DOCUMENT,
    END,
    MENTION,
    SENTENCE,
    START,
    TAGS,
    TEXT,
    TYPE,
    UNIT,
    by_fields,
    looks_like_header,
    roles_of,
)
from job.corpus.formats.tables.lists import is_list, is_offset, items_of, lengths, looks_said
from job.corpus.formats.tables.part import LISTS, SENTENCES, SPANS, UNITS, Layout
from job.corpus.formats.tables.span_lists import holds_spans
from job.errors import DataError

LOOKED_AT = 200
MOST, FEW = 0.9, 0.2

Rows = Sequence[Sequence[str]]


def find_layout(records: Records, fields: Mapping[str, str], path: str) -> Layout | None:
    """The layout of a table by its first records; None where it is no table that is known.

    Raises DataError where the user's fields are not in it, or two columns could be the same thing.
    """
    width = records.width
    rows = [row for _, row in zip(range(LOOKED_AT), records.whole, strict=False)]
    if width < 2 or not rows:
        return None
    header = tuple(rows[0]) if _has_header(rows, fields, width) else None
    body = [row for row in rows[1 if header else 0 :] if len(row) == width]
    named = by_fields(fields, header, width, path) if fields else {}
    if not body:
        return None
    lists = [c for c in range(width) if header and holds_spans([row[c] for row in body])]
    if len(lists) == 1:
        return Layout(LISTS, header, {"spans": lists[0]}, width)
    for find in (_find_spans, _find_tagged):
        layout = find(body, header, named, width, path)
        if layout:
            break
    return layout


def _has_header(rows: Rows, fields: Mapping[str, str], width: int) -> bool:
    first = rows[0]
    if len(first) != width:
        return False
    if any(not place.isdecimal() and place in first for place in fields.values()):
        return True
    if looks_like_header(first):
        return True
    body = [row for row in rows[1:] if len(row) == width]
    return any(
        _is_of_tags(body, c) and not all(map(looks_like_tag, items_of(first[c])))
        for c in range(width)
    )


def _is_of_tags(rows: Rows, column: int) -> bool:
    """Whether the cells of a column are tags, one or several each."""
    cells = [items_of(row[column]) for row in rows if row[column].strip()]
    good = [items for items in cells if items and all(map(looks_like_tag, items))]
    typed = any(item not in ("O", "-", "I") for items in good for item in items)
    return bool(good) and typed and len(good) >= MOST * len(cells)


def _by_name(header: Sequence[str] | None, role: str, taken: Sequence[int] = ()) -> int | None:
    return next(iter(_all_by_name(header, role, taken)), None)


def _all_by_name(header: Sequence[str] | None, role: str, taken: Sequence[int]) -> list[int]:
    return [c for c, name in enumerate(header or ()) if role in roles_of(name) and c not in taken]


def _has_several(row: Sequence[str], tags: int) -> bool:
    """Whether a row's cell of tags is a list, or has as many as another cell has units."""
    count = len(items_of(row[tags]))
    others = (cell for c, cell in enumerate(row) if c != tags)
    return is_list(row[tags]) or (count > 1 and any(count in lengths(cell) for cell in others))


def _add_by_name(columns: dict[str, int], header: Sequence[str] | None, *roles: str) -> None:
    """Adds the columns of these roles that the header names, where they are free."""
    for role in roles:
        column = _by_name(header, role, tuple(columns.values()))
        if role not in columns and column is not None:
            columns[role] = column


def _find_spans(
    rows: Rows, header: tuple[str, ...] | None, named: Mapping[str, int], width: int, path: str
) -> Layout | None:
    """A row with the text, the type, and the mention or where it lies."""
    columns = {role: c for role, c in named.items() if role in (TEXT, START, END, MENTION, TYPE)}
    if "tags" in named or ("spans" in named):
        return None
    for role in (START, END, TEXT, TYPE, MENTION):
        if role not in columns:
            found = _all_by_name(header, role, tuple(columns.values()))
            # Of `text` and `sentence`, the mention is the shorter.
            column = max(found, key=lambda c: sum(len(row[c]) for row in rows), default=None)
            if column is not None:
                columns[role] = column
    if TEXT not in columns or TYPE not in columns:
        return None
    if not (START in columns and END in columns):
        columns = {role: c for role, c in columns.items() if role not in (START, END)}
    if START not in columns and MENTION not in columns:
        return None
    return _proven_spans(rows, header, columns, width)


def _proven_spans(
    rows: Rows, header: tuple[str, ...] | None, columns: dict[str, int], width: int
) -> Layout | None:
    filled = [row for row in rows if row[columns[TYPE]].strip()]
    if START in columns:
        good = [row for row in filled if is_offset(row[columns[START]])]
        lies_in = [row for row in filled if _lies_in(row, columns)]
        if MENTION in columns and 2 * len(lies_in) < len(filled):
            del columns[MENTION]
    else:
        good = [row for row in filled if _lies_in(row, columns)]
    tagged = _is_of_tags(filled, columns[TYPE]) or _are_types(filled, columns[TYPE])
    if not good or len(good) < MOST * len(filled) or tagged:
        return None
    _add_by_name(columns, header, SENTENCE, DOCUMENT)
    return Layout(SPANS, header, columns, width)


def _lies_in(row: Sequence[str], columns: Mapping[str, int]) -> bool:
    mention = row[columns[MENTION]].strip() if MENTION in columns else ""
    return bool(mention) and mention in (row[columns[TEXT]] or mention)  # merged cells are empty


def _find_tagged(
    rows: Rows, header: tuple[str, ...] | None, named: Mapping[str, int], width: int, path: str
) -> Layout | None:
    """A row with a unit and its tag, or with a sentence and all its tags."""
    tags = named["tags"] if "tags" in named else _tags_column(rows, header, width, path)
    if tags is None:
        return None
    several = sum(_has_several(row, tags) for row in rows)
    if several > FEW * len(rows):
        text = named["text"] if "text" in named else _text_column(rows, header, tags, width, path)
        return None if text is None else Layout(SENTENCES, header, {TEXT: text, TAGS: tags}, width)
    unit = named.get("text", _by_name(header, UNIT, [tags]))
    if unit is None and _are_numbers(rows, tags):
        return None  # classes of texts
    columns = {TAGS: tags}
    if unit is not None or width == 2:
        columns[UNIT] = 1 - tags if unit is None else unit
    if SENTENCE in named:
        columns[SENTENCE] = named[SENTENCE]
    _add_by_name(columns, header, SENTENCE, DOCUMENT, TEXT)
    return Layout(UNITS, header, columns, width)


def _tags_column(rows: Rows, header: tuple[str, ...] | None, width: int, path: str) -> int | None:
    found = [c for c in range(width) if _is_of_tags(rows, c)]
    if len(found) > 1:
        found = [c for c in found if not _holds_chunks(rows, c)] or found
    if not found:
        by_name = [c for c, name in enumerate(header or ()) if TAGS in roles_of(name)]
        found = [c for c in by_name if _may_be_tags(rows, c, path)]
    equal = all([row[c] for row in rows] == [row[found[0]] for row in rows] for c in found[1:])
    if len(found) > 1 and not equal:
        shown = " and ".join(f"`{header[c]}`" if header else f"{c + 1}" for c in found)
        example = header[found[-1]] if header else found[-1] + 1
        raise DataError(
            f"{path}: columns {shown} hold different tags, and only one can be learned; say which "
            f"by CORPUS_FIELDS=tags={example}."
        )
    return found[0] if found else None


def _holds_chunks(rows: Rows, column: int) -> bool:
    return are_chunks(item for row in rows for item in items_of(row[column]))


def _may_be_tags(rows: Rows, column: int, path: str) -> bool:
    """Whether a column named as tags holds some. Raises DataError where they lack a type."""
    items = {item for row in rows for item in items_of(row[column])}
    if items & {"B", "I"} and items <= LETTERS | OUTSIDE_TAGS:
        raise DataError(
            f"{path} has tags without types, as `B` and `I`; write each with its entity type, as "
            "`B-PS` and `I-PS`."
        )
    is_outside = bool(items) and items <= OUTSIDE_TAGS
    return is_outside or _are_types(rows, column) or _are_numbers(rows, column)


def _are_types(rows: Rows, column: int) -> bool:
    return are_types(Counter(item for row in rows for item in items_of(row[column])))


def _are_numbers(rows: Rows, column: int) -> bool:
    items = [item for row in rows for item in items_of(row[column])]
    return bool(items) and all(map(str.isdecimal, items))


def _text_column(
    rows: Rows, header: tuple[str, ...] | None, tags: int, width: int, path: str
) -> int | None:
    """The column with as many words or characters, or items of a list, as there are tags."""
    counts = [len(items_of(row[tags])) for row in rows]
    fitting = {}
    for c in range(width):
        if c != tags:
            fits = [n in lengths(row[c]) for row, n in zip(rows, counts, strict=True)]
            fitting[c] = sum(fits)
    best = max(fitting.values(), default=0)
    if 2 * best < len(rows):
        return None
    found = [c for c, fits in fitting.items() if fits >= MOST * best]
    found = [c for c in found if any(looks_said(row[c]) for row in rows)] or found
    by_name = [c for c in found if header and {TEXT, UNIT} & set(roles_of(header[c]))]
    found = by_name if len(found) > 1 and by_name else found
    if len({tuple(row[c] for row in rows) for c in found}) > 1:
        shown = " and ".join(f"`{header[c]}`" if header else f"{c + 1}" for c in found)
        example = header[found[0]] if header else found[0] + 1
        named = header[tags] if header else tags + 1
        raise DataError(
            f"{path}: columns {shown} can each be the text; say which by "
            f"CORPUS_FIELDS=text={example},tags={named}."
        )
    return found[0]
