"""Seconds of a validation: the network, the likeliest valid tags, and the ends of entities.

    python -m bench.decoding CORPUS_FOLDER MODEL_FOLDER [--rounds 5]

MODEL_FOLDER is the model/ of a run on the corpus. Validates on val as a run does, plainly with the
likeliest tag of each wordpiece, and in full, in turns; prints the median of each part.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from bench.kmou import read
from job.batches import EvaluationBatches
from job.encoding import decode_spans
from job.encoding.windows import encode
from job.export import Tagger
from job.model.head import head_of, logits_of
from job.model.inference import Decoder


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        sentences = list(read(given.corpus, Path(folder)).val.sentences)
    manifest = json.loads((given.model / "MANIFEST.json").read_text("utf-8"))
    tagger = Tagger.load(given.model, manifest, "cpu", None, None)
    split = encode(
        sentences,
        tagger.tokenizer,
        tagger.label_map,
        max_seq_length=tagger.max_seq_length,
        stride=tagger.stride,
        truncate=False,
    )
    taken: dict[str, list[float]] = {"plain": [], "full": [], "valid tags": [], "ends": []}
    for _ in range(given.rounds):
        for name in ("plain", "full"):
            taken[name].append(_seconds(tagger, split, sentences, name == "full", taken))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    for name, seconds in medians.items():
        print(f"{name:10} {seconds:7.3f} s  {100 * seconds / medians['full']:5.1f} % of all")


@torch.inference_mode()
def _seconds(tagger, split, sentences, full, taken) -> float:
    network, head = tagger.network.eval(), head_of(tagger.network.config)
    decoder = Decoder(split)
    tagging = 0.0
    began = time.monotonic()
    for batch in EvaluationBatches(split, tagger.layout):
        scores_RLC = head.scores(logits_of(network, batch), batch)
        computed = time.monotonic()
        if full:
            decoder.take(scores_RLC, batch["piece"])
        else:
            scores_RLC.argmax(-1)
        tagging += time.monotonic() - computed
    if full:
        computed = time.monotonic()
        labels_P = decoder.labels()
        found = time.monotonic()
        decode_spans(labels_P, split, tagger.label_map, sentences, tagger.ends)
        taken["ends"].append(time.monotonic() - found)
        taken["valid tags"].append(tagging + found - computed)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
