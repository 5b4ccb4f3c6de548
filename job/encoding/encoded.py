"""An encoded split: the wordpieces and label ids of all its sentences, in flat arrays.

A sentence takes about a hundred bytes. Shape legend:

    N sentences, P wordpieces of all sentences (no special tokens), W windows
"""

from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast


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
    excess_P: np.ndarray  # int16, clusters behind the end of the entity that ends in the piece
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
    """The ids that the tokenizer puts before and after a sequence, and the one it pads with."""

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
