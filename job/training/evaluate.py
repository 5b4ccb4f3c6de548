"""The evaluation of the trained network on whole splits."""

import logging
from dataclasses import replace

from job.encoding import EndTable
from job.evaluation import SplitResult
from job.export import evaluate
from job.figures import figure
from job.training.preparation import Prepared

logger = logging.getLogger(__name__)


def evaluate_splits(prepared: Prepared) -> tuple[list[SplitResult], EndTable | None]:
    """Evaluates the network as it is, in 32 bits, on val and, where there is one, test.

    Also returns the table of ends to export with it: none where val is tagged better without.
    """
    results = [evaluate_split(prepared, n) for n in ("val", "test") if n in prepared.encoded]
    val = results[0]
    if val.tags_alone is None or val.tags_alone.micro.f1 <= val.characters.micro.f1:
        return results, prepared.ends
    logger.warning(
        "The table of ends lowers the F1 of val on exact characters from %s to %s, so the exported "
        "model does without it; more sentences in train make a better table.",
        figure(val.tags_alone.micro.f1),
        figure(val.characters.micro.f1),
    )
    without = replace(prepared, ends=None)
    return [evaluate_split(without, result.name) for result in results], None


def evaluate_split(prepared: Prepared, name: str) -> SplitResult:
    """Both F1s of one split; gold is the untruncated text's."""
    return evaluate(
        prepared.network,
        prepared.encoded[name],
        prepared.splits[name].sentences,
        prepared.label_map,
        prepared.layout,
        name=name,
        ends=prepared.ends,
    )
