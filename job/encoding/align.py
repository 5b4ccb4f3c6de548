"""Wordpieces of a chunk of sentences and their tags, aligned by character offsets.

The texts stand in one array of code points, each followed by a line feed that belongs to no entity,
so that every question about characters is one numpy operation for the whole chunk. Nothing is
searched for, normalised or deleted: soft hyphens, zero-width and full-width spaces cannot shift a
tag. Shape legend:

    N sentences, P wordpieces (no special tokens), S spans, C code points
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from job.encoding.clusters import cluster_starts, goes_on
from job.encoding.labels import OUTSIDE_ID, LabelMap
from job.sentence import Sentence


@dataclass(frozen=True)
class Aligned:
    """The wordpieces of a chunk of sentences, with labels and offsets in their own sentence.

    `lost` counts the entities that tags on these wordpieces cannot return exactly, by reason.
    """

    ids_P: np.ndarray  # int32, token ids
    labels_P: np.ndarray  # int16, label ids
    starts_P: np.ndarray  # int32, code points
    ends_P: np.ndarray  # int32
    excess_P: np.ndarray  # int16, grapheme clusters behind the end of the entity that ends in it
    lengths_N: np.ndarray  # int64, the wordpieces of each sentence
    lost: dict[str, int]


def align(
    sentences: Sequence[Sentence], tokenizer: PreTrainedTokenizerFast, label_map: LabelMap
) -> Aligned:
    """Tokenises a chunk. A wordpiece carries the tag of the entity in which its first character
    lies; a span whose type `label_map` lacks is lost."""
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    encodings = backend.encode_batch([s.text for s in sentences], add_special_tokens=False)
    lengths_N = np.array([len(e.ids) for e in encodings], np.int64)
    ids_P = np.fromiter((i for e in encodings for i in e.ids), np.int32, lengths_N.sum())
    offsets_P2 = np.array([o for e in encodings for o in e.offsets], np.int64).reshape(-1, 2)

    text = "\n".join([*(s.text for s in sentences), ""])
    blank_C = where(text, str.isspace)
    base_N = np.cumsum([0, *(len(s.text) + 1 for s in sentences)])[:-1]
    base_P = np.repeat(base_N, lengths_N)
    starts_P, ends_P = _trim(offsets_P2 + base_P[:, None], blank_C)
    _reach(starts_P, ends_P, where(text, goes_on))

    span_C, spans_S2, begin_S = _spans_by_character(sentences, base_N, len(text), label_map)
    span_P = span_C[starts_P]
    opens_P = span_P != np.concatenate([[-1], span_P[:-1]])
    begin_P = begin_S[span_P]  # -1 finds the last entry, which stands for "no span"
    inside_P = begin_P + len(label_map.types)
    labels_P = np.where(span_P < 0, OUTSIDE_ID, np.where(opens_P, begin_P, inside_P))
    last_S = _last_pieces(span_P, len(spans_S2))
    lost = _lost(span_P, starts_P, ends_P, spans_S2, last_S)
    lost["unseen_type"] = sum(len(s.spans) for s in sentences) - len(spans_S2)
    return Aligned(
        ids_P,
        labels_P.astype(np.int16),
        (starts_P - base_P).astype(np.int32),
        (ends_P - base_P).astype(np.int32),
        _excess(text, ends_P, spans_S2, last_S),
        lengths_N,
        lost,
    )


def concatenate(chunks: Sequence[Aligned]) -> Aligned:
    """Chunks one after the other as one. Raises ValueError where there is none."""
    lost: Counter[str] = Counter()
    for chunk in chunks:
        lost.update(chunk.lost)
    return Aligned(
        np.concatenate([chunk.ids_P for chunk in chunks]),
        np.concatenate([chunk.labels_P for chunk in chunks]),
        np.concatenate([chunk.starts_P for chunk in chunks]),
        np.concatenate([chunk.ends_P for chunk in chunks]),
        np.concatenate([chunk.excess_P for chunk in chunks]),
        np.concatenate([chunk.lengths_N for chunk in chunks]),
        dict(lost),
    )


def where(text: str, test: Callable[[str], bool]) -> np.ndarray:
    """A mask of the code points that pass the test, such as `str.isspace`; tries each only once."""
    codes_C = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    unique, inverse_C = np.unique(codes_C, return_inverse=True)
    return np.array([test(chr(code)) for code in unique], bool)[inverse_C]


def _trim(offsets_P2: np.ndarray, blank_C: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leaves out white space at both ends of a wordpiece: `▁서울` begins at 서. All-blank stays."""
    starts_P, ends_P = offsets_P2[:, 0].copy(), offsets_P2[:, 1].copy()
    while (move_P := (starts_P < ends_P) & blank_C[np.minimum(starts_P, len(blank_C) - 1)]).any():
        starts_P[move_P] += 1
    all_blank_P = starts_P >= ends_P
    starts_P[all_blank_P] = offsets_P2[all_blank_P, 0]
    while (move_P := ~all_blank_P & blank_C[ends_P - 1]).any():
        ends_P[move_P] -= 1
    return starts_P, ends_P


def _reach(starts_P: np.ndarray, ends_P: np.ndarray, goes_on_C: np.ndarray) -> None:
    """A wordpiece ends where its last cluster does: one that composes `ㅎㅏㄴ` says that it ends
    behind the first of the three."""
    limit_P = np.append(starts_P[1:], len(goes_on_C))
    while (short_P := (ends_P < limit_P) & goes_on_C[np.minimum(ends_P, len(goes_on_C) - 1)]).any():
        ends_P[short_P] += 1


def _spans_by_character(
    sentences: Sequence[Sentence], base_N: np.ndarray, length: int, label_map: LabelMap
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """span_C: the span each character lies in, or -1; their bounds; and their B- label ids."""
    span_C = np.full(length, -1, np.int64)
    bounds: list[tuple[int, int]] = []
    begins: list[int] = []
    for base, sentence in zip(base_N.tolist(), sentences, strict=True):
        for span in sentence.spans:
            if span.type in label_map.begin_ids:
                span_C[base + span.start : base + span.end] = len(bounds)
                bounds.append((base + span.start, base + span.end))
                begins.append(label_map.begin_ids[span.type])
    spans_S2 = np.array(bounds, np.int64).reshape(-1, 2)
    return span_C, spans_S2, np.array([*begins, 0], np.int64)


def _last_pieces(span_P: np.ndarray, count: int) -> np.ndarray:
    """The last wordpiece whose first character lies in each span; -1 where there is none."""
    tagged_P = np.flatnonzero(span_P >= 0)
    last_S = np.full(count, -1, np.int64)
    last_S[span_P[tagged_P]] = tagged_P
    return last_S


def _excess(text: str, ends_P: np.ndarray, spans_S2: np.ndarray, last_S: np.ndarray) -> np.ndarray:
    """For each span's last wordpiece: how many clusters of it lie behind the span."""
    excess_P = np.zeros(len(ends_P), np.int16)
    for s in np.flatnonzero((last_S >= 0) & (ends_P[last_S] > spans_S2[:, 1])).tolist():
        piece = last_S[s]
        excess_P[piece] = len(cluster_starts(text[spans_S2[s, 1] : ends_P[piece]]))
    return excess_P


def _lost(
    span_P: np.ndarray,
    starts_P: np.ndarray,
    ends_P: np.ndarray,
    spans_S2: np.ndarray,
    last_S: np.ndarray,
) -> dict[str, int]:
    """Counts each entity whose bounds are not those of its first and last wordpiece, once."""
    tagged_P = np.flatnonzero(span_P >= 0)
    first_S = np.full(len(spans_S2), -1, np.int64)
    first_S[span_P[tagged_P[::-1]]] = starts_P[tagged_P[::-1]]
    bad_start_S = first_S != spans_S2[:, 0]
    end_S = np.where(last_S >= 0, np.append(ends_P, -1)[last_S], -1)
    bad_end_S = ~bad_start_S & (end_S != spans_S2[:, 1])
    return {
        "starts_inside_wordpiece": int(bad_start_S.sum()),
        "ends_inside_wordpiece": int(bad_end_S.sum()),
    }
