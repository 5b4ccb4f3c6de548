"""Sentences with spans → wordpieces with labels, and labels back to spans.

Characters decide: a wordpiece carries the tag of the entity in which its first character lies. All
sentences of a split live in flat arrays, a hundred bytes a sentence. Shape legend:

    N sentences, P wordpieces of all sentences (no special tokens), W windows
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from transformers import PreTrainedTokenizerFast

from job.encoding.align import align, no_losses
from job.encoding.labels import OUTSIDE_ID, LabelMap
from job.sentence import Sentence, Span

CHUNK = 4096  # sentences tokenised at once: enough for every thread, small in memory


@dataclass(frozen=True)
class EncodedSplit:
    """A split as flat arrays. Every scored wordpiece lies in exactly one window's scored range.

    A window is a run [start, end) of one sentence's wordpieces that the model reads at once; only
    [score_start, score_end) of it is trained on and evaluated. `lost` counts the entities that
    tags on these wordpieces cannot return exactly, by reason.
    """

    ids_P: np.ndarray  # int32, token ids
    labels_P: np.ndarray  # int16, label ids
    starts_P: np.ndarray  # int32, first character in the sentence, surrounding blanks left out
    ends_P: np.ndarray  # int32, one past the last character
    sentence_starts: np.ndarray  # int64 (N+1,), the first wordpiece of each sentence, and P
    window_sentence_W: np.ndarray  # int32
    window_starts_W: np.ndarray  # int64, all four index into P
    window_ends_W: np.ndarray
    score_starts_W: np.ndarray
    score_ends_W: np.ndarray
    lost: dict[str, int]

    @property
    def sentence_count(self) -> int:
        return len(self.sentence_starts) - 1

    @property
    def window_lengths_W(self) -> np.ndarray:
        return self.window_ends_W - self.window_starts_W


@dataclass(frozen=True)
class SpecialTokens:
    """What the tokenizer puts before and after a sequence, and what it pads with."""

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    pad: int

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> "SpecialTokens":
        encoded = tokenizer("a", return_special_tokens_mask=True)
        ids, mask = encoded["input_ids"], encoded["special_tokens_mask"]
        first = mask.index(0) if 0 in mask else len(mask)
        last = len(mask) - mask[::-1].index(0) if 0 in mask else len(mask)
        pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0
        return cls(tuple(ids[:first]), tuple(ids[last:]), pad)

    @property
    def count(self) -> int:
        return len(self.prefix) + len(self.suffix)


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
    ids_P, labels_P, starts_P, ends_P, lengths_N, first_lost = _concatenate(chunks)
    sentence_starts = np.concatenate([[0], np.cumsum(lengths_N, dtype=np.int64)])
    capacity = max_seq_length - SpecialTokens.of(tokenizer).count
    windows = _windows(sentence_starts, capacity, min(stride, capacity // 2), truncate)
    split = EncodedSplit(
        ids_P, labels_P, starts_P, ends_P, sentence_starts, *windows, lost=first_lost
    )
    if truncate:
        split.lost["truncated"] = _count_truncated(sentences, split)
    return split


def _concatenate(chunks: list[tuple]) -> tuple:
    if not chunks:
        empty = np.zeros(0, np.int32)
        return empty, empty.astype(np.int16), empty, empty, empty.astype(np.int64), no_losses()
    lost = no_losses()
    for *_, counts in chunks:
        for reason, count in counts.items():
            lost[reason] += count
    return *(np.concatenate(arrays) for arrays in zip(*(c[:-1] for c in chunks), strict=True)), lost


def _windows(
    sentence_starts: np.ndarray, capacity: int, stride: int, truncate: bool
) -> tuple[np.ndarray, ...]:
    """Cuts sentences longer than `capacity` wordpieces; the others are one window each.

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
    columns = np.array(rows, np.int64).reshape(-1, 5).T
    return (columns[0].astype(np.int32), *columns[1:])


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
