"""A Hugging Face folder that this job did not write, with labels of any names."""

import torch
from transformers import BertConfig, BertForTokenClassification

from tests.support.tiny import POSITIONS, VOCABULARY, write_tokenizer

PIECES = {"김": "B-PER", "##철": "I-PER", "##수": "I-PER", "서울": "B-LOC", "##역": "I-LOC"}


def write_model(folder, labels, tags, *, positions=POSITIONS):
    """A folder as transformers saves it, whose network gives each piece in `tags` its label."""
    write_tokenizer(folder)
    config = BertConfig(
        vocab_size=len(VOCABULARY),
        hidden_size=len(VOCABULARY) + len(VOCABULARY) % 2,
        num_hidden_layers=0,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=positions,
        id2label=dict(enumerate(labels)),
        label2id={label: i for i, label in enumerate(labels)},
    )
    network = BertForTokenClassification(config)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.bert.embeddings.LayerNorm.weight.fill_(1.0)
        network.bert.embeddings.word_embeddings.weight.fill_diagonal_(1.0)
        network.classifier.bias[0] = 1.5  # above several labels of 0 together
        for piece, label in tags.items():
            network.classifier.weight[labels.index(label), VOCABULARY.index(piece)] = 1.0
    network.save_pretrained(folder)
    return folder
