"""The trained model as a Hugging Face directory that anyone can load, proven before it is named.

config.json, model.safetensors      with id2label, the tutorial's ids
tokenizer.json, tokenizer_config.json
label_map.txt, metrics.json, README.md (the model card)
MANIFEST.json                       written last: size and sha256 of every other file
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerFast

import job
from job.card import write_card
from job.errors import ArgumentError, DataError, OutputError
from job.labels import LabelMap
from job.pretrained import quiet_library

MANIFEST = "MANIFEST.json"
FORMAT = 1


def export_model(
    folder: Path,
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
    metrics: Mapping,
    facts: Mapping[str, str],
    prove: Callable[[Path], None],
) -> None:
    """Writes the directory beside `folder`, lets `prove` try it, and then puts it in place.

    `prove` gets the directory before it has a manifest and raises when it is not good; an older
    export at `folder` then stays as it was. Raises OutputError when it cannot be written.
    """
    staged = folder.with_name(f".{folder.name}.unproven")
    try:
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        _write_model(staged, model, tokenizer, label_map)
        (staged / "label_map.txt").write_text(label_map.to_text(), encoding="utf-8", newline="")
        _write_json(staged / "metrics.json", metrics)
        write_card(staged / "README.md", label_map, metrics, facts)
        prove(staged)
        _write_json(staged / MANIFEST, describe_files(staged) | {"facts": dict(facts)})
        _put_in_place(staged, folder)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{folder}: the model cannot be written ({reason}).") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _write_model(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
) -> None:
    model = getattr(model, "_orig_mod", model)  # torch.compile's wrapper
    assert tuple(model.config.id2label[i] for i in range(len(label_map.labels))) == label_map.labels
    with quiet_library():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def _write_json(file: Path, value: Mapping) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    file.write_bytes(text.encode("utf-8", "backslashreplace"))


def _put_in_place(staged: Path, folder: Path) -> None:
    """Renames: at no time does `folder` hold a part of either export."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    staged.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def describe_files(folder: Path) -> dict:
    """The manifest of the files in `folder`."""
    files = {
        file.name: {"sha256": sha256_of(file), "size": file.stat().st_size}
        for file in sorted(folder.iterdir())
        if file.name != MANIFEST
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
        raise DataError(f"{where}: is damaged ({error}); export the model again.") from error
    if manifest.get("format") != FORMAT:
        raise ArgumentError(
            f"{where}: has format {manifest.get('format')!r}, this version reads {FORMAT}; use "
            f"the version that wrote it ({manifest.get('code_version')})."
        )
    if len(names) != len(files) or any("/" in n or "\\" in n or n.startswith(".") for n in names):
        raise DataError(f"{where}: is damaged (a file's entry); export the model again.")
    return manifest


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
            raise DataError(f"{file}: {problem}; copy the model again, or export it again.")
