"""The tutorial's recipe, to be compared with: its aligner, its padding, its loss, its precision.

Written anew from the behaviour of the tutorial's package, faults included:

- spaces are deleted before entities are found, by a regular expression that `<` in text breaks;
- an entity is left only when a wordpiece starts *behind* its end, so that one that directly follows
  another loses its first wordpiece, or vanishes;
- every sentence is padded to, or cut at, MAX_SEQ_LENGTH, and [CLS], [SEP] and [PAD] are classes
  that are trained;
- the learning rate never decays.
"""

import re
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from job.batches.plan import EpochPlan
from job.encoding.labels import OUTSIDE_ID, SPECIAL_LABELS, LabelMap
from job.model.classifier import ADAM_EPSILON

CLS, SEP, PAD = (SPECIAL_LABELS.index(label) for label in ("[CLS]", "[SEP]", "[PAD]"))
ENTITY = re.compile(r"<(.+?):([A-Z]{3})>")
MARKUP = 6  # characters of `<`, `:`, the tag and `>`


def align(pieces: list[str], tagged: str, label_map: LabelMap) -> list[int]:
    """Label ids of the wordpieces of one sentence, as the tutorial gives them."""
    entities = [
        (match.start() - MARKUP * n, match.end() - MARKUP * (n + 1), match[2])
        for n, match in enumerate(ENTITY.finditer(tagged.replace(" ", "")))
    ]
    labels, at, current, begins = [], 0, 0, True
    for piece in pieces:
        label = OUTSIDE_ID
        if entities:
            if entities[current][1] < at:  # `<=` would be right
                begins = True
                current = min(current + 1, len(entities) - 1)
            start, end, type_ = entities[current]
            if start <= at < end:
                label = label_map.begin_ids[type_] + (0 if begins else len(label_map.types))
                begins = False
            else:
                begins = True
        labels.append(label)
        at += len(piece.removeprefix("##"))
    return labels


def encode_reference(
    sentences: list,
    lines: list[str],
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
    length: int,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """input_ids_NL, attention_mask_NL and labels_NL, padded to or cut at `length`."""
    encoded = tokenizer(
        [s.text for s in sentences],
        add_special_tokens=False,
        return_offsets_mapping=True,
        return_attention_mask=False,
    )
    ids_NL = np.zeros((len(sentences), length), np.int64)
    mask_NL = np.zeros_like(ids_NL)
    labels_NL = np.full_like(ids_NL, PAD)
    for n, (sentence, line) in enumerate(zip(sentences, lines, strict=True)):
        ids, offsets = encoded["input_ids"][n], encoded["offset_mapping"][n]
        # [UNK] stands for the text that it replaces, as the tutorial restores it.
        pieces = [sentence.text[start:end] for start, end in offsets]
        labels = align(pieces, line.split("␞")[1], label_map)[: length - 2]
        ids = [
            tokenizer.cls_token_id,
            *ids[: length - 2],
            tokenizer.sep_token_id,
        ]
        ids_NL[n, : len(ids)] = ids
        mask_NL[n, : len(ids)] = 1
        labels_NL[n, : len(ids)] = [CLS, *labels, SEP]
    return torch.from_numpy(ids_NL), torch.from_numpy(mask_NL), torch.from_numpy(labels_NL)


def train_reference(
    network: PreTrainedModel,
    rows: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    plan: EpochPlan,
    *,
    epochs: int,
    learning_rate: float,
    evaluate: Callable[[], dict[str, float]],
) -> Iterator[dict[str, float]]:
    """Trains in 32 bits on the same sentences in the same order; yields each epoch's figures."""
    ids_NL, mask_NL, labels_NL = rows
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=learning_rate, eps=ADAM_EPSILON, weight_decay=0.0
    )
    for epoch in range(epochs):
        network.train()
        started_at = time.monotonic()
        for step in range(plan.steps):
            chosen = torch.from_numpy(plan.sentences(epoch, step))
            logits = network(input_ids=ids_NL[chosen], attention_mask=mask_NL[chosen]).logits
            loss = cross_entropy(logits.flatten(0, 1), labels_NL[chosen].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        seconds = time.monotonic() - started_at
        yield {"epoch": epoch + 1, "seconds": seconds, **evaluate()}
