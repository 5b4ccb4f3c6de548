"""The head of a network: what its logits mean, as a loss to train on and as scores of labels.

To add one, such as a CRF, write a class with the methods of `TokenHead` and give it a row in
`HEADS`. A model names its head in config.json ("token_head"), so it keeps it wherever it is loaded.
Shape legend:

    R rows, L positions of a row, C label ids
"""

from typing import Protocol

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedConfig, PreTrainedModel

from job.batches import IGNORED_LABEL, Batch
from job.errors import ArgumentError
from job.model.named_tags import NAMED_TAGS, NamedTags
from job.model.pretrained.config import labels_of


class TokenHead(Protocol):
    """The way from the logits of a batch to a loss, and to the scores that labels compete by."""

    def summed_loss(self, logits_RLC: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss summed over the scored wordpieces, in nats, as a tensor without dimensions."""

    def scores(self, logits_RLC: torch.Tensor, batch: Batch) -> torch.Tensor:
        """scores_RLC, float32, on the same device: of the valid sequences of labels, that with the
        highest sum is predicted."""


class Softmax:
    """Each wordpiece by itself: cross-entropy, and the logits as they are."""

    def summed_loss(self, logits_RLC: torch.Tensor, batch: Batch) -> torch.Tensor:
        logits_NC, labels_N = logits_RLC.flatten(0, 1), batch["labels"].flatten()
        return cross_entropy(logits_NC, labels_N, ignore_index=IGNORED_LABEL, reduction="sum")

    def scores(self, logits_RLC: torch.Tensor, batch: Batch) -> torch.Tensor:
        return logits_RLC


HEADS: dict[str, TokenHead] = {"softmax": Softmax()}


def has_plain_scores(config: PreTrainedConfig) -> bool:
    """Whether labels compete by the logits as they are, which is all that others know of."""
    return isinstance(head_of(config), Softmax)


def head_of(config: PreTrainedConfig) -> TokenHead:
    """The head that a model's config names, or the softmax. Raises ArgumentError."""
    name = getattr(config, "token_head", "softmax")
    if name == NAMED_TAGS:
        return NamedTags.of(labels_of(config))
    if name not in HEADS:
        raise ArgumentError(
            f'config.json: this version does not know the head "{name}" (token_head); it knows '
            f"{', '.join(HEADS)}."
        )
    return HEADS[name]


def logits_of(network: PreTrainedModel, batch: Batch) -> torch.Tensor:
    """logits_RLC, float32."""
    inputs = {"input_ids": batch["input_ids"], "attention_mask": batch["attention_mask"]}
    if "position_ids" in batch:  # in packed rows, where positions begin anew in each window
        inputs["position_ids"] = batch["position_ids"]
    return network(**inputs).logits.float()
