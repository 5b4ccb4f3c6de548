"""An exported model at any URL, as a verified local folder."""

import hashlib
import logging
from functools import partial
from pathlib import Path

from job import storage
from job.corpus import in_writable, is_there, keep_first, staging
from job.errors import ArgumentError, DataError
from job.model import resolve_model
from job.storage import MANIFEST, masked, parse_manifest, verify_files

logger = logging.getLogger(__name__)

# An export that was cut off has one of the others.
PARTS = ("config.json", "label_map.txt", ".unfinished.json")


def open_model(url: str, cache_dir: Path) -> tuple[Path, dict]:
    """The local folder of the model at `url` or `url`/model, verified, and its manifest, which is
    empty for a Hugging Face folder that was trained elsewhere.

    Raises ArgumentError where no finished model lies, DataError where one is damaged.
    """
    for place in (url, storage.join(url, "model")):
        where = storage.join(place, MANIFEST)
        try:
            data = storage.read_bytes(where)
        except FileNotFoundError:
            continue
        manifest = parse_manifest(data, where)
        if storage.is_local(place):
            folder = storage.local_path(place)
        else:
            folder = in_writable(cache_dir, partial(_fetch, place, data, manifest))
        verify_files(folder, manifest)
        return folder, manifest
    if _is_from_elsewhere(url):
        logger.info("%s is no export of this job; it tags by its labels alone.", masked(url))
        local = storage.is_local(url)
        return storage.local_path(url) if local else resolve_model(url, None, None, cache_dir), {}
    raise ArgumentError(
        f"{masked(url)} holds no {MANIFEST}, nor does its model/, so no training has finished "
        "there; set DOWNSTREAM_MODEL_DIR to the output of a finished run, or to the folder of a "
        "Hugging Face token classifier."
    )


def _is_from_elsewhere(url: str) -> bool:
    """Whether a Hugging Face folder lies there that is no export of this job, whole or in part."""
    there = {name for name in PARTS if storage.exists(storage.join(url, name))}
    return there == {"config.json"}


def _fetch(url: str, data: bytes, manifest: dict, cache_dir: Path) -> Path:
    """Copies the files that the manifest names into a folder named by the manifest's digest."""
    models = cache_dir / "models"
    target = models / hashlib.sha256(data).hexdigest()[:32]
    if is_there(target):
        return target
    with staging(models) as temporary:
        folder = Path(temporary, "model")
        for name in manifest["files"]:
            try:
                storage.download_file(storage.join(url, name), folder / name)
            except FileNotFoundError as error:
                raise DataError(f"{storage.join(url, name)} is missing; export again.") from error
        verify_files(folder, manifest)
        keep_first(folder, target)
    return target
