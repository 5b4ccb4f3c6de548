"""Sentences with spans → wordpieces with labels, cut into windows that the model reads at once.

Characters decide: a wordpiece carries the tag of the entity in which its first character lies.
Shape legend:

    N sentences, P wordpieces of all sentences (no special tokens), W windows
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from transformers import PreTrainedTokenizerFast

from job.encoding.align import align, concatenate
from job.encoding.encoded import EncodedSplit, SpecialTokens
from job.encoding.labels import LabelMap
from job.sentence import Sentence

CHUNK = 4096  # sentences tokenised at once: enough for every thread, small in memory


def encode(
    sentences: Sequence[Sentence],
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
    *,
    max_seq_length: int,
    stride: int,
    truncate: bool,
) -> EncodedSplit:
    """Tokenises, aligns by character offsets and cuts into windows.

    `max_seq_length` counts wordpieces with special tokens; `stride` is the overlap of neighbouring
    windows in wordpieces. With `truncate` a long sentence keeps its first window only. A span of a
    type that `label_map` lacks gets no tag.
    """
    chunks = [
        align(sentences[i : i + CHUNK], tokenizer, label_map)
        for i in range(0, len(sentences), CHUNK)
    ]
    aligned = concatenate(chunks or [align([], tokenizer, label_map)])
    sentence_starts = np.concatenate([[0], np.cumsum(aligned.lengths_N, dtype=np.int64)])
    capacity = max_seq_length - SpecialTokens.of(tokenizer).count
    rows_W5 = windows(sentence_starts, capacity, min(stride, capacity // 2), truncate)
    split = EncodedSplit(
        ids_P=aligned.ids_P,
        labels_P=aligned.labels_P,
        starts_P=aligned.starts_P,
        ends_P=aligned.ends_P,
        excess_P=aligned.excess_P,
        sentence_starts=sentence_starts,
        window_sentence_W=rows_W5[:, 0].astype(np.int32),
        window_starts_W=rows_W5[:, 1],
        window_ends_W=rows_W5[:, 2],
        score_starts_W=rows_W5[:, 3],
        score_ends_W=rows_W5[:, 4],
        lost=aligned.lost,
    )
    if truncate:
        split.lost["truncated"] = _count_truncated(sentences, split)
    return split


def windows(sentence_starts: np.ndarray, capacity: int, stride: int, truncate: bool) -> np.ndarray:
    """Cuts sentences longer than `capacity` wordpieces; the others are one window each.

    Returns int64 (W, 5): the sentence, the bounds of the window, the bounds of its scored range.

    Worked example, capacity 6, stride 2, ten wordpieces: windows [0,6) and [4,10), scored
    [0,5) and [5,10): each wordpiece is scored where it sees more of its sentence.
    """
    rows: list[tuple[int, int, int, int, int]] = []
    for n, (first, last) in enumerate(pairwise(sentence_starts.tolist())):
        if last - first <= capacity or truncate:
            end = min(last, first + capacity)
            if end > first:
                rows.append((n, first, end, first, end))
            continue
        starts = [*range(first, last - capacity, capacity - stride), last - capacity]
        scored = first
        for start, following in zip(starts, [*starts[1:], None], strict=True):
            end = start + capacity
            until = last if following is None else (following + end) // 2
            rows.append((n, start, end, scored, until))
            scored = until
    return np.array(rows, np.int64).reshape(-1, 5)


def _count_truncated(sentences: Sequence[Sentence], split: EncodedSplit) -> int:
    """Entities that do not end before the cut."""
    kept_N = np.zeros(split.sentence_count, np.int64)
    ends_W = split.ends_P[split.window_ends_W - 1].astype(np.int64)
    cut_W = split.window_ends_W < split.sentence_starts[split.window_sentence_W + 1]
    kept_N[split.window_sentence_W] = np.where(cut_W, ends_W, np.iinfo(np.int64).max)
    return sum(
        span.end > kept
        for sentence, kept in zip(sentences, kept_N.tolist(), strict=True)
        for span in sentence.spans
    )
