"""The places of a row's tokens, morphemes or graphemes in its text, half-open in code points."""

import itertools
import sys
from array import array
from collections.abc import Callable, Sequence

import regex

from job.corpus.formats.json_rows.decoding.window import Object
from job.corpus.formats.json_rows.offsets.marked import Marked
from job.corpus.formats.json_rows.shape import names
from job.corpus.formats.json_rows.shape.names import plain

Bounds = list[tuple[int, int]]
WIDTHS: dict[str, Callable[[str], int]] = {
    "UTF-8 bytes": lambda sign: len(sign.encode()),
    "code points": lambda _: 1,
    "UTF-16 code units": lambda sign: 2 if sign > "\uffff" else 1,
}
WORD_KEYS = ("text", "form", "surface", "word", "token", "lemma")
STARTS = ("position", "start", "begin", "offset", "start_offset")


def add_bounds(marked: Marked, row: Object, *, graphemes: bool) -> None:
    """Says of each list of units where they are."""
    found: dict[str, Bounds] = {}
    if graphemes:
        found["graphemes"] = [match.span() for match in regex.finditer(r"\X", marked.text)]
    for key, value in row.items():
        if plain(key) in names.TOKENS and isinstance(value, list) and value:
            _add(found, marked.text, key, value)
    marked.bounds = {
        sys.intern(name): array("i", itertools.chain.from_iterable(bounds))
        for name, bounds in found.items()
    }


def _add(found: dict[str, Bounds], text: str, key: str, units: list) -> None:
    if all(isinstance(unit, str) for unit in units):
        if (bounds := _aligned(text, units)) is not None:
            found[f"places among its `{key}`"] = bounds
        return
    objects = [unit for unit in units if isinstance(unit, dict)]
    if len(objects) < len(units) or not _in_order(objects):
        return
    start = next((name for name in STARTS if type(objects[0].get(name)) is int), None)
    if start is None:
        word = next((name for name in WORD_KEYS if isinstance(objects[0].get(name), str)), "")
        bounds = _aligned(text, [str(unit.get(word)) for unit in objects]) if word else None
        if bounds is not None:
            found[f"places among its `{key}`"] = _from_first(objects, bounds)
        return
    for name, bounds in _by_starts(text, objects, start).items():
        found[f"places among its `{key}`, whose `{start}` counts {name}"] = bounds


def _by_starts(text: str, objects: Sequence[Object], start: str) -> dict[str, Bounds]:
    """The bounds by what the units' starts may count."""
    starts = [unit.get(start) for unit in objects]
    if not all(type(at) is int for at in starts):
        return {}
    found = {name: _between(text, starts, width) for name, width in WIDTHS.items()}
    return {
        name: _from_first(objects, bounds) for name, bounds in found.items() if bounds is not None
    }


def _in_order(objects: Sequence[Object]) -> bool:
    """Whether ids, where units have them, are running numbers."""
    ids = [unit.get("id") for unit in objects]
    if not any(type(own) is int for own in ids):
        return True
    return ids in (list(range(len(ids))), list(range(1, len(ids) + 1)))


def _from_first(objects: Sequence[Object], bounds: Bounds) -> Bounds:
    """Bounds by id: where ids begin with 1, nothing is at 0."""
    return [(-1, -1), *bounds] if objects[0].get("id") == 1 else bounds


def _aligned(text: str, units: Sequence[str]) -> Bounds | None:
    """The units one after the other, with nothing but blanks between them."""
    bounds, at = [], 0
    for unit in units:
        start = text.find(unit, at)
        if start < 0 or not unit or text[at:start].strip():
            return None
        at = start + len(unit)
        bounds.append((start, at))
    return None if text[at:].strip() else bounds


def _between(text: str, starts: Sequence, width: Callable[[str], int]) -> Bounds | None:
    """Each unit from its start to the next one's, without the blanks before that."""
    index_at, offset = {0: 0}, 0
    for i, sign in enumerate(text, start=1):
        offset += width(sign)
        index_at[offset] = i
    if any(start not in index_at for start in starts):
        return None
    begins = [index_at[start] for start in starts]
    bounds = []
    for i, begin in enumerate(begins):
        following = next((other for other in begins[i + 1 :] if other > begin), len(text))
        bounds.append((begin, begin + len(text[begin:following].rstrip())))
    return bounds
