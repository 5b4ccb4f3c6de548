"""Numbers for people: each is rounded, and each noun put into its plural, in one way."""

import math


def counted(count: int, one: str, many: str = "") -> str:
    """`1 line`, `2 lines`; `many` where an s does not make the plural."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def figure(value: float | None, spec: str = ".3f") -> str:
    """A score or a loss: three decimals unless told otherwise, a dash where there is no figure."""
    return f"{value:{spec}}" if value is not None and math.isfinite(value) else "–"
