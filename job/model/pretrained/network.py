"""A model folder → a network and a tokenizer, checked before anything costs money.

What is wrong with the choice of a directory is an ArgumentError (64); what is damaged inside a
right one is a DataError (65).
"""

import logging
from pathlib import Path

import torch
from transformers import (
    MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING,
    AutoModelForTokenClassification,
    PreTrainedConfig,
    PreTrainedModel,
)

from job.encoding import LabelMap
from job.errors import ArgumentError, DataError
from job.model.head import head_of
from job.model.named_tags import NAMED_TAGS, NamedTags
from job.model.pretrained.config import (
    damage_named,
    labels_of,
    load_config,
    quiet_library,
    refuse_pointer,
)
from job.model.pretrained.hub import PICKLES, SAFETENSORS
from job.model.pretrained.label_rows import keep_rows_by_name

logger = logging.getLogger(__name__)


def load_classifier(folder: Path, label_map: LabelMap, *, trained: bool = False) -> PreTrainedModel:
    """The network with a classifier over `label_map`, in float32, on the CPU.

    A new classifier is drawn from torch's generator: seed it first. With `trained` the
    classifier must be in the files, with exactly these labels; otherwise that of an earlier
    training keeps the rows of the same names.
    """
    config, earlier = load_config(folder), load_config(folder)
    config.id2label = dict(enumerate(label_map.labels))
    config.label2id = {label: i for i, label in enumerate(label_map.labels)}
    network, report = _load(folder, config)
    _judge_weights(folder, network, report, trained)
    if trained:
        _refuse_other_labels(folder, earlier, label_map)
    else:
        keep_rows_by_name(folder, network, earlier, report)
    return network


def load_named_classifier(folder: Path) -> tuple[PreTrainedModel, LabelMap]:
    """A network that was trained elsewhere, whose labels are tags by their names, and the labels
    that are predicted with it. Raises ArgumentError or DataError."""
    config = load_config(folder)
    tags = NamedTags.of(labels_of(config), str(folder / "config.json"))
    config.token_head = NAMED_TAGS
    network, report = _load(folder, config)
    _judge_weights(folder, network, report, trained=True)
    return network, tags.label_map


def _load(folder: Path, config: PreTrainedConfig) -> tuple[PreTrainedModel, dict]:
    """The network, and what transformers says of its weights."""
    if type(config) not in MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING:
        raise ArgumentError(
            f"{folder}: transformers has no token classifier for the architecture "
            f'"{config.model_type}"; choose an encoder such as BERT, ELECTRA or RoBERTa.'
        )
    head_of(config)  # one that is unknown is refused here
    with damage_named(folder), quiet_library():
        _require_weights(folder)
        return AutoModelForTokenClassification.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            ignore_mismatched_sizes=True,  # judged below, by name
            output_loading_info=True,
        )


def _refuse_other_labels(folder: Path, config: PreTrainedConfig, label_map: LabelMap) -> None:
    """Raises DataError where config.json names the classifier's rows otherwise than label_map."""
    named = labels_of(config)
    if named != list(label_map.labels):
        raise DataError(
            f"{folder}: config.json names the labels {', '.join(named[:12])} where label_map.txt "
            f"has {', '.join(label_map.labels[:12])}; the files are not of one model."
        )


def _require_weights(folder: Path) -> None:
    """Raises when no weights are there, or when git left a note in place of them."""
    files = [f for p in (*SAFETENSORS, *PICKLES) for f in sorted(folder.glob(p))]
    if not files:
        there = ", ".join(sorted(f.name for f in folder.iterdir())) or "nothing"
        raise ArgumentError(
            f"{folder} has no model.safetensors and no pytorch_model.bin (it holds {there}); "
            f"name a model with PyTorch weights."
        )
    for file in files:
        refuse_pointer(file)


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
    if not trained:
        logger.info(f"{folder}: {network.config.model_type}, {network.num_parameters():,} weights")
