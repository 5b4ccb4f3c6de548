"""Every family of models: the rows that it gets give the logits of each sentence alone.

Tiny networks of random weights, large enough that a difference shows. The table is docs/models.md.
"""

import numpy as np
import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from job.encoding.encoded import SpecialTokens
from job.errors import ArgumentError
from job.model.head import logits_of
from job.model.probe import probe_split
from job.model.row_layout import choose_layout

pytestmark = pytest.mark.slow

SPECIAL = SpecialTokens((2,), (3,), 1)
LENGTHS = (64, 128, 256, 512)
SHAPE = {
    **{"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4},
    **{"intermediate_size": 64, "max_position_embeddings": 600, "num_labels": 7, "pad_token_id": 1},
}
XL = {"d_model": 32, "n_head": 4, "d_inner": 64}
DISENTANGLED = {
    **{"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
    **{"position_biased_input": False, "max_relative_positions": 600},
}
PACKED, PADDED, REFUSED = "packed", "padded", "refused"
# Family: what it gets, and the arguments that its configuration needs beside those above.
FAMILIES = {
    "albert": (PACKED, {"embedding_size": 32}),
    "bert": (PACKED, {}),
    "big_bird": (PADDED, {}),
    "camembert": (PACKED, {}),
    "canine": (REFUSED, {}),
    "convbert": (REFUSED, {"embedding_size": 32}),
    "data2vec-text": (PACKED, {}),
    "deberta": (PADDED, DISENTANGLED),
    "deberta-v2": (PADDED, DISENTANGLED | {"position_buckets": 64, "share_att_key": True}),
    "distilbert": (PACKED, {"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}),
    "electra": (PACKED, {"embedding_size": 32}),
    "ernie": (PACKED, {}),
    "fnet": (REFUSED, {}),
    "funnel": (REFUSED, XL | {"d_head": 8, "block_sizes": [1, 1]}),
    "ibert": (PADDED, {}),
    "longformer": (PADDED, {"attention_window": 64}),
    "luke": (PADDED, {}),
    "megatron-bert": (PADDED, {}),
    "mobilebert": (REFUSED, {"embedding_size": 32, "intra_bottleneck_size": 32}),
    "modernbert": (PADDED, {"num_hidden_layers": 3}),
    "mpnet": (PADDED, {}),
    "nystromformer": (REFUSED, {}),
    "rembert": (PADDED, {}),
    "roberta": (PACKED, {}),
    "roformer": (PADDED, {}),
    "squeezebert": (PADDED, {"embedding_size": 32}),
    "xlm-roberta": (PACKED, {}),
    "xlnet": (PADDED, XL | {"n_layer": 2}),
    "yoso": (REFUSED, {}),
}
OWN_NAMES = {"funnel": ("num_hidden_layers",), "xlnet": ("max_position_embeddings",)}


def build(family: str):
    values = SHAPE | FAMILIES[family][1]
    values = {k: v for k, v in values.items() if k not in OWN_NAMES.get(family, ())}
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **values)
    network = AutoModelForTokenClassification.from_config(config, dtype=torch.float32).eval()
    for weight in network.parameters():
        if weight.ndim > 1:
            weight.data.copy_(torch.randn(weight.shape) * weight.shape[-1] ** -0.5)
    return network


@torch.no_grad()
def alone(network, ids):
    """logits_LC of one sentence with its special tokens and nothing else."""
    row = torch.tensor([[*SPECIAL.prefix, *ids.tolist(), *SPECIAL.suffix]])
    return network(input_ids=row, attention_mask=torch.ones_like(row)).logits[0, 1:-1]


def sentences_of(longest: int):
    """Sentences of many lengths up to the longest, of other wordpieces than the probe's."""
    lengths = [longest, longest - 1, longest // 2 + 3, longest // 3, 9, 4, 1]
    split = probe_split(lengths, SHAPE["vocab_size"])
    split.ids_P[:] = np.random.default_rng(0).integers(10, SHAPE["vocab_size"], len(split.ids_P))
    return split


@pytest.mark.parametrize("family", FAMILIES)
def test_rows_give_the_logits_of_a_sentence_alone(family):
    """At 64, 128, 256 and 512 wordpieces, to a thousandth; or the family is refused by name."""
    wanted, _ = FAMILIES[family]
    network, found = build(family), set()
    for length in LENGTHS:
        split = sentences_of(length - SPECIAL.count)
        arguments = {"max_seq_length": length, "batch_size": 8}
        if wanted == REFUSED:
            with pytest.raises(ArgumentError, match=rf"\({family}\)"):
                choose_layout(network, SPECIAL, split, **arguments)
            continue
        layout = choose_layout(network, SPECIAL, split, **arguments)
        found.add(PACKED if layout.packed else PADDED)
        batch = layout.rows(split, range(split.sentence_count))
        with torch.no_grad():
            logits_RLC = logits_of(network, batch)
        real_RL = batch["piece"] >= 0
        logits_PC = torch.empty(len(split.ids_P), SHAPE["num_labels"])
        logits_PC[batch["piece"][real_RL]] = logits_RLC[real_RL]
        for first, last in zip(split.window_starts_W, split.window_ends_W, strict=True):
            expected_LC = alone(network, split.ids_P[first:last])
            assert (logits_PC[first:last] - expected_LC).abs().max() < 1e-3
    # ModernBERT attends to 64 wordpieces on either side: shorter windows lose nothing when packed.
    also = {PACKED} if family == "modernbert" else set()
    assert found == ({wanted} | also) - {REFUSED}


def test_the_table_is_of_25_families():
    """No family falls out of the table unnoticed."""
    assert len(FAMILIES) >= 25
