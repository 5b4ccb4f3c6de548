"""The table of ends of a run, and how far it can take entity F1."""

import logging
from collections.abc import Mapping

from job.corpus import Split
from job.encoding import EncodedSplit, EndTable, LabelMap, decode_spans
from job.evaluation import score_spans
from job.figures import figure

logger = logging.getLogger(__name__)


def count_ends(
    splits: Mapping[str, Split], encoded: Mapping[str, EncodedSplit], label_map: LabelMap
) -> EndTable | None:
    """The table that train gives; None where each of its entities ends with a wordpiece."""
    table = EndTable.from_split(splits["train"].sentences, encoded["train"], label_map)
    if table.is_empty:
        logger.info("train: no entity ends inside of a wordpiece, so there is no table of ends.")
        return None
    sentences, split = splits["val"].sentences, encoded["val"]
    gold = [sentence.spans for sentence in sentences]
    alone, with_ends = (
        score_spans(gold, decode_spans(split.labels_P, split, label_map, sentences, ends), ())
        for ends in (None, table)
    )
    logger.info(
        "val: right tags alone would reach F1 %s on exact characters, with the table of ends %s.",
        *(figure(alone.micro.f1), figure(with_ends.micro.f1)),
    )
    return table
