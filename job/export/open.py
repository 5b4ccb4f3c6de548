"""An exported model at any URL, as a verified local folder."""

import hashlib
from functools import partial
from pathlib import Path

from job import storage
from job.corpus import in_writable, is_there, keep_first, staging
from job.errors import ArgumentError, DataError
from job.storage import MANIFEST, parse_manifest, verify_files


def open_model(url: str, cache_dir: Path) -> tuple[Path, dict]:
    """The local folder of the model at `url` or `url`/model, verified, and its manifest.

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
    raise ArgumentError(
        f"{url} holds no {MANIFEST}, nor does its model/, so no training has finished there; set "
        f"DOWNSTREAM_MODEL_DIR to the output of a finished run."
    )


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
