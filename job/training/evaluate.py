"""The evaluation of the trained network on whole splits."""

from job.evaluation import SplitResult
from job.export import evaluate
from job.training.preparation import Prepared


def evaluate_splits(prepared: Prepared) -> list[SplitResult]:
    """Evaluates the network as it is, in 32 bits, on val and, where there is one, test."""
    return [evaluate_split(prepared, n) for n in ("val", "test") if n in prepared.encoded]


def evaluate_split(prepared: Prepared, name: str) -> SplitResult:
    """Both F1s of one split; gold is the untruncated text's."""
    return evaluate(
        prepared.network,
        prepared.encoded[name],
        prepared.splits[name].sentences,
        prepared.label_map,
        prepared.layout,
        name=name,
    )
