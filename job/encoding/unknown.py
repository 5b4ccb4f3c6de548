"""The share of train's characters that the vocabulary lacks, and the likely reason.

A wordpiece [UNK] stands for a whole word: all its characters count. A vocabulary that was made of
other characters than the corpus does not fail, it learns from [UNK].
"""

import json
import logging
import unicodedata
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from job.corpus import Split
from job.encoding.align import where
from job.encoding.encoded import EncodedSplit
from job.errors import DataError
from job.sentence import Sentence

logger = logging.getLogger(__name__)

WARNED_RATIO = 0.05
SIGNS = frozenset(("So", "Sk", "Sm", "Co", "Cn"))  # Unicode's categories; emoji are So and Sk
SAMPLED_SENTENCES = 200  # of those with an unknown piece, to find the reason by
MUCH_LESS = 0.5  # a reason explains the unknown where its remedy leaves less than this of them


def check_unknown(
    split: Split,
    encoded: EncodedSplit,
    tokenizer: PreTrainedTokenizerFast,
    max_ratio: float,
) -> None:
    """Logs the share; warns above 5 %, and raises DataError above `max_ratio`, with the reason."""
    ratio, places = _unknown(split.sentences, encoded, tokenizer.unk_token_id)
    said = f"{100 * ratio:.1f} % of {split.name}'s characters are not in the vocabulary"
    if ratio <= min(WARNED_RATIO, max_ratio):
        logger.info("%s.", said)
        return
    chosen = places[:: max(1, len(places) // SAMPLED_SENTENCES)][:SAMPLED_SENTENCES]
    reason = likely_reason([split.sentences[n].text for n in chosen], tokenizer)
    if ratio > max_ratio:
        raise DataError(f"{split.path}: {said} (MAX_UNKNOWN_RATIO={max_ratio:g}): {reason}.")
    logger.warning("%s: %s.", said, reason)


def _unknown(
    sentences: Sequence[Sentence], encoded: EncodedSplit, unknown: int | None
) -> tuple[float, np.ndarray]:
    """The share of non-blank characters, and the sentences that they lie in.

    A letter or digit that no wordpiece covers is as unknown as one in [UNK]: some tokenizers leave
    out what they do not know.
    """
    text = "\n".join([*(s.text for s in sentences), ""])
    base_N = np.concatenate([[0], np.cumsum([len(s.text) + 1 for s in sentences])])
    base_P = np.repeat(base_N[:-1], np.diff(encoded.sentence_starts))
    is_unknown_P = encoded.ids_P == (-1 if unknown is None else unknown)
    starts_P, ends_P = encoded.starts_P + base_P, encoded.ends_P + base_P
    covered_C = _covered(starts_P, ends_P, len(text))
    in_unknown_C = _covered(starts_P[is_unknown_P], ends_P[is_unknown_P], len(text))
    solid_C = ~where(text, str.isspace)
    lost_C = (in_unknown_C & solid_C) | (~covered_C & where(text, str.isalnum))
    found = np.searchsorted(base_N, np.flatnonzero(lost_C), side="right") - 1
    return float(lost_C.sum() / max(1, solid_C.sum())), np.unique(found)


def _covered(starts: np.ndarray, ends: np.ndarray, length: int) -> np.ndarray:
    """Which of `length` characters lie in one of these ranges."""
    change = np.bincount(starts, minlength=length + 1) - np.bincount(ends, minlength=length + 1)
    return np.cumsum(change)[:length] > 0


def likely_reason(texts: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> str:
    """The difference between the vocabulary and these texts, and the remedy: tried, not guessed."""
    backend, unknown = tokenizer.backend_tokenizer, tokenizer.unk_token_id
    enough = MUCH_LESS * _share(texts, backend, unknown)
    composed, decomposed = (
        [unicodedata.normalize(form, text) for text in texts] for form in ("NFC", "NFD")
    )
    if _share(composed, backend, unknown) < enough:
        return "the text is decomposed (NFD) and the vocabulary is not; set NORMALIZE=nfc"
    if _share(decomposed, backend, unknown) < enough:
        return (
            "the vocabulary is decomposed (NFD) and the text is not; choose a model whose "
            "tokenizer.json decomposes what it reads"
        )
    if _share([text.lower() for text in texts], backend, unknown) < enough:
        return (
            "the vocabulary is in lower case and the tokenizer keeps upper case; put "
            '{"do_lower_case": true, "strip_accents": false} into tokenizer_config.json'
        )
    if (keeping := _keeping_case(backend)) and _share(texts, keeping, unknown) < enough:
        return (
            "the vocabulary has upper case, or composed Hangul, which the tokenizer does not "
            'keep; put {"do_lower_case": false} into tokenizer_config.json'
        )
    if signs := [c for text in texts for c in text if unicodedata.category(c) in SIGNS]:
        blanks = {ord(sign): " " for sign in signs}
        apart = [text.translate(blanks) for text in texts]
        if _share(apart, backend, unknown) < enough:
            return (
                f"signs that the vocabulary lacks, such as {signs[0]}, stand against words"
                " and make all of the word unknown; set a blank between them, or choose a model "
                "that has them"
            )
    return (
        "the texts are of another language or script than the vocabulary; choose a model for "
        "them, or raise MAX_UNKNOWN_RATIO"
    )


def _share(texts: Sequence[str], backend: Tokenizer, unknown: int | None) -> float:
    """The share of unknown characters; that of texts of different lengths can be compared."""
    lost = 0
    for text, found in zip(
        texts, backend.encode_batch(texts, add_special_tokens=False), strict=True
    ):
        pieces = zip(found.ids, found.offsets, strict=True)
        ranges = [bounds for i, bounds in pieces if i != unknown]
        known = {place for start, end in ranges for place in range(start, end)}
        lost += sum(c.isalnum() and i not in known for i, c in enumerate(text))
    return lost / max(1, sum(c.isalnum() for text in texts for c in text))


def _keeping_case(backend: Tokenizer) -> Tokenizer | None:
    """The same tokenizer without lower-casing and taking accents off, where it does so."""
    told = json.loads(backend.to_str())
    normalizer = told.get("normalizer") or {}
    if normalizer.get("type") != "BertNormalizer" or not normalizer.get("lowercase"):
        return None
    told["normalizer"] = normalizer | {"lowercase": False, "strip_accents": False}
    return Tokenizer.from_str(json.dumps(told))
