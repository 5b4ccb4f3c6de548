"""Which name was probably meant. Environments are full of strangers, so they get narrow rules."""

import difflib
from collections.abc import Iterable

# Names of other programs that are one letter away from ours.
STRANGERS = frozenset({"CCACHE_DIR", "COMPILER", "DEVICE"})


def edits(one: str, other: str) -> int:
    """Letters to insert, remove, replace or swap with a neighbour (optimal string alignment)."""
    before, above = [], list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, above = above, row
    return above[-1]


def closest_flag(name: str, known: Iterable[str]) -> str | None:
    """The known flag that an unknown one resembles. It is wrong anyway, so guess freely."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    within = [other for other in known if len(name) > 2 and name in other.split("_")]
    initials = [other for other in known if name == "".join(word[0] for word in other.split("_"))]
    return (near or within or initials or [None])[0]


def misspelt_variable(name: str, known: Iterable[str]) -> str | None:
    """The known variable that `name` is surely a misspelling of.

    LERNING_RATE, BATCHSIZE, MAX_SEQ_LEN and epochs are; CPU_CORES, HF_HOME, SEED_FILE,
    EPOCHSECONDS and TEST_NODE are not.
    """
    upper = name.upper().replace("-", "_")
    if upper in STRANGERS:
        return None
    for other in known:
        if name != other and (_equal_but_for_bars(upper, other) or _is_slip(upper, other)):
            return other
    return None


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def _equal_but_for_bars(name: str, other: str) -> bool:
    return name.replace("_", "") == other.replace("_", "")


def _is_slip(name: str, other: str) -> bool:
    words, wanted = name.split("_"), other.split("_")
    if len(wanted) == 1 or len(words) != len(wanted):
        if len(other) >= 16:  # PRETRAINED_MODEL: the last word is forgotten
            return name[:4] == other[:4] and _likeness(name, other) >= 0.85
        # BATCHSZIE: the bar is forgotten as well. SEDE is SEED, but SPEED is not.
        joined, target = name.replace("_", ""), other.replace("_", "")
        may_be = abs(len(joined) - len(target)) <= 1  # spares the counting in most cases
        is_long = len(target) >= 6 or sorted(name) == sorted(other)
        return may_be and is_long and edits(joined, target) <= 1
    pairs = zip(words, wanted, strict=True)
    return all(word == right or _is_slip_of_word(word, right) for word, right in pairs)


def _is_slip_of_word(word: str, wanted: str) -> bool:
    shorter, longer = sorted((word, wanted), key=len)
    if len(shorter) >= 3 and longer.startswith(shorter):
        return True  # LEN for LENGTH, SEQUENCE for SEQ, CORE for CORES
    if len(wanted) < 4 or len(longer) - len(shorter) > 2:
        return False  # CPU is not TPU
    if len(wanted) == 4:  # MDOE is MODE, NODE is not
        return sorted(word) == sorted(wanted) and edits(word, wanted) == 1
    return edits(word, wanted) <= (2 if len(wanted) >= 8 else 1)
