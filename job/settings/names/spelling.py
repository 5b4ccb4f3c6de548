"""The name that was probably meant: a slip, or what another trainer calls it.

Environments are full of strangers, which must not stop a run.
"""

import difflib
from collections.abc import Iterable

from job.settings.names.foreign import CERTAIN, FOREIGN, in_our_words

# Variables of other programs that are as near to one of ours as a slip is.
STRANGERS = frozenset(
    {"CCACHE_DIR", "COMPILER", "DEVICE", "SEEDS", "SPEED", "TEST_NODE", "TRT_VERSION"}
)
LONG = 10  # letters, from which on two slips are believed


def edits(one: str, other: str) -> int:
    """Letters to insert, remove, replace or swap with a neighbour (optimal string alignment).

    https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, above = above, row
    return above[-1]


def misspelt_variable(name: str, known: Iterable[str]) -> str | None:
    """The known variable that `name` is surely a misspelling of: one slip away, two where it is
    long; bars and case do not count. Or the one that another trainer calls so.

    The first letter is right in nearly every slip, and is what tells CPU_CORES from TPU_CORES.
    """
    letters = _letters(name)
    if name.upper() in STRANGERS:
        return None
    if name.isupper() and name.lower() in CERTAIN:
        return FOREIGN[name.lower()].name.upper()
    for other in known:
        wanted = _letters(other)
        most = 2 if len(wanted) >= LONG else 1
        # The first two spare the counting in most cases.
        is_near = letters[:1] == wanted[:1] and abs(len(letters) - len(wanted)) <= most
        if name != other and is_near and edits(letters, wanted) <= most:
            return other
    return None


def _letters(name: str) -> str:
    return name.upper().replace("_", "").replace("-", "")


def closest_flag(name: str, known: Iterable[str]) -> str | None:
    """The known flag that an unknown one resembles. It is wrong anyway, so guess freely."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    within = [other for other in known if len(name) > 2 and name in other.split("_")]
    initials = [other for other in known if name == "".join(word[0] for word in other.split("_"))]
    return next(iter([*near, *within, *initials]), None)


def hint(name: str, known: Iterable[str], prefix: str = "", else_: str = "see --help.") -> str:
    """The end of a sentence about an unknown argument: what is meant, or where to look."""
    if ours := in_our_words(name, prefix):
        return ours
    guess = closest_flag(name, known)
    return f"is {prefix}{guess} meant?" if guess else else_
