"""The evaluation of the trained network on whole splits."""

from job.encoding import decode_spans, piece_spans
from job.evaluation import SplitResult, score_spans
from job.model import predict_labels
from job.training.preparation import Prepared


def evaluate_splits(prepared: Prepared) -> list[SplitResult]:
    """Evaluates the network as it is, in 32 bits, on val and, where there is one, test."""
    return [evaluate_split(prepared, n) for n in ("val", "test") if n in prepared.encoded]


def evaluate_split(prepared: Prepared, name: str) -> SplitResult:
    """Both F1s of one split; gold is the untruncated text's."""
    split, label_map = prepared.encoded[name], prepared.label_map
    sentences = prepared.splits[name].sentences
    label_ids_P, loss = predict_labels(prepared.network, split, prepared.layout)
    predicted = decode_spans(label_ids_P, split, label_map)
    types = label_map.types
    return SplitResult(
        name=name,
        sentences=sentences,
        predicted=predicted,
        characters=score_spans([s.spans for s in sentences], predicted, types),
        wordpieces=score_spans(
            piece_spans(split.labels_P, split, label_map),
            piece_spans(label_ids_P, split, label_map),
            types,
        ),
        loss=loss,
        lost=split.lost,
    )
