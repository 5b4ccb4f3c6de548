"""The keys that lead to the parts of a sentence: found by `survey`, or named by CORPUS_FIELDS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Keys = tuple[str, ...]  # from object to object, and through the lists between
UNITS_NAMED = ("codepoints", "utf16", "bytes", "graphemes", "tokens", "morphemes")


def dotted(keys: Keys) -> str:
    return ".".join(keys)


def keys_of(text: str) -> Keys:
    return tuple(text.split("."))


class UsualKeys(NamedTuple):
    """The keys of a mention that is an object of single values."""

    start: str
    end: str
    type: str
    mention: str | None


class Roles(NamedTuple):
    """The keys of a mention that is an object. Where `end` is `length`, it counts from the start.

    The type is that of all its keys, joined by `-`.
    """

    start: Keys | None
    end: Keys | None
    is_length: bool
    type: tuple[Keys, ...]
    mention: Keys | None

    def usual(self) -> UsualKeys | None:
        """The same where each part is one value of the mention's own."""
        if self.start is None or self.end is None or self.start == self.end or self.is_length:
            return None
        found = [self.start, self.end, *self.type, *([self.mention] if self.mention else [])]
        if len(self.type) != 1 or any(len(keys) > 1 for keys in found):
            return None
        mention = self.mention[0] if self.mention else None
        return UsualKeys(self.start[0], self.end[0], self.type[0][0], mention)

    def said(self) -> list[str]:
        """As CORPUS_FIELDS names them."""
        end = "length" if self.is_length else "end"
        named = {"mention": self.mention, "start": self.start, end: self.end}
        said = [f"{role}={dotted(keys)}" for role, keys in named.items() if keys]
        return [*said, *(["type=" + "-".join(map(dotted, self.type))] if self.type else [])]


@dataclass(frozen=True)
class Named:
    """The parts that CORPUS_FIELDS names. `ends` is inclusive, exclusive, or empty."""

    text: Keys | None = None
    spans: Keys | None = None
    mention: Keys | None = None
    start: Keys | None = None
    end: Keys | None = None
    length: Keys | None = None
    type: str = ""
    ends: str = ""
    offsets: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> "Named":
        """Of CORPUS_FIELDS, role -> key."""
        paths = {
            role: keys_of(fields[role])
            for role in ("text", "spans", "mention", "start", "end", "length")
            if role in fields
        }
        words = {role: fields.get(role, "") for role in ("type", "ends", "offsets")}
        return cls(**paths, **words)  # type: ignore[arg-type]


def value_at(row: object, keys: Keys) -> object:
    """The value that the keys lead to, also through lists of one; None where there is none."""
    for key in keys:
        if isinstance(row, list) and len(row) == 1:
            row = row[0]
        if not isinstance(row, dict):
            return None
        row = row.get(key)
    return row


def flat(row: Mapping[str, object], before: Keys = ()) -> dict[Keys, object]:
    """The values of an object and of those within it, by their keys."""
    found: dict[Keys, object] = {}
    for key, value in row.items():
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            value = value[0]
        if isinstance(value, dict):
            found.update(flat(value, (*before, key)))
        else:
            found[*before, key] = value
    return found
