"""Columns, as in CoNLL, KLUE and the NAVER corpus: one unit a line, with its tag.

The tag is in the last column that holds tags of entities, the text in the one that can be it
(`roles`). Comment lines before the units may carry the text, too (`comments`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from job.corpus.formats.bio_tags import (
    JOINED_AS,
    TYPES_ALONE,
    are_types,
    choose_joiner,
    read_tags,
    read_units,
)
from job.corpus.formats.columns.blocks import (
    Block,
    check_width,
    drop_header,
    has_tabs,
    looks_like_row,
    share_of_types,
    split_blocks,
)
from job.corpus.formats.columns.comments import Carried, read_carried, spells
from job.corpus.formats.columns.conllu import has_tag_in_misc, read_conllu
from job.corpus.formats.columns.faults import find_faults, reject_faults, reject_jumps
from job.corpus.formats.columns.roles import WORDS, Columns, Evidence, choose_columns
from job.corpus.formats.columns.signs import (
    clean,
    find_blank,
    find_prefix,
    refuse_pieces,
    without_blanks,
)
from job.corpus.formats.columns.table import Table
from job.corpus.formats.format import (
    Contents,
    CorpusFile,
    Format,
    Options,
    Score,
    one_by_one,
)
from job.corpus.formats.placement import DIFFER, DISAGREE
from job.corpus.formats.text_lines import LineError, Note
from job.errors import DataError
from job.sentence import Sentence

HALF = 0.5
IGNORED = Note("comment line was", "comment lines were", "left out")


def _score(file: CorpusFile, options: Options) -> Score:
    tags = options.columns.get("tags", 0)
    score = Score.of_lines(
        file,
        lambda line: any(looks_like_row(line, c) for c in {0, tags}) or has_tag_in_misc(line),
        "end in a BIO tag or are O",
    )
    if score.share > HALF:
        return score
    share = share_of_types(file.sample)
    return Score(share, "types or O in the last column") if share > score.share else score


def _read_file(file: CorpusFile, options: Options) -> Contents:
    """Raises DataError where the columns cannot be told."""
    fields = options.columns
    tabs = has_tabs(file.lines)
    blocks = split_blocks(file.lines, tabs, fields.get("tags", 0))
    hows = read_conllu(blocks, options.fields.get("tags"), file.path)
    _refuse_names(options, file.path, bool(hows))
    drop_header(blocks)
    width = check_width(blocks, file.path, fields)
    how = ", ".join([f"columns separated by {'tabs' if tabs else 'spaces'}", *hows])
    return read_blocks(blocks, width, file.path, fields, how, chosen="text" in fields)


def _refuse_names(options: Options, path: str, has_key: bool) -> None:
    """Raises DataError for fields by name, where no header has names."""
    for role, place in options.fields.items():
        if not place.isdecimal() and not (role == "tags" and has_key):
            raise DataError(
                f"{path}: CORPUS_FIELDS names `{place}`, but the columns have no header with it; "
                "count the columns from 1."
            )


def read_blocks(
    blocks: Sequence[Block],
    width: int,
    path: str,
    fields: Mapping[str, int],
    how: str,
    *,
    chosen: bool,
    how_named: bool = False,
) -> Contents:
    """The sentences of blocks. Raises DataError where the columns cannot be told.

    `fields` are the columns that the user or a header names, from 1; the user has `chosen`. `how`
    says how the rows were cut, and which columns were taken if `how_named`.
    """
    whole = [block for block in blocks if not block.error]
    for block in whole:
        if block.carried is None:
            block.carried, block.others = read_carried(block.comments)
    hows = [how]
    contents = Contents("", [], [])
    if whole:
        table = Table([block.rows for block in whole], width, path)
        columns = choose_columns(table, fields, _evidence(whole, width), chosen=chosen)
        hows += [] if how_named else [str(columns)]
        _choose_comments(whole, columns.text, contents.noted)
        hows += _clean_units(whole, table, columns, chosen)
        hows += _read(whole, columns, contents.noted)
    for block in blocks:
        if block.error:
            line, error = block.error
            contents.rejected.append(error.at(path, line))
        elif block.read:
            text, spans = block.read
            contents.sentences.append(Sentence(text, spans, block.line, path))
    contents.how = ", ".join(hows)
    return contents


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


def _choose_comments(blocks: Sequence[Block], column: int, noted: Counter[Note]) -> None:
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
        reject_jumps(blocks, columns)
    faults = find_faults(table, columns)
    if blank or prefix:
        meaning = {unit: clean(unit, blank, prefix) for unit in table.counts[columns.text]}
        reason = f"a unit without the `{prefix}` of the others"
        faults[columns.text] = {unit: reason for unit, text in meaning.items() if text is None}
        reject_faults(blocks, faults, columns.tags)
        for block in blocks:
            for row in block.rows:
                row[columns.text] = meaning[row[columns.text]] or ""
    else:
        reject_faults(blocks, faults, columns.tags)
    how = [f"`{blank}` a blank"] if blank else []
    return [*how, f"without the `{prefix}` before every unit"] if prefix else how


def _read(blocks: Sequence[Block], columns: Columns, noted: Counter[Note]) -> list[str]:
    """Reads each sentence, and says where its text is from."""
    good = [block for block in blocks if not block.error]
    units = [[row[columns.text] for row in block.rows] for block in good]
    counts = Counter(row[columns.tags] for block in good for row in block.rows)
    tags = read_tags(counts)
    joiner = choose_joiner(units)
    parts_of = columns.find(WORDS)
    for block, units_of_block in zip(good, units, strict=True):
        row_tags = [tags[row[columns.tags]] for row in block.rows]
        words = None if parts_of is None else [row[parts_of] for row in block.rows]
        text, marked, _ = block.carried or (None, None, None)
        try:
            block.read = read_units(
                units_of_block, row_tags, text, joiner, noted, marked=marked, words=words
            )
        except LineError as error:
            block.reject(block.line, error)
    carried = [block.carried for block in good if block.carried]
    _reject_unmarked(good)
    and_entities = any(each.marked is not None for each in carried)
    sources = " and ".join(dict.fromkeys(each.source for each in carried))
    how = [f"text{' and entities' if and_entities else ''} from {sources}"]
    how = how if carried else []
    if 0 < len(good) <= 2 * len(carried):
        _reject_uncarried(good)
    elif good:
        how.append(JOINED_AS[joiner])
    if parts_of is not None and not carried:
        how.append("rows of one number joined as they are")
    if are_types(counts):
        how.append(TYPES_ALONE)
    return how


def _reject_unmarked(blocks: Sequence[Block]) -> None:
    """Beside sentences that are marked up, one without markup has no entity."""
    read = [(block, *block.read) for block in blocks if block.read and block.carried]
    plain = [
        (block, spans)
        for block, text, spans in read
        if block.carried and block.carried[:2] == (text, None)
    ]
    if len(plain) == len(read):
        return
    for block, spans in plain:
        if spans:
            found = f"the units {len(spans)}, the markup none"
            block.reject(block.line, LineError(DISAGREE, found))


def _reject_uncarried(blocks: Sequence[Block]) -> None:
    """Where most sentences carry their text, the rest of one that a blank line cut does not."""
    for block in blocks:
        if block.carried is None:
            block.reject(block.line, LineError("no comment line carries the text"))


COLUMNS = Format("columns", _score, one_by_one(_read_file), takes_fields=True)
