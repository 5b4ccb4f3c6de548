"""How many positions a model has, and where it begins to count them."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from job.model.pretrained.config import first_position, labels_of, max_positions
from tests.support.tiny import LABELS, make_network


def test_the_labels_come_in_the_order_of_their_ids():
    """However a config.json that was written by hand lists them."""
    config = make_network().config
    config.id2label = dict(reversed(config.id2label.items()))
    assert labels_of(config) == list(LABELS.labels)


@pytest.mark.parametrize(
    ("model_type", "values", "positions", "first"),
    [
        ("bert", {"max_position_embeddings": 300}, 300, 0),
        ("electra", {}, 512, 0),
        ("roberta", {"max_position_embeddings": 514}, 512, 2),
        ("xlm-roberta", {"max_position_embeddings": 514}, 512, 2),
        ("roberta", {"max_position_embeddings": 514, "pad_token_id": 0}, 513, 1),
        ("deberta-v2", {"relative_attention": True, "position_biased_input": False}, None, 0),
        ("deberta-v2", {"relative_attention": True, "position_biased_input": True}, 512, 0),
        ("xlnet", {}, None, 0),
        ("t5", {}, None, 0),
    ],
)
def test_the_position_limit_is_the_models_own(model_type, values, positions, first):
    """Families count from different offsets, and those with relative positions have no limit."""
    config = AutoConfig.for_model(model_type, **values)
    assert max_positions(config) == positions
    assert first_position(config) == first


def test_a_sequence_of_max_positions_runs_and_one_more_does_not():
    """The limit is that of the network itself."""
    for model_type, size in (("bert", 20), ("roberta", 22)):
        shape = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1}
        config = AutoConfig.for_model(
            model_type, max_position_embeddings=size, intermediate_size=8, vocab_size=50, **shape
        )
        network = AutoModelForTokenClassification.from_config(config)
        limit = max_positions(config)
        assert network(torch.full((1, limit), 7)).logits.shape[1] == limit
        with pytest.raises((IndexError, RuntimeError)):
            network(torch.full((1, limit + 1), 7))
