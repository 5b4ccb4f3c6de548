"""The proof that an exported model is the trained one."""

from pathlib import Path

import numpy as np
import torch

from job.errors import IncompatibleError
from job.model import load_classifier, predict_labels
from job.training.preparation import Prepared


def prove_same(folder: Path, prepared: Prepared) -> None:
    """Loads the exported folder and refuses it unless it predicts as the network in memory."""
    loaded = load_classifier(folder, prepared.label_map, trained=True)
    loaded.to(prepared.network.device)  # type: ignore[arg-type]  # transformers hides torch's type
    here, _ = predict_labels(prepared.network, prepared.encoded["val"], prepared.layout)
    there, _ = predict_labels(loaded, prepared.encoded["val"], prepared.layout)
    differing = int(np.count_nonzero(here != there))
    if differing:
        raise IncompatibleError(
            f"{folder}: the exported model tags {differing} of {len(here)} wordpieces of val "
            "otherwise than the trained one; it is not published."
        )
    for name, weight in prepared.network.state_dict().items():
        if not torch.equal(weight, loaded.state_dict()[name]):
            raise IncompatibleError(f"{folder}: the exported weight {name} differs; not published.")
