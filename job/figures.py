"""Numbers for people: each is rounded, and each noun put into its plural, in one way."""

import math


def counted(count: int, one: str, many: str = "") -> str:
    """`1 line`, `2 lines`; `many` where an s does not make the plural."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def rounded(value: float, spec: str = ".3f") -> str:
    """A score or a loss: three decimals unless told otherwise."""
    return f"{value:{spec}}"


def figure(value: float | None, spec: str = ".3f") -> str:
    """The same in a table: a dash where there is no figure."""
    return rounded(value, spec) if value is not None and math.isfinite(value) else "–"


def dollars(amount: float) -> str:
    """What a run costs."""
    return f"{amount:.2f} USD"
