"""Label ids of wordpieces → the spans of each sentence, in wordpieces or in characters."""

import numpy as np

from job.encoding.encoded import EncodedSplit
from job.encoding.labels import OUTSIDE_ID, LabelMap
from job.sentence import Span


def piece_spans(
    label_ids_P: np.ndarray, split: EncodedSplit, label_map: LabelMap
) -> list[tuple[Span, ...]]:
    """Entities of each sentence, counted in its wordpieces.

    Strict: B- opens, I- of the same type continues, anything else closes (IOB2).
    """
    spans: list[list[Span]] = [[] for _ in range(split.sentence_count)]
    types, count = label_map.types, len(label_map.types)
    code_P = label_ids_P.astype(np.int64) - (OUTSIDE_ID + 1)  # B- 0…T-1, I- T…2T-1, else negative
    opens = np.flatnonzero((code_P >= 0) & (code_P < count))
    sentence_of = np.searchsorted(split.sentence_starts, opens, side="right") - 1
    codes = code_P.tolist()
    bounds = split.sentence_starts.tolist()
    for start, n in zip(opens.tolist(), sentence_of.tolist(), strict=True):
        inside, end, last = codes[start] + count, start + 1, bounds[n + 1]
        while end < last and codes[end] == inside:
            end += 1
        spans[n].append(Span(start - bounds[n], end - bounds[n], types[codes[start]]))
    return [tuple(found) for found in spans]


def decode_spans(
    label_ids_P: np.ndarray, split: EncodedSplit, label_map: LabelMap
) -> list[tuple[Span, ...]]:
    """Entities of each sentence in characters: first wordpiece's start to last wordpiece's end."""
    starts, ends = split.starts_P, split.ends_P
    first_P = split.sentence_starts.tolist()
    return [
        tuple(
            Span(int(starts[first + span.start]), int(ends[first + span.end - 1]), span.type)
            for span in spans
        )
        for first, spans in zip(first_P, piece_spans(label_ids_P, split, label_map), strict=False)
    ]
