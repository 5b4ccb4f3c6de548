"""The entity types that a run learns, of those that its corpus names: TYPES_MAP and TYPES_ONLY.

`PS_*=PS,Job Title=TITLE,*=-`: an exact name first, then the longest `X*`, then `*`; `-` drops. A
backslash makes a `,`, `=`, `*`, `-` or backslash part of a name.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import AfterValidator

from job.sentence import is_type

ANY = "*"
DROP = "-"
ESCAPED = re.compile(r"\\([,=*\\-])")
PIECES = re.compile(r"(?:\\.|[^\\,])+", re.DOTALL)
NAME = r"(?:\\[,=*\\-]|[^\\=*])"
PAIR = re.compile(rf"({NAME}*)(\*?)\s*=\s*({NAME}+)", re.DOTALL)
ALONE = re.compile(rf"(?:{NAME}|=)+", re.DOTALL)
MAP_GRAMMAR = (
    r"pairs like PS_*=PS,Job Title=TITLE,*=- (X* is every name that begins so, - drops, and a \ "
    r"comes before a comma, =, * or - that is part of a name)"
)
ONLY_GRAMMAR = r"names like PS,LC (no X*, and a \ comes before a comma or * that is part of a name)"


@dataclass(frozen=True)
class TypesRule:
    """How the names of entity types are read: which become which, which are left out, and which of
    two mentions stays where one lies inside of the other.

    `exact` and `prefixes`: a name, or what it begins with, -> the new one; None drops. `only`: the
    new names that stay; empty for all.
    """

    exact: Mapping[str, str | None] = field(default_factory=dict)
    prefixes: Mapping[str, str | None] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    nested: str = "reject"

    @property
    def changes_names(self) -> bool:
        """Whether any type may be renamed or dropped."""
        return bool(self.exact or self.prefixes or self.only)

    def key_of(self, name: str) -> str | None:
        """The entry of TYPES_MAP that decides about a name, as `unused_in` shows it."""
        if name in self.exact:
            return name
        fitting = [prefix for prefix in self.prefixes if name.startswith(prefix)]
        return f"{max(fitting, key=len)}{ANY}" if fitting else None

    def mapped(self, name: str) -> str | None:
        """The new name by TYPES_MAP alone."""
        key = self.key_of(name)
        if key is None or name in self.exact:
            return self.exact.get(name, name)
        return self.prefixes[key.removesuffix(ANY)]

    def new_name(self, name: str) -> str | None:
        """The name that is learned for a name as it is read; None where its spans are left out."""
        new = self.mapped(name)
        return None if self.only and new not in self.only else new

    @property
    def options(self) -> tuple[str, ...]:
        """What differs from reading types as they are, as name=value."""
        pairs = [(name, new) for name, new in self.exact.items()]
        pairs += [(f"{prefix}{ANY}", new) for prefix, new in self.prefixes.items()]
        options = [f"{name}={DROP if new is None else new}" for name, new in sorted(pairs)]
        options += [f"only {','.join(sorted(self.only))}"] if self.only else []
        return (*options, *([] if self.nested == "reject" else [f"nested: {self.nested}"]))

    @property
    def keys(self) -> list[str]:
        """The left sides of TYPES_MAP."""
        return [*self.exact, *(f"{prefix}{ANY}" for prefix in self.prefixes)]


def parse_types_map(text: str) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """The exact names and the beginnings of TYPES_MAP, each with its new name. Raises ValueError
    for what is no such list."""
    exact: dict[str, str | None] = {}
    prefixes: dict[str, str | None] = {}
    for piece in _pieces(text, MAP_GRAMMAR):
        match = PAIR.fullmatch(piece)
        if not match or not (match[1].strip() or match[2]):
            raise ValueError(f"{MAP_GRAMMAR}, which {piece!r} is not")
        old, star, new = match.groups()
        renamed = None if new == DROP else _plain(new)
        if renamed is not None and not is_type(renamed):
            raise ValueError(f"{MAP_GRAMMAR}; {renamed!r} cannot be a name")
        names = prefixes if star else exact
        name = _plain(old if star else old.rstrip())
        if name in names:
            raise ValueError(f"{MAP_GRAMMAR}, each left side once; {old + star!r} is there twice")
        names[name] = renamed
    return exact, prefixes


def parse_types_only(text: str) -> tuple[str, ...]:
    """The names of TYPES_ONLY, each once. Raises ValueError for what is no such list."""
    pieces = _pieces(text, ONLY_GRAMMAR)
    for piece in pieces:
        if not ALONE.fullmatch(piece):
            raise ValueError(f"{ONLY_GRAMMAR}, which {piece!r} is not")
    return tuple(dict.fromkeys(map(_plain, pieces)))


def _checked(parse: Callable[[str], object]) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


TypesMap = Annotated[str, _checked(parse_types_map)]
TypesOnly = Annotated[str, _checked(parse_types_only)]


def _pieces(text: str, grammar: str) -> list[str]:
    """What stands between the commas that are no part of a name."""
    pieces = [piece.strip() for piece in PIECES.findall(text)]
    if text.replace("\\\\", "").endswith("\\"):
        raise ValueError(f"{grammar}; nothing follows its last backslash")
    return [piece for piece in pieces if piece]


def _plain(name: str) -> str:
    return ESCAPED.sub(r"\1", name)
