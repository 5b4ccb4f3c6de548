"""The unit in which a split counts offsets, proven by the mentions that its spans bring along.

One unit holds for a whole split: the one that spells the most mentions. What it does not spell is
rejected, never moved about until it fits.
"""

import itertools
from collections.abc import Iterable, Sequence

from job.corpus.formats.json_rows.offsets.marked import CODE_POINTS, UNITS, Marked, Unit
from job.corpus.formats.text_lines import LineError

UNEXPLAINED = 0.01  # of the spans, that make one doubt the unit


def units_of(rows: Iterable[Marked]) -> tuple[Unit, ...]:
    """The units among a row's tokens or morphemes, for each list of these that rows have."""
    counted = dict.fromkeys(name for row in rows for name in row.bounds if name != "graphemes")
    return tuple(
        Unit(f"{name}{' with inclusive ends' * inclusive}", None, inclusive, "tokens", units=name)
        for name in counted
        for inclusive in (False, True)
    )


def choose_unit(
    rows: Iterable[Marked], default: Unit = CODE_POINTS, allowed: Sequence[Unit] | None = None
) -> tuple[Unit, tuple[Unit, ...]]:
    """The unit that spells the most mentions, and any others that spell as many.

    `default` where no span names its mention; where that leaves spans unexplained and another unit
    none, which of the two holds cannot be told. `allowed`: the user names one of these.
    """
    rows = [row for row in rows if row.spans and not row.placed]
    named = [row for row in rows if row.mentions]
    units = tuple(allowed) if allowed else (*UNITS, *units_of(rows))
    default = default if default in units else units[0]
    if not named:
        return default, _explaining(rows, default, units)
    spelled = [(_spelled(named, unit), unit) for unit in units[:1]]
    mentions = sum(row.count_named() for row in named)
    if spelled[0][0] == (mentions, mentions):  # and a longer or shorter span spells another word
        return units[0], ()
    spelled += [(_spelled(named, unit), unit) for unit in units[1:]]
    best = max(score for score, _ in spelled)
    chosen, *others = [unit for score, unit in spelled if score == best]
    return chosen, tuple(others)


def _explaining(rows: Sequence[Marked], default: Unit, allowed: Sequence[Unit]) -> tuple[Unit, ...]:
    """The units that can explain every span, where the default cannot.

    Worked example: [2, 2] is nothing where ends are half open, and a syllable where they are not.
    """
    total = sum(len(row.spans) for row in rows)
    strange = sum(not _explains(row, default) for row in rows)
    if not strange or strange < UNEXPLAINED * total:
        return ()
    units = [unit for unit in allowed if unit is not default]
    return tuple(unit for unit in units if all(_explains(row, unit) for row in rows))


def _explains(row: Marked, unit: Unit) -> bool:
    try:
        spans = sorted(unit.convert(row, span) for span in row.spans)
    except LineError:
        return False
    return all(
        left.end <= right.start or left == right for left, right in itertools.pairwise(spans)
    )


def bare(text: str) -> str:
    """The text without blanks: what decodes wordpieces leaves some out."""
    return "".join(text.split())


def _spelled(rows: Sequence[Marked], unit: Unit) -> tuple[int, int]:
    """How many mentions the offsets give, but for blanks around them, and how many exactly."""
    but_for_blanks = exactly = 0
    for row in rows:
        if row.mentions is unit:
            but_for_blanks += len(row.spans)
            exactly += len(row.spans)
            continue
        for span, mention in row.named():
            try:
                start, end, _ = unit.convert(row, span)
            except LineError:
                continue
            found = row.text[start:end]
            exactly += found == mention
            but_for_blanks += found == mention or bare(found) == bare(mention)
    return but_for_blanks, exactly
