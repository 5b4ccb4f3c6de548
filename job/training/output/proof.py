"""The proof that an exported model is the trained one, and that tagger.py tags as the job does."""

import runpy
from pathlib import Path

import numpy as np
import torch

from job.encoding import OUTSIDE_ID, decode_spans
from job.errors import IncompatibleError
from job.export import TAGGER
from job.model import load_classifier, predict_labels, quiet_library
from job.training.preparation import Prepared

TAGGED_ALONE = 200  # sentences of val that tagger.py tags, one at a time
CLOSE = 1e-3  # paths whose sums of logits differ by less may be ranked otherwise by other rows


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
    if (folder / TAGGER).is_file():
        _prove_tagger(folder, prepared, here)


def _prove_tagger(folder: Path, prepared: Prepared, label_ids_P: np.ndarray) -> None:
    """Tags a part of val, the longest sentence included, with the tagger.py of the folder."""
    split, sentences = prepared.encoded["val"], prepared.splits["val"].sentences
    exported = runpy.run_path(str(folder / TAGGER))
    on_gpu = prepared.network.device.type == "cuda"
    with quiet_library():
        tagger = exported["Tagger"](folder, "cuda" if on_gpu else "cpu")
    predicted = decode_spans(label_ids_P, split, prepared.label_map, sentences, prepared.ends)
    longest = int(np.diff(split.sentence_starts).argmax())
    some = np.linspace(0, len(sentences) - 1, min(TAGGED_ALONE, len(sentences)) - 1, dtype=int)
    for n in sorted({longest, *some.tolist()}):
        text = sentences[n].text
        alone = [(e.start, e.end, e.type) for e in tagger(text)]
        if alone == [*map(tuple, predicted[n])]:
            continue
        logits = tagger.read(text)[1]
        tags_P = label_ids_P[slice(*split.sentence_starts[n : n + 2])] - OUTSIDE_ID
        if not _is_close(logits, tags_P.tolist(), exported["likeliest"](logits)):
            raise IncompatibleError(
                f"{folder}: tagger.py finds {alone} in {text!r}, where the job found "
                f"{[*predicted[n]]}; the model is not published."
            )


def _is_close(logits: torch.Tensor, tags: list[int], theirs: list[int]) -> bool:
    """Whether both sequences of tags are as likely, but for rounding."""
    sums = [logits[range(len(logits)), each].double().sum() for each in (tags, theirs)]
    return theirs != tags and bool((sums[1] - sums[0]).abs() < CLOSE)
