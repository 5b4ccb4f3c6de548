"""Packed rows: the loss and the gradient are those of one window per row."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import (
    BertConfig,
    BertForTokenClassification,
    DebertaV2Config,
    DebertaV2ForTokenClassification,
    RobertaConfig,
    RobertaForTokenClassification,
)

from job.batches.rows import Layout, best_fit
from job.encoding.encoded import SpecialTokens
from job.model.head import head_of, logits_of
from job.model.memory import largest_batch
from job.model.probe import probe_split
from job.model.row_layout import choose_layout

SPECIAL = SpecialTokens((2,), (3,), 0)
SIZES = {
    "vocab_size": 120,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "num_labels": 7,
    "attention_probs_dropout_prob": 0.0,
    "hidden_dropout_prob": 0.0,
}
LENGTHS = [5, 17, 1, 30, 9, 22, 30, 2]


def bert(**more) -> BertForTokenClassification:
    torch.manual_seed(0)
    config = BertConfig(**SIZES, max_position_embeddings=64, **more)
    return BertForTokenClassification(config).double()


def labelled_split(lengths):
    split = probe_split(lengths, SIZES["vocab_size"])
    split.labels_P[:] = np.random.default_rng(0).integers(0, 7, len(split.labels_P))
    return split


def loss_and_gradient(network, batch):
    network.zero_grad()
    logits = network(
        **{k: batch[k] for k in ("input_ids", "attention_mask", "position_ids") if k in batch}
    ).logits
    loss = head_of(network.config).summed_loss(logits, batch)
    loss.backward()
    return loss.item(), torch.cat([p.grad.flatten() for p in network.parameters()])


def difference(network, one, other):
    loss, gradient = loss_and_gradient(network, one)
    other_loss, other_gradient = loss_and_gradient(network, other)
    return abs(loss - other_loss) / abs(loss), (gradient - other_gradient).abs().max().item()


def test_packed_rows_equal_single_windows_in_loss_and_gradient():
    """In float64 the loss differs by less than 1e-12 and no gradient by more than 1e-10."""
    split, windows = labelled_split(LENGTHS), range(len(LENGTHS))
    packed = Layout(SPECIAL, row_length=48).rows(split, windows)
    single = Layout(SPECIAL, row_length=48, packed=False).rows(split, windows)
    assert len(packed["input_ids"]) < len(single["input_ids"])
    loss, gradient = difference(bert(), packed, single)
    assert loss < 1e-12
    assert gradient < 1e-10


@pytest.mark.parametrize("broken", ["attention_mask", "position_ids"])
def test_without_mask_or_positions_the_rows_contaminate_each_other(broken):
    """The equality above is not vacuous: take one of the two away and it fails by far."""
    split, windows = labelled_split(LENGTHS), range(len(LENGTHS))
    packed = Layout(SPECIAL, row_length=48).rows(split, windows)
    single = Layout(SPECIAL, row_length=48, packed=False).rows(split, windows)
    if broken == "attention_mask":
        packed["attention_mask"] = torch.ones_like(packed["attention_mask"])
    else:
        packed["position_ids"] = torch.arange(48).expand_as(packed["position_ids"])
    loss, gradient = difference(bert(), packed, single)
    assert gradient > 1e-3
    assert loss > 1e-6


def test_more_rows_than_needed_change_nothing():
    """Rows of padding only, added to reach a size of the list, weigh nothing and give no NaN."""
    split, windows = labelled_split(LENGTHS), range(len(LENGTHS))
    exact = Layout(SPECIAL, row_length=48).rows(split, windows)
    more = Layout(SPECIAL, row_length=48, row_multiple=8).rows(split, windows)
    assert len(more["input_ids"]) == 8 > len(exact["input_ids"])
    loss, gradient = difference(bert(), exact, more)
    assert loss < 1e-12
    assert gradient < 1e-10


@pytest.mark.parametrize("packed", [True, False])
def test_a_batch_without_a_window_has_neither_loss_nor_gradient(packed):
    """A rank without a sentence still comes through the step, and adds zeros: no NaN."""
    batch = Layout(SPECIAL, 64, packed=packed).rows(labelled_split(LENGTHS), [])
    assert batch["attention_mask"].any(-1).all()  # a mean over nothing is a NaN in some models
    loss, gradient = loss_and_gradient(bert(), batch)
    assert loss == 0
    assert all((each == 0).all() for each in gradient)


@given(
    lengths=st.lists(st.integers(1, 64), min_size=1, max_size=40),
    row_length=st.integers(64, 128),
)
def test_best_fit_overlaps_nothing_and_leaves_no_two_rows_that_fit_into_one(lengths, row_length):
    """Every item lies inside its row, apart from the others, and no two rows could be merged."""
    rows, starts, count = best_fit(lengths, row_length)
    filled = [np.zeros(row_length, int) for _ in range(count)]
    for row, start, length in zip(rows, starts, lengths, strict=True):
        assert start + length <= row_length
        filled[row][start : start + length] += 1
    assert max(f.max() for f in filled) == 1
    sums = sorted(int(f.sum()) for f in filled)
    assert len(sums) < 2 or sums[0] + sums[1] > row_length


def test_labels_stand_on_scored_wordpieces_only():
    """Special tokens, padding and unscored overlap carry the ignored label."""
    split = labelled_split([5, 9])
    split.score_ends_W[1] -= 3
    batch = Layout(SPECIAL, row_length=32).rows(split, [0, 1])
    scored = batch["piece"][batch["labels"] != -100]
    assert sorted(scored.tolist()) == list(range(11))
    assert (
        split.labels_P[scored.numpy()] == batch["labels"][batch["labels"] != -100].numpy()
    ).all()


def test_roberta_is_packed_with_its_own_first_position():
    """RoBERTa counts positions from padding_idx + 1; the probe accepts its packed rows."""
    torch.manual_seed(0)
    network = RobertaForTokenClassification(
        RobertaConfig(**SIZES, max_position_embeddings=66, pad_token_id=1)
    )
    layout = choose_layout(network, SPECIAL, probe_split([9], 120), max_seq_length=64, batch_size=8)
    assert layout.packed
    assert layout.first_position == 2


def test_a_model_that_takes_no_4d_mask_gets_padded_rows_and_says_so(caplog):
    """DeBERTa's code cannot be packed: one window a row, and a warning with the reason."""
    torch.manual_seed(0)
    network = DebertaV2ForTokenClassification(
        DebertaV2Config(**SIZES, relative_attention=True, pos_att_type=["p2c", "c2p"])
    )
    layout = choose_layout(network, SPECIAL, probe_split([9], 120), max_seq_length=64, batch_size=8)
    assert not layout.packed
    assert "does not take packed rows" in caplog.text
    batch = layout.rows(labelled_split([5, 9]), [0, 1])
    assert logits_of(network, batch).shape == (2, 16, 7)


def test_the_largest_batch_grows_with_memory_and_ends_at_256():
    """BATCH_SIZE=0 takes a power of two that follows the free memory, between 1 and 256."""
    network = bert().float()
    split = labelled_split([20] * 50)
    layout = Layout(SPECIAL, row_length=128)
    sizes = [
        largest_batch(network, layout, split, max_seq_length=64, free_bytes=free)
        for free in (0, 10 * 2**20, 40 * 2**20, 2**34)
    ]
    assert sizes[0] == 1
    assert sizes[-1] == 256
    assert sizes == sorted(sizes)
    assert 1 < sizes[2] < 256
    assert all(size & (size - 1) == 0 for size in sizes)
