"""A val split for a corpus that has none: a share of train, chosen by a hash of what it holds.

Neither a seed nor an order goes in, so every process, every resume and the same corpus with more in
it choose alike. Whole documents are held out where there are several; else single sentences. An
equal text is on one side only: on that of the document in which it comes first.
"""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from unicodedata import normalize

from job.corpus.files import Source
from job.corpus.split import Split
from job.errors import DataError
from job.sentence import Sentence

logger = logging.getLogger(__name__)

VAL_RATIO = 0.1
_SHARD = re.compile(r"\d+-of-\d+")  # a part of a table, cut anywhere


class _Unit(NamedTuple):
    """The sentences that are held out together, by their places in the split."""

    share: float  # of all hashes that are lower
    name: str
    sentences: list[int]


def hold_out(train: Split, sources: Sequence[Source], ratio: float) -> dict[str, Split]:
    """Train and val. Where the hash would leave a side empty, the nearest unit goes there; and what
    alone has an entity type stays in train.

    Raises DataError where there is but one text.
    """
    units, kind = _units(train.sentences, {source.shown: source.inside for source in sources})
    if len(units) < 2:
        raise DataError(
            f"{train.path}: it has one text only, of which no val split can be made; add "
            "sentences, or put a val split beside it."
        )
    bound = min(max(ratio, units[0].share), units[-2].share)
    near = sum(unit.share <= bound for unit in units)
    val = [units[i] for i in _with_known_types(train.sentences, units, near)]
    held = {i for unit in val for i in unit.sentences}
    count, total = len(held), len(train.sentences)
    stay = f"; {near - len(val)} more stay in train, which alone have an entity type"
    logger.info(
        "val: %d of train's %d sentences, %d of its %d %s, held out by VAL_RATIO=%g%s.",
        *(count, total, len(val), len(units), kind, ratio),
        stay if len(val) < near else "",
    )
    if not ratio / 2 <= count / total <= ratio * 2:
        logger.warning(
            "val has %.0f%% of the sentences in place of VAL_RATIO=%g, because the corpus has few "
            "%s; a val split of your own gives better scores to choose by.",
            *(100 * count / total, ratio, kind),
        )
    options = (*train.options, f"val_ratio={ratio:g}")
    parts = {
        name: tuple(s for i, s in enumerate(train.sentences) if (i in held) == (name == "val"))
        for name in ("train", "val")
    }
    return {
        "train": replace(train, sentences=parts["train"], options=options),
        "val": replace(train, name="val", sentences=parts["val"], rejected=(), options=options),
    }


def _units(sentences: Sequence[Sentence], inside: Mapping[str, str]) -> tuple[list[_Unit], str]:
    """The units in the order of their hashes, and what they are."""
    texts = [normalize("NFC", sentence.text) for sentence in sentences]
    documents = [_document(sentence, inside) for sentence in sentences]
    first: dict[str, str] = {}
    for text, document in zip(texts, documents, strict=True):
        first.setdefault(text, document)
    kind = "documents" if any(documents) else "different texts"
    by_name = _grouped([first[text] or text for text in texts])
    if len(by_name) == 1:
        kind, by_name = "different texts", _grouped(texts)
    return sorted(_Unit(_share(name), name, each) for name, each in by_name.items()), kind


def _grouped(names: Sequence[str]) -> dict[str, list[int]]:
    members: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        members.setdefault(name, []).append(i)
    return members


def _document(sentence: Sentence, inside: Mapping[str, str]) -> str:
    """The name of the document that holds the sentence, wherever the corpus lies; "" where none is
    known."""
    file = inside.get(sentence.file, "")
    if sentence.document:
        return normalize("NFC", f"{file}\n{sentence.document}")
    return "" if len(inside) < 2 or _SHARD.search(file) else normalize("NFC", file)


def _share(name: str) -> float:
    return (
        int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8]) / 2**64
    )


def _with_known_types(
    sentences: Sequence[Sentence], units: Sequence[_Unit], near: int
) -> list[int]:
    """Of the first `near` units those whose entity types are in the others too. At least one."""
    types = [{span.type for i in unit.sentences for span in sentences[i].spans} for unit in units]
    in_train = set().union(*types[near:])
    held = []
    for i in reversed(range(near)):
        if types[i] <= in_train:
            held.append(i)
        else:
            in_train |= types[i]
    if held:
        return held
    counts = Counter(type_ for each in types for type_ in each)
    return [next((i for i, each in enumerate(types) if all(counts[t] > 1 for t in each)), 0)]
