"""The names of integer tags, from what lies beside a split or above it in its corpus.

label_names.txt is a person's word. The others are written by Hugging Face's `datasets`, and
describe all configurations of a corpus: where these name tags differently, the one counts whose
name is a folder's or file's in the split's path.
"""

import json
from collections.abc import Callable
from pathlib import PurePosixPath

from job.corpus.download.copies import Cache
from job.corpus.download.hub_layout import front_matter
from job.corpus.files import Source, read_companion
from job.corpus.formats.arrow.features import Names, described_names
from job.corpus.formats.json_rows.left_out import TAGS
from job.errors import DataError


def find_tag_names(source: Source, cache: Cache) -> Names | None:
    """The names in order, or None where nothing beside the split has any. Raises DataError."""
    listed = read_companion(source, "label_names.txt", cache)
    if listed is not None:
        return _listed(listed, source)
    for name, parse in DESCRIPTIONS:
        described = read_companion(source, name, cache)
        if described is not None and (names := _described(parse(described), source, name)):
            return names
    return None


def _listed(content: bytes, source: Source) -> Names:
    """One name a line, or all in one line. A blank within a name shifts none of the others."""
    try:
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(
            f"label_names.txt beside {source.shown} is not UTF-8; convert it."
        ) from error
    names = [line for line in lines if line]
    return tuple(names[0].split() if len(names) == 1 else names)


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _infos(content: bytes) -> object:
    """One description for each configuration: {name: {"features": …}}."""
    infos = _json(content)
    if not isinstance(infos, dict):
        return None
    return [{"config_name": name, "info": info} for name, info in infos.items()]


def _front_matter(content: bytes) -> object:
    return front_matter(content).get("dataset_info")


DESCRIPTIONS: tuple[tuple[str, Callable[[bytes], object]], ...] = (
    ("dataset_info.json", _json),
    ("dataset_infos.json", _infos),
    ("README.md", _front_matter),
)


def _described(description: object, source: Source, name: str) -> Names | None:
    """Raises DataError where configurations differ and the path names none of them."""
    each = description if isinstance(description, list) else [description]
    parts = {part.partition("-")[0] for part in PurePosixPath(source.shown).parts}
    named = [info for info in each if isinstance(info, dict) and info.get("config_name") in parts]
    for key in TAGS:
        found = described_names(named or each, key)
        if len(found) > 1:
            raise DataError(
                f"{name} beside {source.shown} names `{key}` in {len(found)} ways, one for each "
                "configuration; write the names that are meant into label_names.txt beside "
                "the split, one a line."
            )
        if found:
            return next(iter(found))
    return None
