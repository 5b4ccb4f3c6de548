"""The trained model as a Hugging Face directory that anyone can load, proven before it is named.

config.json, model.safetensors      with id2label, the tutorial's ids
tokenizer.json, tokenizer_config.json
label_map.txt, metrics.json, README.md (the model card)
MANIFEST.json                       written last: size and sha256 of every other file
"""

import json
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from job.encoding import LabelMap
from job.errors import OutputError
from job.export.model_card import write_card
from job.model import quiet_library
from job.storage import MANIFEST, describe_files

# What every export has; a tokenizer may add to it.
WRITTEN = frozenset(
    (
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        *("label_map.txt", "metrics.json", "README.md"),
    )
)


def export_model(
    folder: Path,
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
    metrics: Mapping,
    facts: Mapping[str, str],
    trained: Mapping[str, object],
    prove: Callable[[Path], None],
) -> None:
    """Writes the directory beside `folder`, lets `prove` try it, and then puts it in place.

    `facts` are for people; `trained` says in the manifest from which run the model comes.

    `prove` gets the directory before it has a manifest and raises when it is not good; an older
    export at `folder` then stays as it was. Raises OutputError when it cannot be written.
    """
    staged = folder.with_name(f".{folder.name}.unproven-{uuid.uuid4().hex[:8]}")
    try:
        staged.mkdir(parents=True)
        _write_model(staged, model, tokenizer, label_map)
        (staged / "label_map.txt").write_text(label_map.to_text(), encoding="utf-8", newline="")
        _write_json(staged / "metrics.json", metrics)
        write_card(staged / "README.md", label_map, metrics, facts)
        prove(staged)
        manifest = describe_files(staged) | {"facts": dict(facts), "trained": dict(trained)}
        _write_json(staged / MANIFEST, manifest)
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
    # safetensors writes for the owner alone; a container may read it as somebody else.
    mode = (folder / "config.json").stat().st_mode
    for file in folder.glob("*.safetensors"):
        file.chmod(mode)


def _write_json(file: Path, value: Mapping) -> None:
    text = json.dumps(value, ensure_ascii=False, indent=2) + "\n"
    file.write_bytes(text.encode("utf-8", "backslashreplace"))


def _put_in_place(staged: Path, folder: Path) -> None:
    """Renames: at no time does `folder` hold a part of either export."""
    old = folder.with_name(f".{folder.name}.old-{uuid.uuid4().hex[:8]}")
    if folder.exists():
        folder.rename(old)
    staged.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
