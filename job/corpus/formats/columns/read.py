"""Columns, as in CoNLL, KLUE and the NAVER corpus: one unit a line, with its tag.

The tag is in the last column that holds tags of entities, the text in the one that can be it
(`roles`). Comment lines before the units may carry the text, too (`comments`).
"""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from job.corpus.formats.bio_tags import (
    JOINED_AS,
    TYPES_ALONE,
    are_types,
    choose_joiner,
    read_tags,
    read_units,
)
from job.corpus.formats.columns.blocks import (
    check_width,
    has_tabs,
    looks_like_row,
    share_of_types,
    split_blocks,
    without_header,
)
from job.corpus.formats.columns.carried import Texts
from job.corpus.formats.columns.conllu import SPACED, has_tag_in_misc, read_conllu
from job.corpus.formats.columns.faults import (
    find_faults,
    refuse_unbroken,
    reject_faults,
    reject_jumps,
)
from job.corpus.formats.columns.packed import Packed, Unpacked
from job.corpus.formats.columns.roles import WORDS, Columns, choose_columns
from job.corpus.formats.columns.signs import clean, find_blank, find_prefix, refuse_pieces
from job.corpus.formats.columns.table import Table
from job.corpus.formats.format import (
    Contents,
    CorpusFile,
    Format,
    Options,
    Score,
    one_by_one,
)
from job.corpus.formats.placement import DISAGREE
from job.corpus.formats.text_lines import LineError
from job.errors import DataError
from job.sentence import Sentence

HALF = 0.5


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
    """Raises DataError where the columns cannot be told, or where sentences end."""
    fields = options.columns
    tabs = has_tabs(file.decoded.pieces())
    blocks = split_blocks(file.decoded, tabs, fields.get("tags", 0))
    packed = Packed(without_header(blocks), file.path)
    packed, hows = read_conllu(packed, options.fields.get("tags"))
    _refuse_names(options, file.path, bool(hows))
    width = check_width(packed, fields)
    how = ", ".join([f"columns separated by {'tabs' if tabs else 'spaces'}", *hows])
    return read_packed(packed, width, fields, how, SPACED, chosen="text" in fields)


def _refuse_names(options: Options, path: str, has_key: bool) -> None:
    """Raises DataError for fields by name, where no header has names."""
    for role, place in options.fields.items():
        if not place.isdecimal() and not (role == "tags" and has_key):
            raise DataError(
                f"{path}: CORPUS_FIELDS names `{place}`, but the columns have no header with it; "
                "count the columns from 1."
            )


def read_packed(
    packed: Packed,
    width: int,
    fields: Mapping[str, int],
    how: str,
    source: str,
    *,
    chosen: bool,
    how_named: bool = False,
    ends_named: bool = False,
) -> Contents:
    """The sentences of a file, which are gone from `packed` afterwards. Raises DataError where the
    columns cannot be told.

    `fields` are the columns that the user or a header names, from 1; the user has `chosen`. `how`
    says how the rows were cut, and which columns were taken if `how_named`; `source`, where a text
    beside the units is from that is in no comment. Blank lines end sentences unless `ends_named`.
    """
    table = Table(packed, width)
    hows = [how]
    contents = Contents("", [], [])
    if table.sentences:
        texts = Texts(source)
        columns = choose_columns(table, fields, texts.evidence(table), chosen=chosen)
        if not ends_named:
            refuse_unbroken(table, columns)
        hows += [] if how_named else [str(columns)]
        texts.choose(table, columns.text, contents.noted)
        cleaned = _clean_units(table, columns, texts, chosen)
        del table
        hows += [*cleaned.hows, *Reading(packed, columns, texts, cleaned).read(contents)]
    contents.rejected += (packed.rejected[index] for index in sorted(packed.rejected))
    contents.how = ", ".join(hows)
    return contents


class Cleaned(NamedTuple):
    """What stands for a blank, and before every unit, if anything does."""

    blank: str | None
    prefix: str | None

    @property
    def hows(self) -> list[str]:
        how = [f"`{self.blank}` a blank"] if self.blank else []
        return [*how, f"without the `{self.prefix}` before every unit"] if self.prefix else how

    def units(self, cells: list[str]) -> list[str]:
        """Cells without what is no part of the text."""
        if not (self.blank or self.prefix):
            return cells
        return [clean(cell, self.blank, self.prefix) or "" for cell in cells]


def _clean_units(table: Table, columns: Columns, texts: Texts, chosen: bool) -> Cleaned:
    """Finds what is no part of the text, and rejects what cannot be explained."""
    most_carried = texts.are_most(table)
    blank = find_blank(table, columns, texts, chosen)
    prefix = None
    if not most_carried:
        refuse_pieces(table, columns, chosen)
        prefix = find_prefix(table, columns.text)
        reject_jumps(table, columns, texts)
    faults = find_faults(table, columns)
    if prefix:
        reason = f"a unit without the `{prefix}` of the others"
        units = table.values[columns.text]
        bare = {unit: reason for unit in units if clean(unit, blank, prefix) is None}
        faults[columns.text] = bare
    reject_faults(table, faults, columns.tags)
    return Cleaned(blank, prefix)


class Reading:
    """Reads the sentences that were not rejected before, each of which is gone afterwards."""

    def __init__(self, packed: Packed, columns: Columns, texts: Texts, cleaned: Cleaned) -> None:
        self.packed, self.columns, self.texts, self.cleaned = packed, columns, texts, cleaned
        self.skipped = frozenset(packed.rejected)
        self.counts = Counter[str]()
        for cells in packed.cells(columns.tags, self.skipped):
            self.counts.update(cells)
        self.tags = read_tags(self.counts)
        of_units = packed.columns([columns.text], self.skipped)
        self.joiner = choose_joiner(cleaned.units(cells) for [cells] in of_units)
        self.parts_of = columns.find(WORDS)
        self.sources: dict[str, None] = {}
        self.numbers = array("I")  # of the sentences that were read
        self.plain = array("I")  # their places among those, where their text has no markup
        self.uncarried = array("I")  # the numbers of sentences that carry no text, and
        self.uncarried_lines = array("I")
        self.carried = self.marked = self.read_carried = self.plain_carried = 0

    def read(self, contents: Contents) -> list[str]:
        """Adds the sentences, and says where their texts are from."""
        for block in self.packed.unpacked(self.skipped, is_last=True):
            self._read(block, contents)
        if self.plain_carried < self.read_carried:
            self._reject_unmarked(contents.sentences)
        are_carried = 0 < self.carried >= len(self.uncarried)
        if are_carried:  # the others are rests of sentences that a blank line cut
            for index, line in zip(self.uncarried, self.uncarried_lines, strict=True):
                self.packed.reject(index, line, LineError("no comment line carries the text"))
        rejected = self.packed.rejected
        if not rejected.keys().isdisjoint(self.numbers):
            both = zip(self.numbers, contents.sentences, strict=True)
            contents.sentences = [each for number, each in both if number not in rejected]
        return self._hows(are_carried)

    def _read(self, block: Unpacked, contents: Contents) -> None:
        said = self.texts(block)
        line = block.line if said else block.row_lines[0]
        if said:
            self.carried += 1
            self.marked += said.marked is not None
            self.sources.setdefault(said.source)
        else:
            self.uncarried.append(block.index)
            self.uncarried_lines.append(line)
        try:
            text, spans = read_units(
                self.cleaned.units(block.columns[self.columns.text]),
                list(map(self.tags.__getitem__, block.columns[self.columns.tags])),
                said and said.text,
                self.joiner,
                contents.noted,
                marked=said and said.marked,
                words=None if self.parts_of is None else block.columns[self.parts_of],
            )
        except LineError as error:
            self.packed.reject(block.index, line, error)
            return
        if said:
            self.read_carried += 1
            if said[:2] == (text, None):
                self.plain_carried += 1
                self.plain.append(len(contents.sentences))
        self.numbers.append(block.index)
        contents.sentences.append(Sentence(text, spans, line, self.packed.path))

    def _reject_unmarked(self, sentences: Sequence[Sentence]) -> None:
        """Beside sentences that are marked up, one without markup has no entity."""
        for place in self.plain:
            if spans := sentences[place].spans:
                error = LineError(DISAGREE, f"the units {len(spans)}, the markup none")
                self.packed.reject(self.numbers[place], sentences[place].line, error)

    def _hows(self, are_carried: bool) -> list[str]:
        how = []
        if self.carried:
            and_entities = " and entities" if self.marked else ""
            how.append(f"text{and_entities} from {' and '.join(self.sources)}")
        if not are_carried and (self.carried or self.uncarried):
            how.append(JOINED_AS[self.joiner])
        if self.parts_of is not None and not self.carried:
            how.append("rows of one number joined as they are")
        return [*how, TYPES_ALONE] if are_types(self.counts) else how


COLUMNS = Format("columns", _score, one_by_one(_read_file), takes_fields=True)
