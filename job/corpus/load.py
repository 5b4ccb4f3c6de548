"""A corpus's name → its sentences, checked: what was rejected and why, what is said twice.

The texts and offsets here are the truth that training and evaluation go by.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from job.corpus.checks import (
    check_entities,
    check_rejected,
    contradictions,
    few_sentences,
    formats_differ,
    repeated_texts,
    without_unseen_types,
)
from job.corpus.download.copies import Cache
from job.corpus.download.google_drive import DRIVE_URL
from job.corpus.files import Sources, find_sources, find_to_train
from job.corpus.formats.entity_types import unused_names
from job.corpus.formats.format import AS_READ, NO_FIELDS
from job.corpus.formats.text_lines import Rejected
from job.corpus.held_out import VAL_RATIO, hold_out
from job.corpus.normalize import OFF
from job.corpus.shown import tell_sentences
from job.corpus.split import Split, read_split
from job.errors import ArgumentError, DataError
from job.sentence import SPLITS
from job.settings import TypesRule

__all__ = ["Corpus", "Rejected", "Split", "load_corpus"]

logger = logging.getLogger(__name__)


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
    fields: Mapping[str, str] = NO_FIELDS,
    normalize: str = OFF,
    types: TypesRule = AS_READ,
    show_sentences: int = 0,
    place: str | None = None,
    val_ratio: float | None = None,
    drive_url: str = DRIVE_URL,
    token: str | None = None,
) -> Corpus:
    """Finds, fetches, reads and checks a corpus; each fact is a line of the log.

    It lies at `place` or, where that is None, in `<root_url>/<name>`; without a root `sample` is
    embedded and `ner` the tutorial's. Where it has no val split, `val_ratio` of train's documents
    or sentences become it, by default a tenth; given beside a val split it is an error. Sentences
    with an entity type that train lacks are rejected where they are few; with `allow_unseen_labels`
    they stay in val and test: the label map will not have the type, so no model can find it, and
    the scores say so. `fields` are those of CORPUS_FIELDS, role -> column or key, `types` the rule
    of TYPES_MAP and its kin; `show_sentences` of each split are logged; `token` is the hub's.
    Raises DataError, ArgumentError, UnavailableError, PermissionDeniedError or StorageError.
    """
    cache = Cache(cache_dir / "corpora", max_download_mb * 1_000_000, force_download, token)
    if place is None:
        sources = find_sources(name, root_url, cache, sha256, drive_url)
    else:
        sources = find_to_train(place, cache)
    _refuse_arguments(sources, val_ratio, sha256)
    splits = {
        split: read_split(split, files, cache, sha256.get(split), fields, normalize, types)
        for split, files in sources.items()
    }
    _tell_pins({} if sha256 or name == "sample" else splits)
    check_rejected(splits["train"], max_rejected_ratio)
    unused = unused_names([each.type_names for each in splits.values()], types)
    check_entities(splits["train"])
    splits = _with_val(splits, sources, val_ratio or VAL_RATIO)
    splits, unseen = without_unseen_types(splits, allow_unseen_labels, max_rejected_ratio)
    _check_others(splits, max_rejected_ratio)
    notes = (*unused, *_notes(splits, max_rejected_ratio), *unseen)
    _tell(notes, splits, show_sentences)
    return Corpus(name, splits["train"], splits["val"], splits.get("test"), notes)


def _tell_pins(splits: Mapping[str, Split]) -> None:
    if pins := ",".join(f"{each.name}={each.sha256}" for each in splits.values()):
        logger.info("To pin this corpus: CORPUS_SHA256=%s", pins)


def _check_others(splits: Mapping[str, Split], max_rejected_ratio: float) -> None:
    for other in list(splits.values())[1:]:
        check_rejected(other, max_rejected_ratio)


def _tell(notes: Sequence[str], splits: Mapping[str, Split], show_sentences: int) -> None:
    for note in notes:
        logger.warning("%s", note)
    for each in splits.values():
        tell_sentences(each, show_sentences)


def _notes(splits: Mapping[str, Split], max_rejected_ratio: float) -> list[str]:
    return [
        *few_sentences(splits),
        *formats_differ(splits),
        *repeated_texts(splits),
        *contradictions(splits, max_rejected_ratio),
    ]


def _refuse_arguments(sources: Sources, val_ratio: float | None, sha256: Mapping[str, str]) -> None:
    if val_ratio is not None and "val" in sources:
        raise ArgumentError(
            f"VAL_RATIO={val_ratio:g}: the corpus has a val split of its own "
            f"({sources['val'][0].shown}); leave VAL_RATIO out, or remove that split."
        )
    for pinned in sha256.keys() - sources.keys():
        raise DataError(
            f"CORPUS_SHA256 pins {pinned}, but the corpus has no file of that split "
            f"({sources['train'][0].shown} is of train); remove {pinned}=… from it."
        )


def _with_val(splits: dict[str, Split], sources: Sources, ratio: float) -> dict[str, Split]:
    """The splits in their order; where val is missing, a part of train is."""
    if "val" not in splits:
        splits = splits | hold_out(splits["train"], sources["train"], ratio)
    return {split: splits[split] for split in SPLITS if split in splits}
