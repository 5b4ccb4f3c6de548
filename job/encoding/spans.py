"""Label ids of wordpieces → the spans of each sentence, in wordpieces or in characters."""

from collections.abc import Sequence

import numpy as np

from job.encoding.encoded import EncodedSplit
from job.encoding.ends import EndTable
from job.encoding.labels import OUTSIDE_ID, LabelMap
from job.sentence import Sentence, Span


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
    label_ids_P: np.ndarray,
    split: EncodedSplit,
    label_map: LabelMap,
    sentences: Sequence[Sentence] = (),
    ends: EndTable | None = None,
) -> list[tuple[Span, ...]]:
    """Entities of each sentence in characters: first wordpiece's start to last wordpiece's end, or,
    with `ends`, to where in the last wordpiece of its sentence an entity ends."""
    placed = place_spans(label_ids_P, split, label_map, sentences, ends)
    return [tuple(span for span, _ in each) for each in placed]


def place_spans(
    label_ids_P: np.ndarray,
    split: EncodedSplit,
    label_map: LabelMap,
    sentences: Sequence[Sentence] = (),
    ends: EndTable | None = None,
) -> list[list[tuple[Span, Span]]]:
    """Each entity as `decode_spans` gives it, and in the wordpieces of its sentence.

    Byte-level wordpieces can share a character: it belongs to the first entity that has it, and
    one that has no other is left out.
    """
    starts, stops = split.starts_P, split.ends_P
    first_P = split.sentence_starts.tolist()
    found = []
    for n, spans in enumerate(piece_spans(label_ids_P, split, label_map)):
        placed: list[tuple[Span, Span]] = []
        stop = 0
        for pieces in spans:
            last = first_P[n] + pieces.end - 1
            begin, end = max(int(starts[first_P[n] + pieces.start]), stop), int(stops[last])
            if ends:
                end = ends.end(sentences[n].text, int(starts[last]), end, pieces.type)
            if begin < end:
                placed.append((Span(begin, end, pieces.type), pieces))
                stop = end
        found.append(placed)
    return found
