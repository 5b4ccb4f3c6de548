"""The rows that a network gets: probed at the lengths that occur, said only where measured."""

import logging

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from job.batches.rows import Layout, alone
from job.encoding.encoded import SpecialTokens
from job.errors import ArgumentError
from job.model import probe
from job.model.head import logits_of
from job.model.probe import find_difference, probe_split, probe_windows
from job.model.row_layout import choose_layout

SPECIAL = SpecialTokens((2,), (3,), 1)
SHAPE = {
    **{"vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4},
    **{"intermediate_size": 64, "max_position_embeddings": 600, "num_labels": 7},
}


def build(family, scale=1.0, **values):
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, **(SHAPE | {"pad_token_id": 1} | values))
    network = AutoModelForTokenClassification.from_config(config, dtype=torch.float32)
    for weight in network.parameters():
        if weight.ndim > 1:
            weight.data.copy_(scale * torch.randn(weight.shape) * weight.shape[-1] ** -0.5)
    return network.eval()


def layout_of(network, length):
    return choose_layout(
        network, SPECIAL, probe_split([9], 300), max_seq_length=length, batch_size=8
    )


@pytest.mark.parametrize(("length", "packed"), [(64, True), (128, False), (256, False)])
def test_a_sliding_window_is_never_lost(length, packed, caplog):
    """ModernBERT sees 64 wordpieces on either side: where packing loses that, rows are padded."""
    layout = layout_of(build("modernbert", num_hidden_layers=3), length)
    assert layout.packed == packed
    assert ("the result is the same" in caplog.text) == (not packed)


@pytest.mark.parametrize("scale", [1.0, 1e-4])
def test_small_logits_hide_no_difference(scale):
    """A difference counts against the spread of the logits: a fresh classifier's are tiny."""
    network = build("modernbert", num_hidden_layers=3)
    network.classifier.weight.data *= scale
    assert not layout_of(network, 256).packed


@pytest.mark.parametrize("family", ["convbert", "fnet"])
def test_logits_that_depend_on_padding_are_refused(family, caplog):
    """Neither packed nor padded rows give such a model's own logits: its family is named."""
    with pytest.raises(ArgumentError, match=rf"\({family}\).*docs/models\.md"):
        layout_of(build(family, embedding_size=32), 64)
    assert "the result is the same" not in caplog.text


def test_code_that_does_not_run_is_refused_and_not_trained(monkeypatch):
    """A network that needs more than wordpieces fails in the first step of a run; not later."""
    with pytest.raises(ArgumentError, match=r"\(bros\) does not run on wordpieces alone"):
        layout_of(build("bros", pad_token_id=0), 64)


def test_too_little_memory_is_no_reason_to_pad(monkeypatch):
    """Running out of memory says nothing about a network's code: it is not swallowed."""

    def fail(self, *_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    network = build("bert")
    monkeypatch.setattr(Layout, "rows", fail)
    with pytest.raises(torch.OutOfMemoryError):
        layout_of(network, 64)


@pytest.mark.parametrize(
    ("length", "values", "longest"),
    [
        (4, {}, 4),
        (64, {}, 64),
        (512, {}, 512),
        (8192, {}, 512),
        (8192, {"sliding_window": 1024}, 2048),
        (8192, {"attention_window": [256, 512]}, 1024),
    ],
)
def test_the_probe_uses_the_lengths_that_occur(length, values, longest):
    """MAX_SEQ_LENGTH, or twice a sliding window where that is shorter; several windows a row."""
    config = AutoConfig.for_model("longformer" if "attention_window" in values else "bert")
    for name, value in values.items():
        setattr(config, name, value)
    if "attention_window" not in values:
        assert not getattr(config, "attention_window", None)
    lengths = (probe_windows(config, SPECIAL, length).window_lengths_W + SPECIAL.count).tolist()
    assert max(lengths) == longest
    assert len(lengths) == 5
    assert min(lengths) > SPECIAL.count
    row = max(128, length)
    assert sum(sorted(lengths)[:-1]) <= row  # all but the longest share a row


def test_the_probe_holds_no_special_token():
    """RoBERTa counts positions by what is not padding: a made-up window may hold none of it."""
    split = probe_windows(build("roberta").config, SPECIAL, 512)
    assert not {1, 2, 3} & set(split.ids_P.tolist())
    assert len(set(split.ids_P.tolist())) > 200


def test_alone_is_without_neighbour_padding_and_position_ids():
    """What everything is held against: one row of the window's own length."""
    batch = alone(probe_split([9, 4], 300), 1, Layout(SPECIAL, 128))
    assert batch["input_ids"].shape == (1, 6)
    assert batch["attention_mask"].tolist() == [[1] * 6]
    assert "position_ids" not in batch


def test_the_probe_leaves_the_network_as_it_was():
    """Training mode and gradients stay; a network in training is probed without dropout."""
    network = build("bert", hidden_dropout_prob=0.5).train()
    assert find_difference(network, Layout(SPECIAL, 128), 64) == ""
    assert network.training
    assert all(weight.grad is None for weight in network.parameters())


def test_the_samples_rows_are_packed_as_before(caplog):
    """BERT keeps its packed rows, and nothing is said about it."""
    with caplog.at_level(logging.INFO):
        layout = layout_of(build("bert"), 128)
    assert layout == Layout(SPECIAL, 128, packed=True, row_multiple=layout.row_multiple)
    assert caplog.records == []


def test_a_row_that_leaks_by_little_is_found(monkeypatch):
    """The tolerance is a thousandth of the spread: a hundredth of a neighbour is too much."""
    network = build("bert")

    def leaking(network, batch):
        logits_RLC = logits_of(network, batch)
        return logits_RLC + 0.01 * logits_RLC.roll(1, 1) * (logits_RLC.shape[1] > 100)

    monkeypatch.setattr(probe, "logits_of", leaking)
    assert "logits differ by" in find_difference(network, Layout(SPECIAL, 128), 64)


def test_a_network_that_computes_no_number_is_left_to_its_loss():
    """NaN alone cannot be compared: the first step's loss stops the run and names the step."""
    network = build("bert")
    network.classifier.bias.data[0] = torch.nan
    assert layout_of(network, 64).packed
