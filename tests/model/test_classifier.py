"""Loss, seeds and optimiser."""

import numpy as np
import pytest
import torch
from transformers import BertConfig, BertForTokenClassification

from job.batches.evaluation import EvaluationBatches
from job.batches.rows import Layout
from job.encoding.encoded import SpecialTokens
from job.errors import DataError
from job.model.classifier import TokenClassifier
from job.model.inference import predict_labels
from job.model.probe import probe_split
from job.seed import step_seed

SPECIAL = SpecialTokens((2,), (3,), 0)
LAYOUT = Layout(SPECIAL, row_length=48)


def network(dropout: float = 0.0) -> BertForTokenClassification:
    torch.manual_seed(0)
    return BertForTokenClassification(
        BertConfig(
            vocab_size=120,
            hidden_size=32,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=64,
            max_position_embeddings=64,
            num_labels=7,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
        )
    )


def module(net, split) -> TokenClassifier:
    return TokenClassifier(
        net,
        learning_rate=1e-3,
        weight_decay=0.1,
        schedule=lambda step: 1.0,
        loss_constant=100.0,
        seed=7,
        fused_optimizer=True,
        validation=split,
        score=lambda labels: {},
    )


def test_the_loss_is_the_sum_over_real_wordpieces_by_a_constant():
    """Two halves of a batch have losses that add up to the whole's: nothing is a mean of means."""
    split = probe_split([5, 9, 3, 30], 120)
    split.labels_P[:] = np.arange(len(split.labels_P)) % 7
    trained = module(network().eval(), split)
    at = {"epoch": 0, "step": 0}

    def loss(windows):
        return trained.training_step(LAYOUT.rows(split, windows) | at, 0).item()

    assert loss([0, 1]) + loss([2, 3]) == pytest.approx(loss([0, 1, 2, 3]), rel=1e-5)
    assert trained.losses.recent() * 94 == pytest.approx(2 * 100 * loss([0, 1, 2, 3]), rel=1e-5)


def test_a_loss_that_is_not_finite_names_its_step():
    """The first bad step is named, though it is looked at later."""
    split = probe_split([5], 120)
    trained = module(network(), split)
    batch = LAYOUT.rows(split, [0])
    trained.training_step(batch | {"epoch": 1, "step": 2}, 0)
    trained.losses.refuse_bad()
    trained.network.classifier.weight.data[0, 0] = float("nan")
    trained.training_step(batch | {"epoch": 1, "step": 3}, 0)
    trained.training_step(batch | {"epoch": 1, "step": 4}, 0)
    with pytest.raises(DataError, match=r"epoch 2, step 4, .*LEARNING_RATE"):
        trained.losses.refuse_bad()


def test_dropout_follows_from_seed_epoch_step_and_rank():
    """The same step draws the same dropout, whatever was drawn before; another step another."""
    split = probe_split([5, 9], 120)
    trained = module(network(dropout=0.5).train(), split)
    batch = LAYOUT.rows(split, [0, 1])

    def loss(step):
        torch.rand(step + 3)
        torch.manual_seed(step_seed(7, 0, step, 0))
        return trained.training_step(batch | {"epoch": 0, "step": step}, step).item()

    assert loss(4) == loss(4) != loss(5)
    assert len({step_seed(7, e, s, r) for e in range(3) for s in range(9) for r in range(8)}) == 216


def test_weight_decay_spares_biases_and_layer_norm():
    """Only matrices decay."""
    optimizer = module(network(), probe_split([5], 120)).configure_optimizers()["optimizer"]
    decayed, spared = optimizer.param_groups
    assert decayed["weight_decay"] == 0.1
    assert spared["weight_decay"] == 0.0
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim == 1 for p in spared["params"])


def test_the_loss_on_val_is_the_mean_over_the_wordpieces_that_are_scored(monkeypatch):
    """What truncation cut off counts neither above nor below."""
    split = probe_split([9, 9], 120)
    split.labels_P[:] = np.arange(18) % 7
    split.score_ends_W[0] -= 4
    net = network().eval()
    trained, logged = module(net, split), {}
    monkeypatch.setattr(trained, "log_dict", lambda metrics, **options: logged.update(metrics))
    trained.losses.start_epoch()
    trained.on_validation_epoch_start()
    for batch in EvaluationBatches(split, LAYOUT):
        trained.validation_step(batch, 0)
    trained.on_validation_epoch_end()
    _, expected = predict_labels(net, split, LAYOUT)
    assert logged["val_loss"].item() == pytest.approx(expected, rel=1e-5)
