"""Signs in units that are no part of the text: `_` for a blank, `ko:` before every word."""

import re
from collections.abc import Sequence
from typing import Any

from job.corpus.formats.columns.comments import spells
from job.corpus.formats.columns.parts_of_speech import is_part_of_speech
from job.corpus.formats.columns.roles import MOST, SPEECH, Columns
from job.corpus.formats.columns.table import Row, Table

BLANKS = ("_", "▁", "␣", "<SP>", "<sp>", "<space>", "[SPACE]", "<blank>", "[BLANK]", "&nbsp;")
PREFIX = re.compile(r"([A-Za-z]{1,9}(?:-[A-Za-z]{2,8})?[:=/|]).+", re.DOTALL)
SPOKEN = re.compile(r".+/([^/]+)", re.DOTALL)
LONE_JAMO = re.compile("[\u3131-\u314e\u11a8-\u11c2]")  # consonants that end a syllable
PIECES = {"##": re.compile("##.+"), "▁": re.compile("▁.+"), "@@": re.compile(".+@@")}
AT_LEAST = 3  # rows that make a rule


def without_blanks(units: Sequence[str]) -> list[str]:
    return [unit for unit in units if unit not in BLANKS]


def find_blank(
    table: Table, columns: Columns, carried: Sequence[str | None], chosen: bool
) -> str | None:
    """The unit that stands for a blank, if any. `carried` is each sentence's text.

    It is one where the text has a blank for it, or where all other columns have the same sign.
    Raises DataError where it looks like one and nothing says so, unless the user chose the column.
    """
    text = columns.text
    sign = max(BLANKS, key=lambda sign: table.counts[text][sign])
    if not table.counts[text][sign]:
        return None
    literal = as_blank = 0
    for rows, said in zip(table.sentences, carried, strict=True):
        units = [row[text] for row in rows]
        if said is not None and sign in units:
            literal += spells(units, said)
            as_blank += spells(without_blanks(units), said)
    if literal or as_blank:
        return sign if as_blank > literal else None
    others = [
        c
        for c in range(table.width)
        if c not in (text, columns.tags) and len(table.counts[c]) > 1 and table.counts[c][sign]
    ]
    same = sum(
        row[text] == sign and all(row[c] == sign for c in others)
        for rows in table.sentences
        for row in rows
    )
    if others and same >= MOST * table.counts[text][sign]:
        return sign
    if not chosen and _lies_between_words(table, text, sign):
        raise table.refuse(
            f"`{sign}` stands between the units of most sentences and may be a blank",
            f"write a blank for it, or, where it is a `{sign}` of the text, say so by "
            f"CORPUS_FIELDS=text={text + 1},tags={columns.tags + 1}",
        )
    return None


def _lies_between_words(table: Table, text: int, sign: str) -> bool:
    """Whether it stands in Korean where spaces would, and there are none."""
    if any(map(str.isspace, table.counts[text])) or table.share_of_hangul(text) < 0.3:
        return False
    within = [
        sum(
            unit == sign and sign not in (units[i - 1], units[i + 1])
            for i, unit in enumerate(units[1:-1], start=1)
        )
        for units in ([row[text] for row in rows] for rows in table.sentences if len(rows) > 1)
    ]
    return sum(within) >= AT_LEAST and 2 * sum(map(bool, within)) >= len(within)


def refuse_pieces(table: Table, columns: Columns, chosen: bool) -> None:
    """Raises DataError for units that do not spell the text, where nothing else carries it.

    Dictionary forms may be taken where the user chose the column.
    """
    units = table.counts[columns.text]
    said = "put the sentence before its rows as `# text = …`"
    if any("SpaceAfter=No" in value for values in table.counts for value in values):
        raise table.refuse(
            "`SpaceAfter=No` is not read, so it is unknown where the spaces are", said
        )
    spoken = {u for u in units if (match := SPOKEN.fullmatch(u)) and is_part_of_speech(match[1])}
    if len(spoken) >= AT_LEAST and table.share(columns.text, spoken) >= MOST:
        raise table.refuse(
            f"units carry their part of speech, as `{min(spoken)}`", "take that off the units"
        )
    for mark, pattern in PIECES.items():
        marked = {unit for unit in units if pattern.fullmatch(unit)}
        if len(marked) >= AT_LEAST and table.share(columns.text, marked) >= 0.05:
            raise table.refuse(
                f"units are wordpieces, as `{min(marked)}`",
                f"give words or characters without `{mark}`",
            )
    speech = columns.find(SPEECH)
    if speech is None or chosen:
        return
    endings = {
        row[columns.text]
        for rows in table.sentences
        for row in rows
        if LONE_JAMO.match(row[columns.text]) and row[speech][:1] in ("E", "J")
    }
    if len(endings) >= AT_LEAST or (endings and table.share(columns.text, endings) >= 0.02):
        raise table.refuse(
            f"units are morphemes in the forms of a dictionary, as `{min(endings)}`, and do not "
            "spell the text",
            f"{said}, or take them for words by CORPUS_FIELDS=text={columns.text + 1},"
            f"tags={columns.tags + 1}",
        )


def find_prefix(table: Table, text: int) -> str | None:
    """The prefix of every unit, such as `ko:`. Raises DataError for what cannot be taken off."""
    units = table.counts[text]
    prefixes = {unit: match[1] for unit in units if (match := PREFIX.fullmatch(unit))}
    distinct = set(prefixes.values())
    if len(prefixes) < 2 or len(distinct) > 3 or table.share(text, set(prefixes)) < MOST:
        return None
    for prefix in distinct:
        with_prefix = {unit for unit, found in prefixes.items() if found == prefix}
        if table.share(text, with_prefix) >= MOST:
            return prefix
    shown = " or ".join(f"`{prefix}`" for prefix in sorted(distinct))
    raise table.refuse(f"every unit begins with {shown}", "take that off the units")


def clean(unit: str, blank: str | None, prefix: str | None) -> str | None:
    """The unit's part of the text; None where it lacks the prefix of the others."""
    if unit == blank:
        return " "
    if prefix and not unit.startswith(prefix):
        return None
    return unit.removeprefix(prefix or "")


class _OneColumn(Sequence[list[Row]]):
    """Tokens as rows of a table that has nothing else, made only when they are looked at."""

    def __init__(self, sentences: Sequence[Sequence[str]]) -> None:
        self.sentences = sentences

    def __len__(self) -> int:
        return len(self.sentences)

    def __getitem__(self, at: Any) -> Any:
        return [(unit,) for unit in self.sentences[at]]


def refuse_signs(sentences: Sequence[Sequence[str]], path: str) -> None:
    """Raises DataError for tokens of JSON, without their text, that would not spell it."""
    table = Table(_OneColumn(sentences), 1, path)
    table.rows_are = "a token, with its place"
    remedy = "give each row its text as `text`"
    refuse_pieces(table, Columns(0, 0, (None,)), chosen=True)
    if prefix := find_prefix(table, 0):
        raise table.refuse(f"every token begins with `{prefix}`", f"take that off, or {remedy}")
    for sign in BLANKS:
        if table.counts[0][sign] and _lies_between_words(table, 0, sign):
            raise table.refuse(f"`{sign}` stands between the tokens and may be a blank", remedy)
