"""Scores: of a network on labelled sentences, and of each entity that it finds.

An entity's score is the mean, over its wordpieces, of the probability of the label that each was
given: the softmax over all labels but the special ones, in the window that scores the wordpiece.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from transformers import PreTrainedModel

from job.batches import Layout
from job.encoding import (
    OUTSIDE_ID,
    EncodedSplit,
    EndTable,
    LabelMap,
    decode_spans,
    piece_spans,
)
from job.evaluation import SplitResult, score_spans
from job.model import Prediction, predict_labels
from job.sentence import ScoredSpan, Sentence, Span

Spans = Sequence[tuple[Span, ...]]  # of each sentence


def with_scores(
    placed: Sequence[Sequence[tuple[Span, Span]]], predicted: Prediction, split: EncodedSplit
) -> list[tuple[ScoredSpan, ...]]:
    """The spans that `place_spans` found in a prediction, each with its score."""
    sums_P = [0.0, *np.cumsum(predicted.probability_P, dtype=np.float64).tolist()]
    starts = split.sentence_starts[:-1].tolist()
    return [
        tuple(
            ScoredSpan(*span, (sums_P[first + end] - sums_P[first + start]) / (end - start))
            for span, (start, end, _) in each
        )
        for first, each in zip(starts, placed, strict=True)
    ]


def evaluate(
    network: PreTrainedModel,
    split: EncodedSplit,
    sentences: Sequence[Sentence],
    label_map: LabelMap,
    layout: Layout,
    *,
    name: str,
    ends: EndTable | None = None,
    gold_map: LabelMap | None = None,
    only: Collection[str] = (),
) -> SplitResult:
    """Both F1s of the network as it is, in 32 bits; gold is the untruncated text's.

    `split` is encoded with `gold_map`, where gold has types that `label_map` lacks: those of
    `label_map`, in its order, and the others. Where `only` is given, what is predicted of other
    types is left out.
    """
    gold_map = gold_map or label_map
    known = replace(split, labels_P=_known(split.labels_P, gold_map, label_map))
    label_ids_P, loss = predict_labels(network, known, layout)
    predicted = _only(decode_spans(label_ids_P, split, label_map, sentences, ends), only)
    alone = _only(decode_spans(label_ids_P, split, label_map), only) if ends else None
    gold, types = [each.spans for each in sentences], gold_map.types
    return SplitResult(
        name=name,
        sentences=sentences,
        predicted=predicted,
        characters=score_spans(gold, predicted, types),
        wordpieces=score_spans(
            piece_spans(split.labels_P, split, gold_map),
            _only(piece_spans(label_ids_P, split, label_map), only),
            types,
        ),
        loss=loss,
        lost=split.lost,
        tags_alone=score_spans(gold, alone, types) if alone is not None else None,
    )


def _known(labels_P: np.ndarray, gold_map: LabelMap, label_map: LabelMap) -> np.ndarray:
    """The labels of `gold_map` as those of `label_map`; O where it has none."""
    ids = {label: i for i, label in enumerate(label_map.labels)}
    known = [ids.get(label, OUTSIDE_ID) for label in gold_map.labels]
    return np.array(known, labels_P.dtype)[labels_P]


def _only(found: Spans, types: Collection[str]) -> Spans:
    if not types:
        return found
    return [tuple(span for span in spans if span.type in types) for spans in found]
