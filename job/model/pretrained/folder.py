"""A model's name → a local folder that holds it."""

import hashlib
from pathlib import Path

from job import sample, storage
from job.corpus import in_writable, keep_first, staging
from job.errors import ArgumentError
from job.model.pretrained.hub import fetch_snapshot, wanted_files
from job.storage import masked, sha256_of


def resolve_model(name: str, revision: str | None, token: str | None, cache_dir: Path) -> Path:
    """The local folder of a model: `sample`, a directory, an fsspec URL or a hub id.

    Raises ArgumentError, PermissionDeniedError, UnavailableError, StorageError, OutputError.
    """
    if name == "sample":
        return sample.MODEL
    if "://" in name:
        return in_writable(cache_dir, lambda folder: _fetch_directory(name, folder))
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if name.startswith(("/", "./", "../", "~", ".\\")) or path.exists():
        raise ArgumentError(
            f"PRETRAINED_MODEL_NAME={name} is not a directory; name a model directory or a hub id."
        )
    return fetch_snapshot(name, revision, token, cache_dir)


def _fetch_directory(url: str, cache_dir: Path) -> Path:
    """Copies a model directory into a folder named by its content: nobody's copy is replaced."""
    files = wanted_files(storage.list_names(url))
    if "config.json" not in files:
        raise ArgumentError(
            f"PRETRAINED_MODEL_NAME={masked(url)}: there is no config.json; name the directory "
            "in which the model's files lie."
        )
    models = cache_dir / "models"
    with staging(models) as temporary:
        folder = Path(temporary, "model")
        digest = hashlib.sha256()
        for name in sorted(files):
            storage.download_file(storage.join(url, name), folder / name)
            digest.update(f"{name} {sha256_of(folder / name)}\n".encode())
        target = models / digest.hexdigest()[:32]
        keep_first(folder, target)
    return target
