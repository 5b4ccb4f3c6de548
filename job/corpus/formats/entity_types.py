"""Entity types by the names that are learned: renamed or dropped as TYPES_MAP and TYPES_ONLY say.

It is done to names as they are read, before overlaps are judged, so that a mention whose type is
dropped overlaps no other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from job.sentence import Sentence, Span
from job.settings import TypesRule

LISTED = 12  # names of each kind that a message lists


def with_new_names(
    sentences: Sequence[Sentence], rule: TypesRule
) -> tuple[Sequence[Sentence], Counter[str]]:
    """The sentences with the new names, and how often each name was read."""
    found: Counter[str] = Counter()
    if not rule.changes_names:
        return sentences, found
    new_names: dict[str, str | None] = {}
    renamed = []
    for sentence in sentences:
        spans = []
        for span in sentence.spans:
            found[span.type] += 1
            if span.type not in new_names:
                new_names[span.type] = rule.new_name(span.type)
            new = new_names[span.type]
            if new is not None:
                spans.append(span if new == span.type else Span(span.start, span.end, new))
        renamed.append(replace(sentence, spans=tuple(spans)))
    return renamed, found


def told(found: Counter[str], rule: TypesRule) -> list[str]:
    """What became of the names that were read, a phrase for each thing that was done."""
    renamed, dropped, left_out = Counter[str](), Counter[str](), Counter[str]()
    for name, count in found.items():
        new = rule.mapped(name)
        if new is None:
            dropped[name] += count
        elif rule.only and new not in rule.only:
            left_out[name if new == name else f"{name} → {new}"] += count
        elif new != name:
            renamed[f"{name} → {new}"] += count
    phrases = (
        (renamed, "renamed by TYPES_MAP"),
        (dropped, "dropped by TYPES_MAP"),
        (left_out, "left out, because TYPES_ONLY does not name their type"),
    )
    total = found.total()
    return [
        f"{counts.total()} of {total} spans {phrase}: {_listed(counts)}"
        for counts, phrase in phrases
        if counts
    ]


def _listed(counts: Counter[str]) -> str:
    shown = ", ".join(f"{name} ({count})" for name, count in counts.most_common(LISTED))
    more = len(counts) - LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def unused_names(found: Counter[str], rule: TypesRule) -> list[str]:
    """A sentence for each argument of which an entry matches no entity."""
    used = {rule.key_of(name) for name in found}
    new_names = dict.fromkeys(new for name in found if (new := rule.mapped(name)) is not None)
    entries = [key for key in rule.keys if key not in used]
    missing = [name for name in rule.only if name not in new_names]
    said = []
    if entries:
        said.append(
            f"TYPES_MAP: {_and(entries)} matches no entity of this corpus, whose types are "
            f"{_and(found)}; correct the name or remove the entry."
        )
    if missing:
        said.append(
            f"TYPES_ONLY: no entity of this corpus has the type {_and(missing)}; its types are "
            f"{_and(new_names)}; correct the name or remove it."
        )
    return said


def _and(names: Iterable[str]) -> str:
    listed = list(names)
    more = len(listed) - LISTED
    return ", ".join(listed[:LISTED]) + (f" and {more} more" if more > 0 else "") or "none"
