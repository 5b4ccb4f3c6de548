"""MANIFEST.json: the file that is written last, with the size and sha256 of every other file.

What has no manifest does not exist; what does not match it is not used.
"""

import hashlib
import json
from collections.abc import Mapping, Set
from pathlib import Path

import job
from job.errors import ArgumentError, DataError

MANIFEST = "MANIFEST.json"
FORMAT = 1


def describe_files(folder: Path) -> dict:
    """The manifest of the files directly in `folder`."""
    files = {
        file.name: {"sha256": sha256_of(file), "size": file.stat().st_size}
        for file in sorted(folder.iterdir())
        if file.is_file() and file.name != MANIFEST
    }
    return {"format": FORMAT, "code_version": job.__version__, "files": files}


def sha256_of(file: Path) -> str:
    """Hex digest of the content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parse_manifest(data: bytes, where: str) -> dict:
    """Checks what a manifest says before its file names are used. Raises a JobError."""
    try:
        manifest = json.loads(data)
        files = manifest["files"]
        names = [name for name, file in files.items() if {"sha256", "size"} <= file.keys()]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(f"{where} is damaged ({error}); export the model again.") from error
    if manifest.get("format") != FORMAT:
        raise ArgumentError(
            f"{where} has format {manifest.get('format')!r}, this version reads {FORMAT}; use "
            f"the version that wrote it ({manifest.get('code_version')})."
        )
    if len(names) != len(files) or any("/" in n or "\\" in n or n.startswith(".") for n in names):
        raise DataError(f"{where} is damaged (a file's entry); export the model again.")
    return manifest


def named_files(manifest: bytes, otherwise: Set[str]) -> Set[str]:
    """The names of the files that a manifest of ours names: none where it is another's, and
    `otherwise` where it cannot be read."""
    try:
        found = json.loads(manifest)
    except ValueError:
        return otherwise
    if not isinstance(found, dict) or not {"format", "code_version", "files"} <= found.keys():
        return set()
    return {name for name in found["files"] if "/" not in name and name not in ("", ".", "..")}


def verify_files(folder: Path, manifest: Mapping) -> None:
    """Raises DataError, naming the file, unless every file is there as the manifest says."""
    for name, expected in manifest["files"].items():
        file = folder / name
        problem = None
        if not file.is_file():
            problem = "is missing"
        elif file.stat().st_size != expected["size"]:
            problem = f"has {file.stat().st_size} bytes instead of {expected['size']}"
        elif sha256_of(file) != expected["sha256"]:
            problem = "has another sha256 than MANIFEST.json says"
        if problem:
            raise DataError(f"{file} {problem}; copy the model again, or export it again.")
