"""This job against the tutorial's recipe and the Hugging Face Trainer on a real corpus.

    python -m bench.kmou CORPUS_FOLDER VOCABULARY_FOLDER [--epochs 5] [--seeds 7 8 9]

CORPUS_FOLDER holds train.txt and val.txt, VOCABULARY_FOLDER holds KcBERT's vocab.txt. A 4-layer,
256-wide BERT is trained from scratch by each contestant: the same random start, sentences, learning
rate and number of steps; a seed is that of the start, the order and dropout. Prints entity F1 on
exact characters after each epoch. The Hugging Face Trainer needs `accelerate`.
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertConfig, BertForTokenClassification

from bench.hugging_face import train_hugging_face
from bench.reference import encode_reference, train_reference
from job.batches.plan import EpochPlan
from job.batches.rows import Layout
from job.corpus.formats.tutorial import to_tagged
from job.corpus.load import Corpus, load_corpus
from job.encoding.encoded import SpecialTokens
from job.encoding.labels import LabelMap
from job.encoding.spans import decode_spans
from job.encoding.windows import encode
from job.evaluation.scores import score_spans
from job.model.inference import predict_labels
from job.model.pretrained.network import load_classifier

SEED, BATCH_SIZE, LENGTH = 7, 32, 64


def read(folder: Path, cache: Path) -> Corpus:
    """The corpus in `folder`."""
    return load_corpus(
        folder.resolve().name,
        str(folder.resolve().parent),
        cache,
        force_download=False,
        sha256={},
        max_rejected_ratio=0.05,
        max_download_mb=500,
        allow_unseen_labels=False,
    )


def make_start(vocabulary: Path, folder: Path, label_map: LabelMap, seed: int = SEED) -> None:
    """A model folder with random weights, classifier included."""
    folder.mkdir()
    (folder / "vocab.txt").write_bytes((vocabulary / "vocab.txt").read_bytes())
    (folder / "tokenizer_config.json").write_text(
        json.dumps(
            {"do_lower_case": False, "model_max_length": 300, "tokenizer_class": "BertTokenizer"}
        )
    )
    with (folder / "vocab.txt").open() as lines:
        size = sum(1 for _ in lines)
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=size,
        hidden_size=256,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=1024,
        max_position_embeddings=300,
        id2label=dict(enumerate(label_map.labels)),
        label2id={label: i for i, label in enumerate(label_map.labels)},
    )
    BertForTokenClassification(config).save_pretrained(folder)


def run_job(
    corpus: Path, start: Path, output: Path, epochs: int, rate: float, seed: int
) -> list[dict]:
    """Trains with `python -m job` and returns the history of its metrics.json."""
    flags = {
        "downstream_corpus_root_dir": corpus.resolve().parent,
        "downstream_corpus_name": corpus.resolve().name,
        "pretrained_model_name": start,
        "downstream_model_dir": output,
        "epochs": epochs,
        "learning_rate": rate,
        "batch_size": BATCH_SIZE,
        "max_seq_length": LENGTH,
        "seed": seed,
        "monitor": "max val_f1",
        "cache_dir": output / "cache",
        "log_every_s": 60,
    }
    command = [sys.executable, "-m", "job", *(f"--{name}={value}" for name, value in flags.items())]
    subprocess.run(command, check=True, cwd=Path(__file__).parent.parent)
    return json.loads((output / "report" / "metrics.json").read_text())["history"]


def run_reference(
    corpus, tokenizer, start: Path, epochs: int, rate: float, seed: int
) -> list[dict]:
    """Trains by the tutorial's recipe and evaluates with this job's exact-character F1."""
    label_map = LabelMap.from_sentences(corpus.train.sentences)
    train, val = list(corpus.train.sentences), list(corpus.val.sentences)
    tagged = [to_tagged(sentence) for sentence in train]
    rows = encode_reference(train, tagged, tokenizer, label_map, LENGTH)
    split = encode(val, tokenizer, label_map, max_seq_length=LENGTH, stride=0, truncate=True)
    layout = Layout(SpecialTokens.of(tokenizer), row_length=LENGTH, packed=False)
    network = load_classifier(start, label_map)
    gold = [sentence.spans for sentence in val]

    def evaluate() -> dict[str, float]:
        labels, _ = predict_labels(network, split, layout)
        found = decode_spans(labels, split, label_map)
        return {"f1_characters": score_spans(gold, found, label_map.types).micro.f1}

    plan = EpochPlan(len(train), BATCH_SIZE, seed)
    history = []
    torch.manual_seed(seed)
    for record in train_reference(
        network, rows, plan, epochs=epochs, learning_rate=rate, evaluate=evaluate
    ):
        print(f"reference: {record}", flush=True)
        history.append(record)
    return history


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--learning_rate", type=float, default=5e-4)
    parser.add_argument("--seeds", type=int, nargs="+", default=[SEED])
    parser.add_argument("--contestants", nargs="+", default=list(CONTESTANTS), choices=CONTESTANTS)
    given = parser.parse_args()
    print(f"{platform.processor()} {torch.get_num_threads()} threads, torch {torch.__version__}")
    print("seed  contestant    F1 on exact characters after each epoch")
    for seed in given.seeds:
        for name in given.contestants:
            with tempfile.TemporaryDirectory() as folder:
                f1 = CONTESTANTS[name](given, seed, Path(folder))
            print(f"{seed:4}  {name:12}  {'  '.join(f'{each:.4f}' for each in f1)}", flush=True)


def _job(given: argparse.Namespace, seed: int, scratch: Path) -> list[float]:
    corpus = read(given.corpus, scratch)
    label_map = LabelMap.from_sentences(corpus.train.sentences)
    make_start(given.vocabulary, scratch / "start", label_map, seed)
    history = run_job(
        given.corpus, scratch / "start", scratch / "out", given.epochs, given.learning_rate, seed
    )
    return [epoch["f1_characters"] for epoch in history]


def _tutorial(given: argparse.Namespace, seed: int, scratch: Path) -> list[float]:
    corpus = read(given.corpus, scratch)
    label_map = LabelMap.from_sentences(corpus.train.sentences)
    make_start(given.vocabulary, scratch / "start", label_map, seed)
    tokenizer = AutoTokenizer.from_pretrained(scratch / "start")
    history = run_reference(
        corpus, tokenizer, scratch / "start", given.epochs, given.learning_rate, seed
    )
    return [epoch["f1_characters"] for epoch in history]


def _hugging_face(given: argparse.Namespace, seed: int, scratch: Path) -> list[float]:
    corpus = read(given.corpus, scratch)
    label_map = LabelMap.from_sentences(corpus.train.sentences)
    make_start(given.vocabulary, scratch / "start", label_map, seed)
    return train_hugging_face(
        scratch / "start",
        scratch / "out",
        corpus.train.sentences,
        corpus.val.sentences,
        AutoTokenizer.from_pretrained(scratch / "start"),
        label_map,
        length=LENGTH,
        batch_size=BATCH_SIZE,
        epochs=given.epochs,
        learning_rate=given.learning_rate,
        seed=seed,
    )


CONTESTANTS = {"tutorial": _tutorial, "hugging_face": _hugging_face, "job": _job}


if __name__ == "__main__":
    main()
