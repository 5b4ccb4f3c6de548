"""config.json of a model folder: its architecture, its positions, and what is wrong with it.

What is wrong with the choice of a directory is an ArgumentError (64); what is damaged inside a
right one is a DataError (65).
"""

import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig
from transformers.utils import logging as transformers_logging

from job.errors import ArgumentError, DataError, JobError, PermissionDeniedError

# Their position ids start after the padding id (transformers: create_position_ids_from_input_ids).
COUNTS_FROM_PADDING = (
    *("camembert", "data2vec-text", "ibert", "lilt", "longformer", "luke", "mpnet", "roberta"),
    *("roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"),
)


def load_config(folder: Path) -> PreTrainedConfig:
    """Reads config.json. Raises ArgumentError or DataError."""
    file = folder / "config.json"
    if not file.is_file():
        raise ArgumentError(f"{folder} has no config.json; name a Hugging Face model directory.")
    try:
        content = json.loads(file.read_bytes())
    except PermissionError as error:
        raise _unreadable(file) from error
    except ValueError as error:
        raise DataError(f"{file} is not JSON ({error}); download the model again.") from error
    if not isinstance(content, dict) or "model_type" not in content:
        raise ArgumentError(
            f'{file} has no "model_type", so the architecture is unknown; add it (KcBERT: "bert").'
        )
    if content["model_type"] not in CONFIG_MAPPING:
        raise ArgumentError(
            f"{file}: this version of transformers does not know the architecture "
            f"{content['model_type']!r}; choose another model."
        )
    with damage_named(folder):
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def first_position(config: PreTrainedConfig) -> int:
    """The position id of a sequence's first token."""
    if config.model_type not in COUNTS_FROM_PADDING:
        return 0
    return (config.pad_token_id if config.pad_token_id is not None else 1) + 1


def max_positions(config: PreTrainedConfig) -> int | None:
    """The longest sequence in tokens, special ones included; None where positions are relative."""
    positions = getattr(config, "max_position_embeddings", None)
    relative = getattr(config, "relative_attention", False)
    if relative and not getattr(config, "position_biased_input", True):
        return None
    if not isinstance(positions, int) or positions <= 0:
        return None
    return positions - first_position(config)


def labels_of(config: PreTrainedConfig) -> list[str]:
    """The names of a classifier's rows, in their order."""
    by_id = {int(i): label for i, label in (config.id2label or {}).items()}
    return [by_id[i] for i in sorted(by_id)]


@contextmanager
def damage_named(
    folder: Path, remedy: str = "download the model again, or choose another"
) -> Iterator[None]:
    """The libraries below raise many types (Rust's a bare Exception) for a damaged file."""
    try:
        yield
    except (JobError, MemoryError, torch.OutOfMemoryError):
        raise
    except PermissionError as error:
        raise _unreadable(error.filename or folder) from error
    except Exception as error:
        raise DataError(f"{folder} cannot be loaded ({_first_words(error)}); {remedy}.") from error


def refuse_pointer(file: Path) -> None:
    """Raises DataError where git left a note in place of the file."""
    with file.open("rb") as stream:
        if stream.read(24) == b"version https://git-lfs.":
            raise DataError(f"{file} is a git-lfs pointer; run `git lfs pull` there.")


def _unreadable(path: Path | str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{path}: this user may not read it; make it readable for all, or run as its owner."
    )


def _first_words(error: Exception) -> str:
    """The first sentence only: what follows is often advice for a caller of the library."""
    if isinstance(error, pickle.UnpicklingError):
        return "the pickled weights hold more than tensors, or are damaged, and were not run"
    text = " ".join(str(error).split()) or type(error).__name__
    return text.split(". ")[0][:200]


@contextmanager
def quiet_library() -> Iterator[None]:
    """transformers reports every new classifier as a fault, in a table; we judge it ourselves."""
    verbosity = transformers_logging.get_verbosity()
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()
