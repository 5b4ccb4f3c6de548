"""Signs in units that are no part of the text: `_` for a blank, `ko:` before every word."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain, islice

from job.corpus.formats.columns.comments import Carried, spells
from job.corpus.formats.columns.packed import Columns as Cells
from job.corpus.formats.columns.packed import Packed, Unpacked
from job.corpus.formats.columns.parts_of_speech import is_part_of_speech
from job.corpus.formats.columns.roles import MOST, SPEECH, Columns, share_of_hangul
from job.corpus.formats.columns.table import Table

BLANKS = ("_", "▁", "␣", "<SP>", "<sp>", "<space>", "[SPACE]", "<blank>", "[BLANK]", "&nbsp;")
PREFIX = re.compile(r"([A-Za-z]{1,9}(?:-[A-Za-z]{2,8})?[:=/|]).+", re.DOTALL)
SPOKEN = re.compile(r".+/([^/]+)", re.DOTALL)
LONE_JAMO = re.compile("[\u3131-\u314e\u11a8-\u11c2]")  # consonants that end a syllable
PIECES = {"##": re.compile("##.+"), "▁": re.compile("▁.+"), "@@": re.compile(".+@@")}
AT_LEAST = 3  # rows that make a rule
AT_ONCE = 200  # sentences of tokens

Carriers = Callable[[Unpacked], Carried | None]


def without_blanks(units: Sequence[str]) -> list[str]:
    return [unit for unit in units if unit not in BLANKS]


def find_blank(table: Table, columns: Columns, carried: Carriers, chosen: bool) -> str | None:
    """The unit that stands for a blank, if any. `carried` gives the text of a sentence.

    It is one where the text has a blank for it, or where all other columns have the same sign.
    Raises DataError where it looks like one and nothing says so, unless the user chose the column.
    """
    text = columns.text
    met = {sign: table.values[text][sign] for sign in BLANKS}
    sign = max(BLANKS, key=lambda sign: met[sign])
    if not met[sign]:
        return None
    literal, as_blank = _spelled_with(sign, table, text, carried)
    if literal or as_blank:
        return sign if as_blank > literal else None
    others = [
        c
        for c in range(table.width)
        if c not in (text, columns.tags) and table.values[c].differ() and table.values[c][sign]
    ]
    if others and _all_have(sign, table, (text, *others)) >= MOST * met[sign]:
        return sign
    if not chosen and _lies_between_words(table, text, sign):
        raise table.refuse(
            f"`{sign}` stands between the units of most sentences and may be a blank",
            f"write a blank for it, or, where it is a `{sign}` of the text, say so by "
            f"CORPUS_FIELDS=text={text + 1},tags={columns.tags + 1}",
        )
    return None


def _all_have(sign: str, table: Table, columns: Sequence[int]) -> int:
    """In how many rows all these columns have the sign."""
    lines = (zip(*cells, strict=True) for cells in table.columns(*columns))
    return sum(row.count(sign) == len(row) for rows in lines for row in rows)


def _spelled_with(sign: str, table: Table, text: int, carried: Carriers) -> tuple[int, int]:
    """How many sentences with the sign spell the text that they carry with it, and without it."""
    literal = as_blank = 0
    for block in table.blocks() if table.packed.has_comments else ():
        units = block.columns[text]
        if sign in units and (said := carried(block)):
            literal += spells(units, said.text)
            as_blank += spells(without_blanks(units), said.text)
    return literal, as_blank


def _lies_between_words(table: Table, text: int, sign: str) -> bool:
    """Whether it stands in Korean where spaces would, and there are none."""
    if any(map(str.isspace, table.values[text])) or share_of_hangul(table, text) < 0.3:
        return False
    within = [
        sum(
            unit == sign and sign not in (units[i - 1], units[i + 1])
            for i, unit in enumerate(units[1:-1], start=1)
        )
        for units in table.of_several(text)
    ]
    return sum(within) >= AT_LEAST and 2 * sum(map(bool, within)) >= len(within)


def refuse_pieces(table: Table, columns: Columns, chosen: bool) -> None:
    """Raises DataError for units that do not spell the text, where nothing else carries it.

    Dictionary forms may be taken where the user chose the column.
    """
    units = table.values[columns.text]
    said = "put the sentence before its rows as `# text = …`"
    if any("SpaceAfter=No" in value for values in table.values for value in values):
        raise table.refuse(
            "`SpaceAfter=No` is not read, so it is unknown where the spaces are", said
        )
    spoken = units.examples(_is_spoken, AT_LEAST)
    if len(spoken) == AT_LEAST and table.share(columns.text, _is_spoken) >= MOST:
        raise table.refuse(
            f"units carry their part of speech, as `{min(spoken)}`", "take that off the units"
        )
    for mark, pattern in PIECES.items():
        marked = units.examples(pattern.fullmatch, AT_LEAST)
        if len(marked) == AT_LEAST and table.share(columns.text, pattern.fullmatch) >= 0.05:
            raise table.refuse(
                f"units are wordpieces, as `{min(marked)}`",
                f"give words or characters without `{mark}`",
            )
    speech = columns.find(SPEECH)
    if speech is None or chosen:
        return
    endings = {
        unit
        for cells in table.columns(columns.text, speech)
        for unit, part in zip(*cells, strict=True)
        if LONE_JAMO.match(unit) and part[:1] in ("E", "J")
    }
    if len(endings) >= AT_LEAST or (
        endings and table.share(columns.text, endings.__contains__) >= 0.02
    ):
        raise table.refuse(
            f"units are morphemes in the forms of a dictionary, as `{min(endings)}`, and do not "
            "spell the text",
            f"{said}, or take them for words by CORPUS_FIELDS=text={columns.text + 1},"
            f"tags={columns.tags + 1}",
        )


def _is_spoken(unit: str) -> bool:
    """Whether its part of speech is behind it."""
    match = SPOKEN.fullmatch(unit)
    return match is not None and is_part_of_speech(match[1])


def find_prefix(table: Table, text: int) -> str | None:
    """The prefix of every unit, such as `ko:`. Raises DataError for what cannot be taken off."""
    units = table.values[text]
    counts = Counter[str]()
    for unit, count in units.items():
        if match := PREFIX.fullmatch(unit):
            counts[match[1]] += count
    if not 0 < len(counts) <= 3 or counts.total() < MOST * table.total:
        return None
    if len(units.examples(PREFIX.fullmatch, 2)) < 2:
        return None
    for prefix, count in counts.items():
        if count >= MOST * table.total:
            return prefix
    shown = " or ".join(f"`{prefix}`" for prefix in sorted(counts))
    raise table.refuse(f"every unit begins with {shown}", "take that off the units")


def clean(unit: str, blank: str | None, prefix: str | None) -> str | None:
    """The unit's part of the text; None where it lacks the prefix of the others."""
    if unit == blank:
        return " "
    if prefix and not unit.startswith(prefix):
        return None
    return unit.removeprefix(prefix or "")


class _Tokens(Packed):
    """Tokens of JSON as the rows of a single column, cut apart whenever they are gone through."""

    def __init__(self, sentences: Sequence[Sequence[str]], path: str) -> None:
        super().__init__((), path)
        self._sentences = sentences

    def cells(self, _: int, skipped: Collection[int] = ()) -> Iterator[list[str]]:
        assert not skipped
        sentences = iter(self._sentences)
        while some := list(islice(sentences, AT_ONCE)):
            yield list(chain.from_iterable(some))

    def columns(self, wanted: Sequence[int], skipped: Collection[int] = ()) -> Iterator[Cells]:
        assert not skipped
        return ([list(units)] * len(wanted) for units in self._sentences)


def refuse_signs(sentences: Sequence[Sequence[str]], path: str) -> None:
    """Raises DataError for tokens of JSON, without their text, that would not spell it."""
    table = Table(_Tokens(sentences, path), 1)
    table.rows_are = "a token, with its place"
    remedy = "give each row its text as `text`"
    refuse_pieces(table, Columns(0, 0, (None,)), chosen=True)
    if prefix := find_prefix(table, 0):
        raise table.refuse(f"every token begins with `{prefix}`", f"take that off, or {remedy}")
    for sign in BLANKS:
        if table.values[0][sign] and _lies_between_words(table, 0, sign):
            raise table.refuse(f"`{sign}` stands between the tokens and may be a blank", remedy)
