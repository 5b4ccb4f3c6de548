"""Columns, as in CoNLL, KLUE and the NAVER corpus: one unit a line, with its tag.

The tag is in the last column that holds tags of entities, the text in the one that can be it
(`roles`). Comment lines before the units may carry the text, too (`comments`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from job.corpus.formats.bio_tags import (
    JOINED_AS,
    choose_joiner,
    looks_like_tag,
    read_tags,
    read_units,
)
from job.corpus.formats.columns.blocks import UNTAGGED, Block, check_width, has_tabs, split_blocks
from job.corpus.formats.columns.comments import Carried, read_carried, spells
from job.corpus.formats.columns.roles import (
    RUNNING,
    WORDS,
    Columns,
    Evidence,
    Table,
    choose_columns,
)
from job.corpus.formats.columns.signs import (
    clean,
    find_blank,
    find_prefix,
    refuse_pieces,
    without_blanks,
)
from job.corpus.formats.placement import DIFFER, DISAGREE
from job.corpus.formats.text_lines import LineError, Rejected
from job.sentence import Sentence

JUMPS = "a row whose number does not go on from that before it"
IGNORED = "comment lines were left out"


def parse_columns(
    lines: Sequence[str | LineError], path: str, fields: Mapping[str, int]
) -> tuple[str, list[Sentence], list[Rejected], Counter]:
    """How it was read, the sentences, what was rejected, and how often what is worth a note.

    `fields` are the columns that the user named, `text` or `tags` -> its number from 1.
    Raises DataError where the columns cannot be told.
    """
    tabs = has_tabs(lines)
    blocks = list(split_blocks(lines, tabs, fields.get("tags", 0)))
    width = check_width(blocks, path, fields)
    whole = [block for block in blocks if not block.error]
    for block in whole:
        block.carried, block.others = read_carried(block.comments)
    how = [f"columns separated by {'tabs' if tabs else 'spaces'}"]
    noted: Counter = Counter()
    if whole:
        table = Table([block.rows for block in whole], width, path)
        columns = choose_columns(table, fields, _evidence(whole, width))
        how.append(str(columns))
        _choose_comments(whole, columns.text, noted)
        how += _clean_units(whole, table, columns, chosen="text" in fields)
        how += _read(whole, columns, noted)
    sentences, rejected = [], []
    for block in blocks:
        if block.error:
            line, error = block.error
            rejected.append(Rejected(error.reason, line, error.detail))
        else:
            sentences.append(block.sentence)
    return ", ".join(how), sentences, rejected, noted


def _evidence(blocks: Sequence[Block], width: int) -> Evidence:
    """What the comment lines say of the columns."""
    sure = sum(block.carried is not None for block in blocks)
    marked = sum(block.carried is not None and block.carried.marked is not None for block in blocks)
    said = [block for block in blocks if block.carried or block.others]
    spelled = [0.0] * width
    if said and (width > 2 or sure < len(said)):
        for c in range(width):
            spelled[c] = sum(_spelled(block, c) is not None for block in said) / len(said)
    total = len(blocks)
    carried = sure if 2 * sure >= total or max(spelled) < 0.5 else len(said)
    return Evidence(carried / total, marked / total, spelled)


def _spelled(block: Block, column: int) -> str | None:
    """The text beside the units that the column spells."""
    units = [row[column] for row in block.rows]
    texts = [block.carried.text] if block.carried else block.others
    ways = (units, without_blanks(units))
    return next((text for text in texts if any(spells(way, text) for way in ways)), None)


def _choose_comments(blocks: Sequence[Block], column: int, noted: Counter) -> None:
    """Takes comments of no form for the text where most of the file's spell the units."""
    free = [block for block in blocks if block.others and not block.carried]
    texts = [_spelled(block, column) for block in free]
    carry = 2 * len(free) >= len(blocks) and 2 * sum(t is not None for t in texts) >= len(free)
    for block, text in zip(free, texts, strict=True):
        if not carry:
            noted[IGNORED] += len(block.others)
        elif text is None:
            block.reject(block.line, LineError(DIFFER, f"`{block.others[-1][:40]}`"))
        else:
            block.carried = Carried(text)
    for block in blocks:
        if block.carried is None:
            block.line = block.row_lines[0]


def _clean_units(
    blocks: Sequence[Block], table: Table, columns: Columns, chosen: bool
) -> list[str]:
    """Takes off what is no part of the text, rejects what cannot be explained, and says how."""
    texts = [block.carried.text if block.carried else None for block in blocks]
    most_carried = 2 * sum(text is not None for text in texts) >= len(texts)
    blank = find_blank(table, columns, texts, chosen)
    prefix = None
    if not most_carried:
        refuse_pieces(table, columns, chosen)
        prefix = find_prefix(table, columns.text)
        _reject_jumps(blocks, columns)
    faults = dict(_faults(table, columns))
    if blank or prefix:
        meaning = {unit: clean(unit, blank, prefix) for unit in table.counts[columns.text]}
        reason = f"a unit without the `{prefix}` of the others"
        faults[columns.text] = {unit: reason for unit, text in meaning.items() if text is None}
    for block in blocks:
        for c, reasons in faults.items():
            for i, row in enumerate(block.rows):
                if row[c] in reasons:
                    is_tag = c == columns.tags
                    hint = f"; `{row[c][:20]}` is neither O nor BIO nor BIOES" if is_tag else ""
                    block.reject_row(i, reasons[row[c]], hint)
        if blank or prefix:
            for row in block.rows:
                row[columns.text] = meaning[row[columns.text]]
    how = [f"`{blank}` a blank"] if blank else []
    return [*how, f"without the `{prefix}` before every unit"] if prefix else how


def _faults(table: Table, columns: Columns) -> Iterator[tuple[int, dict[str, str]]]:
    """Columns with values that cannot be read: why, for each value."""
    untagged = [value for value in table.counts[columns.tags] if not looks_like_tag(value)]
    if untagged:
        yield columns.tags, dict.fromkeys(untagged, UNTAGGED)
    for c, role in enumerate(columns.roles):
        if role in (RUNNING, WORDS) and c not in (columns.text, columns.tags):
            others = [value for value in table.counts[c] if not value.isdecimal()]
            if others:
                yield c, dict.fromkeys(others, "a row without the number that others have")


def _reject_jumps(blocks: Sequence[Block], columns: Columns) -> None:
    """Where rows are numbered, one is missing or a blank line is, if the numbers do not go on.

    Sentences that carry their text are held against that instead.
    """
    for c, role in enumerate(columns.roles):
        if role not in (RUNNING, WORDS) or c in (columns.text, columns.tags):
            continue
        for block in blocks:
            values = [row[c] for row in block.rows]
            if block.carried or not all(map(str.isdecimal, values)):
                continue
            numbers = list(map(int, values))
            before = [min(numbers[0], 1) - 1, *numbers]
            for i, (left, right) in enumerate(zip(before, numbers, strict=False)):
                if right - left not in ((1,) if role == RUNNING else (0, 1)):
                    block.reject_row(i, JUMPS)
                    break


def _read(blocks: Sequence[Block], columns: Columns, noted: Counter) -> list[str]:
    """Reads each sentence, and says where its text is from."""
    good = [block for block in blocks if not block.error]
    units = {id(block): [row[columns.text] for row in block.rows] for block in good}
    tags = read_tags({row[columns.tags] for block in good for row in block.rows})
    joiner = choose_joiner(units[id(block)] for block in good)
    parts_of = columns.find(WORDS)
    for block in good:
        row_tags = [tags[row[columns.tags]] for row in block.rows]
        words = None if parts_of is None else [row[parts_of] for row in block.rows]
        text, marked = block.carried or (None, None)
        try:
            block.sentence = read_units(
                *(units[id(block)], row_tags, text, joiner, block.line, noted),
                marked=marked,
                words=words,
            )
        except LineError as error:
            block.reject(block.line, error)
    carrying = [block for block in good if block.carried]
    _reject_unmarked(carrying)
    marked = any(block.carried.marked is not None for block in carrying)
    how = [f"text{' and entities' if marked else ''} from the comment lines"] if carrying else []
    if 0 < len(good) <= 2 * len(carrying):
        _reject_uncarried(good)
    elif good:
        how.append(JOINED_AS[joiner])
    if parts_of is not None and not carrying:
        how.append("rows of one number joined as they are")
    return how


def _reject_unmarked(blocks: Sequence[Block]) -> None:
    """Beside sentences that are marked up, one without markup has no entity."""
    read = [block for block in blocks if block.sentence]
    plain = [block for block in read if block.carried == (block.sentence.text, None)]
    if len(plain) == len(read):
        return
    for block in plain:
        if block.sentence.spans:
            found = f"the units {len(block.sentence.spans)}, the markup none"
            block.reject(block.line, LineError(DISAGREE, found))


def _reject_uncarried(blocks: Sequence[Block]) -> None:
    """Where most sentences carry their text, the rest of one that a blank line cut does not."""
    for block in blocks:
        if block.carried is None:
            block.reject(block.line, LineError("no comment line carries the text"))
