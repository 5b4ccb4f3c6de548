"""A BERT without layers whose tags are known beforehand: each wordpiece has its label, always.

The word embeddings are one-hot, so the classifier is a table from wordpiece to label.
"""

import json
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertConfig, BertForTokenClassification

from job.encoding.labels import LabelMap

LABELS = LabelMap(("PER", "LOC"))
TAGS = {"김": "B-PER", "##철": "I-PER", "##수": "I-PER", "서울": "B-LOC", "##역": "I-LOC"}
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [
    *SPECIAL,
    *TAGS,
    "##은",
    "##에",
    "##서",
    "가",
    "나",
    "다",
    "만났다",
    "왔다",
    "!",
    ".",
    "<",
]
POSITIONS = 40


def write_tokenizer(folder: Path) -> None:
    """The vocabulary as KcBERT has it on the hub: vocab.txt and a note that case matters."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY), "utf-8")
    told = {
        "do_lower_case": False,
        "model_max_length": POSITIONS,
        "tokenizer_class": "BertTokenizer",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(told))


def make_network(label_map: LabelMap = LABELS, *, layers: int = 0) -> BertForTokenClassification:
    """With `layers` 0 it tags by the table; otherwise its weights are random."""
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=len(VOCABULARY) + len(VOCABULARY) % 2,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=POSITIONS,
        id2label=dict(enumerate(label_map.labels)),
        label2id={label: i for i, label in enumerate(label_map.labels)},
    )
    torch.manual_seed(1)
    network = BertForTokenClassification(config).eval()
    if layers:
        return network
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.bert.embeddings.LayerNorm.weight.fill_(1.0)
        network.bert.embeddings.word_embeddings.weight.fill_diagonal_(1.0)
        network.classifier.bias[label_map.labels.index("O")] = 0.5
        for piece, label in TAGS.items():
            network.classifier.weight[label_map.labels.index(label), VOCABULARY.index(piece)] = 1.0
    return network


def make_model_folder(folder: Path, **shape: int) -> Path:
    """A whole model directory; the same answers as `make_network`."""
    write_tokenizer(folder)
    make_network(**shape).save_pretrained(folder)
    return folder


def make_tokenizer(folder: Path):
    write_tokenizer(folder)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
