"""Checks of a corpus as a whole: counted, shown by file and line, refused where they find much."""

import itertools
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from job.corpus.formats.text_lines import Rejected
from job.corpus.split import Split
from job.errors import DataError
from job.figures import counted
from job.sentence import SPLITS, Sentence, Span

logger = logging.getLogger(__name__)

UNSEEN_TYPE = "an entity type that train lacks"
PLACES_SHOWN = 3  # file:line of so many sentences per reason


def check_rejected(split: Split, max_ratio: float) -> None:
    """Warns of each reason; raises DataError when too much was rejected or nothing is left."""
    by_reason: dict[str, list[Rejected]] = defaultdict(list)
    for row in split.rejected:
        by_reason[row.reason].append(row)
    said = []
    for reason, rejected in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        places = ", ".join(row.place for row in rejected[:PLACES_SHOWN])
        more = ", …" if len(rejected) > PLACES_SHOWN else ""
        detail = f"; the first: {rejected[0].detail}" if rejected[0].detail else ""
        said.append(f"{len(rejected)} × {reason} ({places}{more}{detail})")
    total = len(split.rejected) + len(split.sentences)
    ratio = len(split.rejected) / total if total else 0.0
    if not split.sentences or ratio > max_ratio:
        raise DataError(
            f"{split.path}: {len(split.rejected)} of {counted(total, 'sentence')} "
            f"{'was' if len(split.rejected) == 1 else 'were'} rejected ({ratio:.1%}, "
            f"MAX_REJECTED_RATIO={max_ratio}): {'; '.join(said) or 'it has none'}. Correct the file"
            f"{', or raise MAX_REJECTED_RATIO' if split.sentences else ''}."
        )
    for line in said:
        logger.warning("%s: rejected %s.", split.name, line)


def check_entities(train: Split) -> None:
    """Raises DataError where train has nothing to learn."""
    if any(sentence.spans for sentence in train.sentences):
        return
    if train.type_names:
        names = ", ".join(sorted(train.type_names))
        raise DataError(
            f"{train.path}: TYPES_MAP and TYPES_ONLY leave none of the entity types that were read "
            f"({names}), so there is nothing to learn; keep one of them."
        )
    raise DataError(
        f"{train.path}: none of its {counted(len(train.sentences), 'sentence')} has an entity (all "
        "O), so there is nothing to learn; check that it is the labelled file."
    )


def few_sentences(splits: Mapping[str, Split]) -> list[str]:
    notes = []
    for split in splits.values():
        if len(split.sentences) == 1:
            notes.append(f"{split.name} has one sentence only: its scores say little.")
        if not any(sentence.spans for sentence in split.sentences):
            notes.append(f"{split.name} has no entity: its F1 is not defined.")
    return notes


def formats_differ(splits: Mapping[str, Split]) -> list[str]:
    if len({split.format for split in splits.values()}) == 1:
        return []
    formats = "; ".join(f"{split.name}: {split.format}" for split in splits.values())
    return [f"The splits are read differently ({formats}): their texts may differ in spaces."]


def repeated_texts(splits: Mapping[str, Split]) -> list[str]:
    """Texts that several splits have: scores on them look better than they are."""
    notes = []
    for left, right in itertools.combinations([name for name in SPLITS if name in splits], 2):
        first = {s.text: s for s in reversed(splits[left].sentences)}
        both = [s for s in splits[right].sentences if s.text in first]
        if both:
            notes.append(
                f"{len(both)} of {counted(len(splits[right].sentences), 'sentence')} of {right} "
                f"{'is' if len(both) == 1 else 'are'} in {left} too (the first: {both[0].place} "
                f"and {first[both[0].text].place}): scores on {right} will look better than they "
                "are."
            )
    return notes


def without_unseen_types(
    splits: Mapping[str, Split], allowed: bool, max_ratio: float
) -> tuple[dict[str, Split], list[str]]:
    """The splits without the few sentences of val and test that hold a type which train lacks.

    With `allowed` they stay, and their entities count as missed. Raises DataError where such types
    mark more than `max_ratio` of a split's entities: that is no slip of an annotator.
    """
    known = {span.type for sentence in splits["train"].sentences for span in sentence.spans}
    kept, notes = {}, []
    for name, split in splits.items():
        kept[name] = split
        unseen = [{span.type for span in s.spans} - known for s in split.sentences]
        pairs = list(zip(split.sentences, unseen, strict=True))
        rejected = tuple(
            Rejected(UNSEEN_TYPE, sentence.line, ", ".join(sorted(types)), sentence.file)
            for sentence, types in pairs
            if types
        )
        if not rejected:
            continue
        marked = Counter(s.type for sentence in split.sentences for s in sentence.spans)
        counts = Counter({type_: n for type_, n in marked.items() if type_ not in known})
        found = ", ".join(f"{type_} ({count} ×)" for type_, count in counts.most_common())
        said = f"{name} has entity types that train lacks: {found}; {rejected[0].place}"
        if allowed:
            notes.append(f"{said}: no model trained on this can find them; they count as missed.")
            continue
        if counts.total() > max_ratio * marked.total():
            raise DataError(
                f"{said}. They mark {counts.total()} of its {marked.total()} entities, more than "
                f"MAX_REJECTED_RATIO={max_ratio}. Correct the labels, add such sentences to train, "
                "or set ALLOW_UNSEEN_LABELS=true: they then count as missed."
            )
        notes.append(f"{said}. Rejected with them: {counted(len(rejected), 'sentence')}.")
        kept[name] = replace(
            split,
            sentences=tuple(sentence for sentence, types in pairs if not types),
            rejected=split.rejected + rejected,
        )
    return kept, notes


def contradictions(splits: Mapping[str, Split], max_ratio: float) -> list[str]:
    """Notes on equal texts with different entities, within a split and across.

    Several annotators' answers that were put together look like that, and teach a model to leave
    out what one of them missed. Raises DataError where more than `max_ratio` of a split's sentences
    contradict another.
    """
    notes = []
    names = list(splits)
    for i, name in enumerate(names):
        for other in (name, *names[:i]):
            pairs = _contradicting(splits[name], splits[other])
            if not pairs:
                continue
            places = ", ".join(
                f"{sentence.place} and {before.place}" for sentence, before in pairs[:PLACES_SHOWN]
            )
            total = len(splits[name].sentences)
            smaller = min(total, len(splits[other].sentences))
            said = (
                f"{len(pairs)} of {counted(total, 'sentence')} of {name} repeat a text of {other} "
                f"with other entities ({places}{', …' if pairs[PLACES_SHOWN:] else ''})"
            )
            if len(pairs) > max_ratio * smaller:  # a large train must not hide a small val
                raise DataError(
                    f"{said}, more than MAX_REJECTED_RATIO={max_ratio}: keep one annotator's "
                    "answer to each text."
                )
            notes.append(f"{said}: one of the two is wrong.")
    return notes


def _contradicting(split: Split, other: Split) -> list[tuple[Sentence, Sentence]]:
    """Each sentence beside the first one of `other` with its text and other entities."""
    first: dict[str, dict[tuple[Span, ...], Sentence]] = {}  # text -> entities -> sentence
    for sentence in other.sentences:
        first.setdefault(sentence.text, {}).setdefault(sentence.spans, sentence)
    pairs = []
    for sentence in split.sentences:
        answers = first.get(sentence.text, {})
        before = next((each for spans, each in answers.items() if spans != sentence.spans), None)
        if before is not None:
            pairs.append((sentence, before))
    return pairs
