"""The rows of an earlier training's classifier, moved to the labels of the same name.

A row of the classifier is one label. Where a model comes with a classifier, the order of its labels
is that of another corpus: a row that kept its place would learn another label than it knows.
"""

import copy
import logging
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from transformers import AutoModelForTokenClassification, PreTrainedConfig, PreTrainedModel

from job.figures import counted
from job.model.pretrained.config import damage_named, labels_of, quiet_library

logger = logging.getLogger(__name__)

UNNAMED = re.compile(r"LABEL_\d+")  # transformers' names for labels that were given none


def keep_rows_by_name(
    folder: Path, network: PreTrainedModel, earlier: PreTrainedConfig, report: Mapping
) -> None:
    """Gives each label the row that bore its name in the folder's classifier, else a new one.

    `earlier` is the folder's own config, `report` transformers' of loading `network`. Nothing is
    done where the folder has no classifier, or one of the same labels in the same order.
    """
    keys = label_weights(network.config)
    if set(keys) <= set(report["missing_keys"]):
        return
    labels, names = labels_of(network.config), labels_of(earlier)
    mismatched = {key: tuple(found) for key, found, _ in report["mismatched_keys"]}
    weights = network.state_dict()
    rows = {mismatched.get(key, tuple(weights[key].shape))[0] for key in keys}
    if names == labels and not mismatched:
        logger.info(
            f"{folder}: its classifier has these labels: {counted(len(labels), 'row')} kept."
        )
        return
    is_named = rows == {len(names)} and len(set(names)) == len(names)
    kept = [label for label in labels if label in names]
    if not is_named or all(UNNAMED.fullmatch(name) for name in names) or not kept:
        logger.warning(f"{folder}: its classifier has other labels and is replaced by a new one.")
        kept = []
    new = [label for label in labels if label not in kept]
    if kept:
        logger.warning(
            f"{folder}: its classifier has other labels, or another order of them: {len(kept)} of "
            f"{counted(len(labels), 'row')} kept by name, {len(new)} new"
            + (f" ({', '.join(new[:8])}{', …' if len(new) > 8 else ''})." if new else ".")
        )
    elif mismatched:
        return  # transformers has drawn a new one of this size
    old = _as_saved(folder, earlier) if mismatched else weights
    with quiet_library(), torch.no_grad():
        drawn = AutoModelForTokenClassification.from_config(network.config, dtype=torch.float32)
        fresh = drawn.state_dict()
        for key in keys:
            moved = fresh[key].clone()
            for label in kept:
                moved[labels.index(label)] = old[key][names.index(label)]
            weights[key].copy_(moved)


def _as_saved(folder: Path, earlier: PreTrainedConfig) -> Mapping[str, torch.Tensor]:
    """The weights of the folder with its own classifier."""
    with damage_named(folder), quiet_library():
        return AutoModelForTokenClassification.from_pretrained(
            folder,
            config=earlier,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
        ).state_dict()


def label_weights(config: PreTrainedConfig) -> list[str]:
    """The names of the weights that have a row for each label: those that grow with the labels."""
    more = copy.deepcopy(config)
    more.id2label = dict(enumerate([*labels_of(config), "one more"]))
    with torch.device("meta"), quiet_library():
        shapes, larger = (
            {key: each.shape for key, each in network.state_dict().items()}
            for network in map(AutoModelForTokenClassification.from_config, (config, more))
        )
    return [key for key, shape in shapes.items() if larger[key] != shape]
