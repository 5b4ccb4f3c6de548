"""The splits that lie at places of any kind, read and checked by themselves, without a train."""

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from job.corpus.checks import check_rejected, few_sentences
from job.corpus.download.copies import Cache
from job.corpus.files import Sources, find_at
from job.corpus.formats.entity_types import unused_names
from job.corpus.places.split_words import split_of
from job.corpus.split import Split, read_split
from job.settings import Settings
from job.storage import masked

logger = logging.getLogger(__name__)

UNNAMED = "test"  # labelled files of no split, read to score a model


def read_splits(place: str, how: Settings) -> dict[str, Split]:
    """Split → its sentences; a corpus without names of splits is one, called train.

    Raises DataError where no corpus lies at `place` or too much of it was rejected.
    """
    cache = _cache(how)
    splits = dict(_read(find_at(place, cache, "IN"), cache, how, how.normalize))
    _check([*splits.values()], how)
    return splits


def read_labelled(places: Sequence[str], how: Settings, normalize: str) -> dict[str, Split]:
    """Split → the sentences of all places, to score a model on; those of no split are `test`.

    Each place is in a format of its own. Where one has val or test, its train is left out. Raises
    DataError where nothing lies at a place or too much was rejected.
    """
    cache = _cache(how)
    found: dict[str, list[Split]] = {}
    for place in places:
        sources = _to_score(find_at(place, cache, "FILES"), place)
        for name, split in _read(sources, cache, how, normalize):
            found.setdefault(name, []).append(split)
    splits = {name: _joined(parts) for name, parts in found.items()}
    _check([*splits.values()], how)
    for note in few_sentences(splits):
        logger.warning("%s", note)
    return splits


def _cache(how: Settings) -> Cache:
    token = how.hf_token.get_secret_value() if how.hf_token else None
    folder, most = how.cache_dir / "corpora", how.max_download_mb * 1_000_000
    return Cache(folder, most, how.force_download, token)


def _read(
    sources: Sources, cache: Cache, how: Settings, normalize: str
) -> Iterator[tuple[str, Split]]:
    reading = how.fields_by_role, normalize, how.types_rule
    for name, files in sources.items():
        yield name, read_split(name, files, cache, None, *reading)


def _check(splits: Sequence[Split], how: Settings) -> None:
    for split in splits:
        check_rejected(split, how.max_rejected_ratio)
    for warning in unused_names([each.type_names for each in splits], how.types_rule):
        logger.warning("%s", warning)


def _to_score(sources: Sources, place: str) -> Sources:
    if set(sources) == {"train"}:
        is_named = any(split_of(source.inside) for source in sources["train"])
        return sources if is_named else {UNNAMED: sources["train"]}
    if "train" in sources:
        logger.info(
            "%s: train is left out, for a model is scored on what it has not seen; name its file "
            "to score it on that.",
            masked(place),
        )
    return {name: files for name, files in sources.items() if name != "train"}


def _joined(parts: Sequence[Split]) -> Split:
    """The sentences of several places as one split."""
    if len(parts) == 1:
        return parts[0]
    sums = "\n".join(part.sha256 for part in parts)
    return replace(
        parts[0],
        path=f"{parts[0].path} and {len(parts) - 1} more",
        format=", ".join(dict.fromkeys(part.format for part in parts)),
        sha256=hashlib.sha256(sums.encode()).hexdigest(),
        sentences=tuple(sentence for part in parts for sentence in part.sentences),
        rejected=tuple(row for part in parts for row in part.rejected),
        type_names=sum((Counter(part.type_names) for part in parts), Counter[str]()),
        type_notes=tuple(note for part in parts for note in part.type_notes),
    )
