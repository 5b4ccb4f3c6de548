"""Seconds per training step of this job and of the tutorial's recipe, in turns.

    python -m bench.steps CORPUS_FOLDER VOCABULARY_FOLDER [--rounds 5] [--steps 20]

The model and the sentences are those of bench.kmou. Each round takes the same steps by both: a
machine whose speed drifts slows both. Prints each round's ratio, and the median.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from bench.kmou import BATCH_SIZE, LENGTH, SEED, make_start, read
from bench.reference import encode_reference
from job.batches import EpochPlan, TrainingSteps
from job.corpus.formats.tutorial import to_tagged
from job.devices import choose_hardware
from job.encoding.encoded import SpecialTokens
from job.encoding.labels import LabelMap
from job.encoding.windows import encode
from job.model.classifier import ADAM_EPSILON
from job.model.head import head_of, logits_of
from job.model.pretrained.network import load_classifier
from job.model.row_layout import choose_layout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sentences = list(read(given.corpus, Path(folder)).train.sentences)
        label_map = LabelMap.from_sentences(sentences)
        start = Path(folder, "start")
        make_start(given.vocabulary, start, label_map)
        tokenizer = AutoTokenizer.from_pretrained(start)
        networks = [load_classifier(start, label_map).train() for _ in range(2)]
    plan = EpochPlan(len(sentences), BATCH_SIZE, SEED)
    reference = reference_stepper(networks[0], sentences, tokenizer, label_map, plan)
    ours = job_stepper(networks[1], sentences, tokenizer, label_map, plan)
    ratios = []
    for number in range(given.rounds + 1):
        steps = range(number * given.steps, (number + 1) * given.steps)
        theirs_s, ours_s = timed(reference, steps), timed(ours, steps)
        if number:  # the first round warms up
            ratios.append(theirs_s / ours_s)
            print(
                f"round {number}: tutorial {1000 * theirs_s / given.steps:.0f} ms a step, "
                f"job {1000 * ours_s / given.steps:.0f} ms, ratio {ratios[-1]:.2f}",
                flush=True,
            )
    print(f"median ratio {statistics.median(ratios):.2f}, {torch.get_num_threads()} threads")


def timed(step, numbers: range) -> float:
    started_at = time.monotonic()
    for number in numbers:
        step(number)
    return time.monotonic() - started_at


def reference_stepper(network, sentences, tokenizer, label_map, plan):
    """One step of the tutorial's recipe: padded, 32 bits, every position a class."""
    needed = sorted({int(n) for step in range(200) for n in plan.sentences(0, step)})
    position = {n: i for i, n in enumerate(needed)}
    chosen = [sentences[n] for n in needed]
    lines = [to_tagged(sentence) for sentence in chosen]
    ids_NL, mask_NL, labels_NL = encode_reference(chosen, lines, tokenizer, label_map, LENGTH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-4, eps=ADAM_EPSILON)

    def step(number: int) -> None:
        rows = torch.tensor([position[int(n)] for n in plan.sentences(0, number)])
        logits = network(input_ids=ids_NL[rows], attention_mask=mask_NL[rows]).logits
        optimizer.zero_grad()
        cross_entropy(logits.flatten(0, 1), labels_NL[rows].flatten()).backward()
        optimizer.step()

    return step


def job_stepper(network, sentences, tokenizer, label_map, plan):
    """One step of this job, batch included: packed, in the precision that it would choose here."""
    split = encode(
        sentences, tokenizer, label_map, max_seq_length=LENGTH, stride=16, truncate=False
    )
    special = SpecialTokens.of(tokenizer)
    layout = choose_layout(network, special, split, max_seq_length=LENGTH, batch_size=BATCH_SIZE)
    batches = TrainingSteps(split, layout, plan)
    in_bf16 = choose_hardware("cpu", "auto").precision == "bf16"
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-4, eps=ADAM_EPSILON, fused=True)

    def step(number: int) -> None:
        batch = batches[0, number]
        with torch.autocast("cpu", torch.bfloat16, enabled=in_bf16):
            loss = head_of(network.config).summed_loss(logits_of(network, batch), batch)
        optimizer.zero_grad()
        (loss / (BATCH_SIZE * LENGTH)).backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    return step


if __name__ == "__main__":
    main()
