"""Where entities end inside of wordpieces: the table of this job against a head that is trained.

    python -m bench.end_head CORPUS_FOLDER VOCABULARY_FOLDER [--epochs 3] [--seeds 7 8 9]

The head is one linear layer on the classifier's own input: how many grapheme clusters of a piece
lie behind the end of its entity. Its loss, cross-entropy over the pieces that are tagged, is added
to that of the tags. The model, start and steps are those of bench.kmou; the same weights are
decoded both ways. Prints F1 on exact characters of the validation split after each epoch.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer

from bench import kmou
from job.batches import EpochPlan, EvaluationBatches, TrainingSteps
from job.devices import choose_hardware
from job.encoding import OUTSIDE_ID, EncodedSplit, EndTable, LabelMap, SpecialTokens, piece_spans
from job.encoding.clusters import cluster_starts
from job.encoding.windows import encode
from job.evaluation import score_spans
from job.model import choose_layout
from job.model.classifier import ADAM_EPSILON
from job.model.head import head_of, logits_of
from job.model.inference import Decoder
from job.model.pretrained.network import load_classifier
from job.seed import step_seed
from job.sentence import Span

COVERED, MOST = 0.999, 12  # share of train's entities that the classes cover, and their limit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--learning_rate", type=float, default=5e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    given = parser.parse_args()
    print("seed  epoch  tags alone   table    head", flush=True)
    for seed in given.seeds:
        with tempfile.TemporaryDirectory() as folder:
            for epoch, figures in enumerate(race(given, seed, Path(folder)), start=1):
                alone, table, head = figures
                print(f"{seed:4}  {epoch:5}  {alone:10.4f}  {table:6.4f}  {head:6.4f}", flush=True)


def race(given: argparse.Namespace, seed: int, scratch: Path):
    """Trains; yields F1 of tags alone, with the table, and with the head, after each epoch."""
    corpus = kmou.read(given.corpus, scratch)
    train, val = list(corpus.train.sentences), list(corpus.val.sentences)
    label_map = LabelMap.from_sentences(train)
    kmou.make_start(given.vocabulary, scratch / "start", label_map, seed)
    tokenizer = AutoTokenizer.from_pretrained(scratch / "start")
    shape = {"max_seq_length": kmou.LENGTH, "stride": 16, "truncate": False}
    split, val_split = (encode(s, tokenizer, label_map, **shape) for s in (train, val))
    table = EndTable.from_split(train, split, label_map)
    network = load_classifier(scratch / "start", label_map)
    layout = choose_layout(
        network,
        SpecialTokens.of(tokenizer),
        split,
        max_seq_length=kmou.LENGTH,
        batch_size=kmou.BATCH_SIZE,
    )
    excess_P = torch.from_numpy(split.excess_P.astype(np.int64))
    classes = _classes(split)
    torch.manual_seed(seed)
    ends = torch.nn.Linear(network.config.hidden_size, classes)
    ends.weight.data.normal_(std=network.config.initializer_range)
    ends.bias.data.zero_()
    read_RLH = _input_of(network.classifier)
    both = [*network.parameters(), *ends.parameters()]
    optimizer = torch.optim.AdamW(
        both, lr=given.learning_rate, eps=ADAM_EPSILON, weight_decay=0.0, fused=True
    )
    hardware = choose_hardware("cpu", "auto", 0, 1)
    plan = EpochPlan(len(train), kmou.BATCH_SIZE, seed)
    steps, tags = TrainingSteps(split, layout, plan), head_of(network.config)
    constant = kmou.BATCH_SIZE * kmou.LENGTH
    for epoch in range(given.epochs):
        network.train()
        for group in optimizer.param_groups:
            group["lr"] = given.learning_rate * 0.9**epoch
        for step in range(plan.steps):
            torch.manual_seed(step_seed(seed, epoch, step, 0))
            batch = steps[epoch, step]
            with torch.autocast("cpu", torch.bfloat16, enabled="bf16" in hardware.precision):
                loss = tags.summed_loss(logits_of(network, batch), batch)
                logits_RLK = ends(read_RLH()).float()
            target_RL = torch.where(
                batch["labels"] > OUTSIDE_ID, excess_P[batch["piece"]].clamp(max=classes - 1), -100
            )
            loss = loss + cross_entropy(
                logits_RLK.flatten(0, 1), target_RL.flatten(), ignore_index=-100, reduction="sum"
            )
            optimizer.zero_grad()
            (loss / constant).backward()
            torch.nn.utils.clip_grad_norm_(both, 1.0)
            optimizer.step()
        yield _evaluate(network, ends, read_RLH, table, val, val_split, layout, label_map)


def _classes(split: EncodedSplit) -> int:
    """0 … the number of clusters that covers the entities that end inside of a piece."""
    counts = np.bincount(split.excess_P[split.excess_P > 0])
    covered = np.cumsum(counts) / max(counts.sum(), 1)
    return min(int(np.searchsorted(covered, COVERED)) + 1, MOST)


def _input_of(layer: torch.nn.Module):
    """A function that gives what the layer last read."""
    last = {}
    layer.register_forward_pre_hook(lambda module, given: last.update(read=given[0]))
    return lambda: last["read"]


@torch.inference_mode()
def _evaluate(network, ends, read_RLH, table, sentences, split, layout, label_map):
    network.eval()
    decoder, head = Decoder(split), head_of(network.config)
    behind_P = np.zeros(len(split.ids_P), np.int64)
    for batch in EvaluationBatches(split, layout):
        decoder.take(head.scores(logits_of(network, batch), batch), batch["piece"])
        pieces_P = batch["piece"].flatten().numpy()
        found_P = ends(read_RLH()).argmax(-1).flatten().numpy()
        behind_P[pieces_P[pieces_P >= 0]] = found_P[pieces_P >= 0]
    labels_P = decoder.labels()
    gold = [sentence.spans for sentence in sentences]

    def by_head(text: str, piece: int, type_: str) -> int:
        start, end = int(split.starts_P[piece]), int(split.ends_P[piece])
        clusters = cluster_starts(text[start:end])
        return start + [*clusters, end - start][max(len(clusters) - int(behind_P[piece]), 1)]

    def by_table(text: str, piece: int, type_: str) -> int:
        return table.end(text, int(split.starts_P[piece]), int(split.ends_P[piece]), type_)

    def alone(text: str, piece: int, type_: str) -> int:
        return int(split.ends_P[piece])

    figures = []
    for end_of in (alone, by_table, by_head):
        found = []
        for n, spans in enumerate(piece_spans(labels_P, split, label_map)):
            first, text = int(split.sentence_starts[n]), sentences[n].text
            found.append(
                [
                    Span(int(split.starts_P[first + a]), end_of(text, first + b - 1, t), t)
                    for a, b, t in spans
                ]
            )
        figures.append(score_spans(gold, found, label_map.types).micro.f1)
    return figures


if __name__ == "__main__":
    main()
