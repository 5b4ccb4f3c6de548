"""The splits that lie at one place, each read and checked by itself, as a conversion needs them."""

import logging

from job.corpus.checks import check_rejected
from job.corpus.download.copies import Cache
from job.corpus.files import find_at
from job.corpus.formats.entity_types import unused_names
from job.corpus.split import Split, read_split
from job.settings import Settings

logger = logging.getLogger(__name__)


def read_splits(place: str, how: Settings) -> dict[str, Split]:
    """Split → its sentences; a corpus without names of splits is one, called train.

    Raises DataError where no corpus lies at `place` or too much of it was rejected.
    """
    cache = Cache(how.cache_dir / "corpora", how.max_download_mb * 1_000_000, how.force_download)
    reading = how.fields_by_role, how.normalize, how.types_rule
    splits = {
        name: read_split(name, files, cache, None, *reading)
        for name, files in find_at(place, cache, "IN").items()
    }
    for split in splits.values():
        check_rejected(split, how.max_rejected_ratio)
    for warning in unused_names([each.type_names for each in splits.values()], how.types_rule):
        logger.warning(warning)
    return splits
