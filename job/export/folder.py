"""The trained model as a Hugging Face directory that anyone can load, proven before it is named.

config.json, model.safetensors      with id2label, the tutorial's ids
tokenizer.json, tokenizer_config.json
label_map.txt, metrics.json, README.md (the model card)
ends.json                           where inside of wordpieces entities end, where any does
tagger.py                           tags as the job does, without the job, by plain logits
MANIFEST.json                       written last: size and sha256 of every other file
"""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors import SafetensorError
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from job.encoding import EndTable, LabelMap
from job.errors import JobError, OutputError
from job.export.model_card import write_card
from job.model import has_plain_scores, labels_of, quiet_library
from job.storage import MANIFEST, describe_files

ENDS, TAGGER = "ends.json", "tagger.py"
ENDS_FACT, WITH_TABLE, WITH_PIECES = "entity ends", "table", "with a wordpiece"
# What an export may have; a tokenizer may add to it.
WRITTEN = frozenset(
    (
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
        *("label_map.txt", "metrics.json", "README.md", ENDS, TAGGER),
    )
)


def export_model(
    folder: Path,
    *,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
    ends: EndTable | None,
    metrics: Mapping,
    facts: Mapping[str, str],
    trained: Mapping[str, object],
    prove: Callable[[Path], None],
) -> None:
    """Writes the files into `folder`, which must not be there yet, the manifest last.

    `facts` are for people; `trained` says in the manifest from which run the model comes. `prove`
    gets the whole folder and raises when it is not good: then the manifest goes again. Raises
    OutputError when it cannot be written.
    """
    facts = {**facts, ENDS_FACT: WITH_TABLE if ends else WITH_PIECES}
    try:
        folder.mkdir(parents=True)
        _write_model(folder, model, tokenizer, label_map)
        (folder / "label_map.txt").write_text(label_map.to_text(), encoding="utf-8", newline="")
        _write_json(folder / "metrics.json", metrics)
        write_card(folder / "README.md", label_map, metrics, facts)
        if ends:
            (folder / ENDS).write_text(ends.to_json(), encoding="utf-8", newline="")
        if has_plain_scores(model.config):
            shutil.copyfile(Path(__file__).with_name("exported_tagger.py"), folder / TAGGER)
        manifest = describe_files(folder) | {"facts": facts, "trained": dict(trained)}
        _write_json(folder / MANIFEST, manifest)
        try:
            prove(folder)
        except JobError:
            (folder / MANIFEST).unlink()
            raise
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(f"{folder}: the model cannot be written ({reason}).") from error


def _write_model(
    folder: Path,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
) -> None:
    model = getattr(model, "_orig_mod", model)  # torch.compile's wrapper
    assert labels_of(model.config) == list(label_map.labels)
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
