"""A model folder → a network and a tokenizer, checked before anything costs money.

What is wrong with the choice of a directory is an ArgumentError (64); what is damaged inside a
right one is a DataError (65).
"""

import json
import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import (
    CONFIG_MAPPING,
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    AutoConfig,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging as transformers_logging

from job.errors import ArgumentError, DataError, JobError, PermissionDeniedError
from job.hub import PICKLES, SAFETENSORS
from job.labels import LabelMap
from job.resolve import resolve_model as resolve_model

logger = logging.getLogger(__name__)

VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
# Their position ids start after the padding id (transformers: create_position_ids_from_input_ids).
COUNTS_FROM_PADDING = (
    *("camembert", "data2vec-text", "ibert", "lilt", "longformer", "luke", "mpnet", "roberta"),
    *("roberta-prelayernorm", "xlm-roberta", "xlm-roberta-xl", "xmod"),
)
SYLLABLES = "가다나이"


def load_config(folder: Path) -> PreTrainedConfig:
    """Reads config.json. Raises ArgumentError or DataError."""
    file = folder / "config.json"
    if not file.is_file():
        raise ArgumentError(f"{folder}: has no config.json; name a Hugging Face model directory.")
    try:
        content = json.loads(file.read_bytes())
    except PermissionError as error:
        raise _unreadable(file) from error
    except ValueError as error:
        raise DataError(f"{file}: is not JSON ({error}); download the model again.") from error
    if not isinstance(content, dict) or "model_type" not in content:
        raise ArgumentError(
            f'{file}: has no "model_type", so the architecture is unknown; add it (KcBERT: "bert").'
        )
    if content["model_type"] not in CONFIG_MAPPING:
        raise ArgumentError(
            f"{file}: this version of transformers does not know the architecture "
            f"{content['model_type']!r}; choose another model."
        )
    with _damage_named(folder):
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a model folder, checked against the model's vocabulary size."""
    config = load_config(folder)
    if not any(any(folder.glob(pattern)) for pattern in VOCABULARY_FILES):
        raise ArgumentError(
            f"{folder}: has no tokenizer ({', '.join(VOCABULARY_FILES)}); copy it there."
        )
    with _damage_named(folder), quiet_library():
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    if not tokenizer.is_fast:
        raise ArgumentError(
            f"{folder}: has only a slow tokenizer, which gives no character offsets; choose a "
            f"model with a tokenizer.json."
        )
    if tokenizer.pad_token_id is None:
        raise ArgumentError(f"{folder}: its tokenizer has no padding token; choose an encoder.")
    vocabulary = tokenizer.get_vocab()
    size, embeddings = max(vocabulary.values(), default=-1) + 1, getattr(config, "vocab_size", None)
    if embeddings is not None and size > embeddings:
        raise DataError(
            f"{folder}: the tokenizer counts {size} wordpieces but the model embeds {embeddings}; "
            f"the files are not of one model."
        )
    known = [syllable for syllable in SYLLABLES if syllable in vocabulary]
    if known and all(tokenizer.tokenize(s) == [tokenizer.unk_token] for s in known):
        raise DataError(
            f"{folder}: the tokenizer takes Hangul apart and knows no syllable of its vocabulary; "
            f'put {{"do_lower_case": false}} into tokenizer_config.json.'
        )
    return tokenizer


def load_classifier(
    folder: Path, label_map: LabelMap, *, from_scratch: bool = False, trained: bool = False
) -> PreTrainedModel:
    """The network with a classifier over `label_map`, in float32, on the CPU.

    A new classifier is drawn from torch's generator: seed it first. `from_scratch` draws every
    weight and reads config.json only. With `trained` the classifier must be in the files.
    """
    config = load_config(folder)
    config.id2label = dict(enumerate(label_map.labels))
    config.label2id = {label: i for i, label in enumerate(label_map.labels)}
    if type(config) not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        raise ArgumentError(
            f"{folder}: transformers has no token classifier for the architecture "
            f'"{config.model_type}"; choose an encoder such as BERT, ELECTRA or RoBERTa.'
        )
    with _damage_named(folder), quiet_library():
        if from_scratch:
            return AutoModelForTokenClassification.from_config(config, dtype=torch.float32)
        _require_weights(folder)
        network, report = AutoModelForTokenClassification.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            ignore_mismatched_sizes=True,  # judged below, by name
            output_loading_info=True,
        )
    _judge_weights(folder, network, report, trained)
    return network


def _require_weights(folder: Path) -> None:
    """Raises when no weights are there, or when git left a note in place of them."""
    files = [f for p in (*SAFETENSORS, *PICKLES) for f in sorted(folder.glob(p))]
    if not files:
        there = ", ".join(sorted(f.name for f in folder.iterdir())) or "nothing"
        raise ArgumentError(
            f"{folder}: has no model.safetensors and no pytorch_model.bin (it holds {there}); "
            f"name a model with PyTorch weights."
        )
    for file in files:
        with file.open("rb") as stream:
            if stream.read(24) == b"version https://git-lfs.":
                raise DataError(f"{file}: is a git-lfs pointer; run `git lfs pull` there.")


def _judge_weights(folder: Path, network: PreTrainedModel, report: dict, trained: bool) -> None:
    """A new classifier is expected; a gap in the encoder is damage; the rest is worth a warning."""
    base = network.base_model_prefix + "."
    shapes = {key: tuple(tensor.shape) for key, tensor in network.state_dict().items()}
    missing, unexpected = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
    mismatched = {key: (tuple(a), tuple(b)) for key, a, b in sorted(report["mismatched_keys"])}
    for key, (found, needed) in mismatched.items():
        if trained or key.startswith(base):
            raise DataError(
                f"{folder}: weight {key} has shape {found} where config.json asks for {needed}; "
                f"the files are not of one model."
            )
    broken = [key for key in missing if trained or key.startswith(base)]
    if broken:
        raise DataError(
            f"{folder}: {len(broken)} of {len(shapes)} weights are missing, {broken[0]} the first; "
            f"the files are incomplete or of another architecture."
        )
    labels = network.config.num_labels
    odd = [key for key in missing if shapes[key][:1] != (labels,)]
    odd += [k for k in unexpected if k.startswith(base) and not k.startswith(f"{base}pooler.")]
    if odd:
        logger.warning(f"{folder}: {len(odd)} weights do not fit the network: {', '.join(odd[:5])}")
    if mismatched:
        logger.warning(f"{folder}: its classifier has other labels and is replaced by a new one.")
    if not trained:
        logger.info(f"{folder}: {network.config.model_type}, {network.num_parameters():,} weights")


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


@contextmanager
def _damage_named(folder: Path) -> Iterator[None]:
    """The libraries below raise many types (Rust's a bare Exception) for a damaged file."""
    try:
        yield
    except (JobError, MemoryError, torch.OutOfMemoryError):
        raise
    except PermissionError as error:
        raise _unreadable(error.filename or folder) from error
    except Exception as error:
        raise DataError(
            f"{folder}: cannot be loaded ({_first_words(error)}); download the model again, or "
            f"choose another."
        ) from error


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
