"""A corpus's name → its sentences, checked: what was rejected and why, what is said twice.

The texts and offsets here are the truth that training and evaluation go by.
"""

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from job.drive import DRIVE_URL
from job.errors import DataError
from job.lines import Rejected
from job.normalize import OFF
from job.sources import Cache, find_sources
from job.splits import Split, read_split

__all__ = ["Corpus", "Rejected", "Split", "load_corpus"]

logger = logging.getLogger(__name__)

PLACES_SHOWN = 3  # file:line of so many rejected sentences per reason


@dataclass(frozen=True)
class Corpus:
    """Splits that were checked. `notes` say what a reader of the results should know."""

    name: str
    train: Split
    val: Split
    test: Split | None
    notes: tuple[str, ...]


def load_corpus(
    name: str,
    root_url: str | None,
    cache_dir: Path,
    *,
    force_download: bool,
    sha256: Mapping[str, str],
    max_rejected_ratio: float,
    max_download_mb: int,
    allow_unseen_labels: bool,
    normalize: str = OFF,
    drive_url: str = DRIVE_URL,
) -> Corpus:
    """Finds, fetches, reads and checks a corpus; each fact is a line of the log.

    `sample` is embedded, `ner` the tutorial's, any other is `<root_url>/<name>/`. With
    `allow_unseen_labels`, spans of a type that train lacks stay in val and test: the label map will
    not have the type, so no model can find them, and the scores say so.
    Raises DataError, ArgumentError, UnavailableError, PermissionDeniedError or StorageError.
    """
    cache = Cache(cache_dir / "corpora", max_download_mb * 1_000_000, force_download)
    sources = find_sources(name, root_url, cache, sha256, drive_url)
    for split in sha256.keys() - sources.keys():
        raise DataError(f"CORPUS_SHA256 pins {split}, but `{name}` has no such split; remove it.")
    notes: list[str] = []
    splits = {}
    for split, source in sources.items():
        splits[split] = read_split(split, source, cache, sha256.get(split), normalize)
        _check_rejected(splits[split], max_rejected_ratio)
    if name != "sample" and not sha256:
        pins = ",".join(f"{split.name}={split.sha256}" for split in splits.values())
        logger.info("To pin this corpus: CORPUS_SHA256=%s", pins)
    _check_entities(splits["train"])
    notes += _few_sentences(splits) + _formats_differ(splits) + _said_twice(splits)
    notes += _unseen_types(splits, allow_unseen_labels)
    for note in notes:
        logger.warning("%s", note)
    return Corpus(name, splits["train"], splits["val"], splits.get("test"), tuple(notes))


def _check_rejected(split: Split, max_ratio: float) -> None:
    """Warns of each reason; raises DataError when too much was rejected or nothing is left."""
    by_reason: dict[str, list[Rejected]] = defaultdict(list)
    for rejected in split.rejected:
        by_reason[rejected.reason].append(rejected)
    said = []
    for reason, rejected in sorted(by_reason.items(), key=lambda item: -len(item[1])):
        places = ", ".join(f"{split.path}:{row.line}" for row in rejected[:PLACES_SHOWN])
        more = ", …" if len(rejected) > PLACES_SHOWN else ""
        detail = f"; the first: {rejected[0].detail}" if rejected[0].detail else ""
        said.append(f"{len(rejected)} × {reason} ({places}{more}{detail})")
    total = len(split.rejected) + len(split.sentences)
    ratio = len(split.rejected) / total if total else 0.0
    if not split.sentences or ratio > max_ratio:
        raise DataError(
            f"{split.path}: {len(split.rejected)} of {total} sentences were rejected ({ratio:.1%}, "
            f"MAX_REJECTED_RATIO={max_ratio}): {'; '.join(said) or 'it has none'}. Correct the file"
            f"{', or raise MAX_REJECTED_RATIO' if split.sentences else ''}."
        )
    for line in said:
        logger.warning("%s: rejected %s.", split.name, line)


def _check_entities(train: Split) -> None:
    if not any(sentence.spans for sentence in train.sentences):
        raise DataError(
            f"{train.path}: none of its {len(train.sentences)} sentences has an entity (all O), so "
            "there is nothing to learn; check that it is the labelled file."
        )


def _few_sentences(splits: Mapping[str, Split]) -> list[str]:
    notes = []
    for split in splits.values():
        if len(split.sentences) == 1:
            notes.append(f"{split.name} has one sentence only: its scores say little.")
        if not any(sentence.spans for sentence in split.sentences):
            notes.append(f"{split.name} has no entity: its F1 is not defined.")
    return notes


def _formats_differ(splits: Mapping[str, Split]) -> list[str]:
    if len({split.format for split in splits.values()}) == 1:
        return []
    formats = "; ".join(f"{split.name}: {split.format}" for split in splits.values())
    return [f"The splits are read differently ({formats}): their texts may differ in spaces."]


def _said_twice(splits: Mapping[str, Split]) -> list[str]:
    """Texts that several splits have: scores on them are too good."""
    notes = []
    lines = {n: {s.text: s.line for s in reversed(p.sentences)} for n, p in splits.items()}
    for left, right in (("train", "val"), ("train", "test"), ("val", "test")):
        if left in lines and right in lines:
            both = [text for text in lines[right] if text in lines[left]]
            count = sum(sentence.text in lines[left] for sentence in splits[right].sentences)
            if both:
                first = min(both, key=lines[right].get)
                notes.append(
                    f"{count} of {len(splits[right].sentences)} sentences of {right} are in {left} "
                    f"too (the first: {splits[right].path}:{lines[right][first]} and "
                    f"{splits[left].path}:{lines[left][first]}): scores on {right} are too good."
                )
    return notes


def _unseen_types(splits: Mapping[str, Split], allowed: bool) -> list[str]:
    known = {span.type for sentence in splits["train"].sentences for span in sentence.spans}
    notes = []
    for split in splits.values():
        unseen: Counter = Counter()
        first = 0
        for sentence in split.sentences:
            types = [span.type for span in sentence.spans if span.type not in known]
            unseen.update(types)
            first = first or (sentence.line if types else 0)
        if not unseen:
            continue
        found = ", ".join(f"{type_} ({count} ×)" for type_, count in unseen.most_common())
        said = f"{split.name} has entity types that train lacks: {found}; {split.path}:{first}"
        if not allowed:
            raise DataError(
                f"{said}. Correct the labels, add such sentences to train, or set "
                "ALLOW_UNSEEN_LABELS=true: they then count as missed."
            )
        notes.append(f"{said}: no model trained on this can find them; they count as missed.")
    return notes
