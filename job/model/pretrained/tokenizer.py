"""The fast tokenizer of a model folder, and what shows that it is not the model's.

A tokenizer that reads the wrong file, or none, does not fail: it gives [UNK], or nothing, and a
network learns from that. So what it knows is held against the folder's files and the embeddings.
"""

import json
from collections.abc import Collection
from pathlib import Path

from transformers import (
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from job.errors import ArgumentError, DataError
from job.model.pretrained.config import damage_named, load_config, quiet_library
from job.model.pretrained.sentencepiece_model import REMEDY, read_sentencepiece, sentencepiece_file

VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
SYLLABLES = "가다나이"
# Embeddings are rounded up to some hundreds, not to four times as many.
FEWEST_OF_EMBEDDINGS = 0.25
SENTENCEPIECE_SHARE = 0.1  # of a vocabulary's pieces that begin with ▁


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a model folder, checked against the folder and the embeddings.

    Raises ArgumentError where the folder holds none that can be used, DataError where what it
    holds is damaged or not of one model.
    """
    config = load_config(folder)
    if not any(any(folder.glob(pattern)) for pattern in VOCABULARY_FILES):
        raise ArgumentError(
            f"{folder} has no tokenizer ({', '.join(VOCABULARY_FILES)}); copy it there."
        )
    tokenizer = _read(folder, config)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ArgumentError(
            f"{folder} has only a slow tokenizer, which gives no character offsets; choose a "
            f"model with a tokenizer.json."
        )
    if tokenizer.pad_token_id is None:
        raise ArgumentError(f"{folder}: its tokenizer has no padding token; choose an encoder.")
    vocabulary = tokenizer.get_vocab()
    _refuse_other_size(folder, config, tokenizer, vocabulary)
    _refuse_sentencepiece_words(folder, tokenizer, vocabulary)
    known = [syllable for syllable in SYLLABLES if syllable in vocabulary]
    if known and all(tokenizer.tokenize(s) == [tokenizer.unk_token] for s in known):
        raise DataError(
            f"{folder}: the tokenizer splits Hangul into letters, so it finds none of the "
            'syllables in its vocabulary; put {"do_lower_case": false} into '
            "tokenizer_config.json."
        )
    return tokenizer


def _read(folder: Path, config: PreTrainedConfig) -> PreTrainedTokenizerBase:
    listed = _pieces_of_files(folder)
    file = sentencepiece_file(folder)
    if file is not None and not any(
        pieces and not _is_sentencepiece(pieces) for pieces in listed.values()
    ):
        tokenizer = read_sentencepiece(folder, file, config)
        _refuse_other_ids(file, tokenizer, listed)
        return tokenizer
    remedy = "put a tokenizer.json there, or choose another model"
    with damage_named(folder, remedy), quiet_library():
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def _pieces_of_files(folder: Path) -> dict[str, list[str]]:
    """vocab.txt and vocab.json, where they are there, as their pieces in the order of ids."""
    found: dict[str, list[str]] = {}
    for name in ("vocab.txt", "vocab.json"):
        file = folder / name
        try:
            text = file.read_text(encoding="utf-8") if file.is_file() else None
            if text is not None and name == "vocab.txt":
                found[name] = [line.rstrip("\r") for line in text.rstrip("\n").split("\n")]
            elif text is not None:
                ids = json.loads(text)
                found[name] = sorted(ids, key=ids.get)
        except (OSError, ValueError, TypeError, AttributeError):
            found[name] = []  # whoever reads it says what is wrong with it
    return found


def _is_sentencepiece(pieces: Collection[str]) -> bool:
    """Whether a vocabulary's words begin with ▁ rather than go on with ##."""
    begin = sum(piece.startswith("▁") for piece in pieces)
    go_on = sum(piece.startswith("##") for piece in pieces)
    return begin > max(SENTENCEPIECE_SHARE * len(pieces), go_on)


def _refuse_other_ids(
    file: Path, tokenizer: PreTrainedTokenizerFast, listed: dict[str, list[str]]
) -> None:
    """A vocab.txt beside a SentencePiece model says which id each piece has in the model."""
    for name, pieces in listed.items():
        ids = tokenizer.convert_tokens_to_ids(pieces)
        assert isinstance(ids, list), "several pieces have several ids"
        differing = sum(i != place for place, i in enumerate(ids))
        if differing:
            raise ArgumentError(
                f"{file} numbers {differing} of {len(pieces)} pieces otherwise than {name} beside "
                f"it; {REMEDY}."
            )


def _refuse_other_size(
    folder: Path,
    config: PreTrainedConfig,
    tokenizer: PreTrainedTokenizerFast,
    vocabulary: dict[str, int],
) -> None:
    """Raises DataError where the vocabulary is larger than the embeddings, or next to nothing."""
    size, embeddings = max(vocabulary.values(), default=-1) + 1, getattr(config, "vocab_size", None)
    if embeddings is not None and size > embeddings:
        raise DataError(
            f"{folder}: the tokenizer counts {size} wordpieces but the model embeds {embeddings}; "
            f"the files are not of one model."
        )
    ordinary = vocabulary.keys() - set(tokenizer.all_special_tokens)
    listed = {} if (folder / "tokenizer.json").is_file() else _pieces_of_files(folder)
    unread = [
        name
        for name, pieces in listed.items()
        if sum(piece in vocabulary for piece in pieces) < len(pieces) / 2
    ]
    if ordinary and not unread and len(vocabulary) >= FEWEST_OF_EMBEDDINGS * (embeddings or 0):
        return
    there = sorted(file.name for p in VOCABULARY_FILES for file in folder.glob(p))
    kind = "all of them special" if not ordinary else f"{len(ordinary)} of them not special"
    raise DataError(
        f"{folder}: its tokenizer ({type(tokenizer).__name__}) has {len(vocabulary)} pieces, {kind}"
        + (f", where the model embeds {embeddings}" if embeddings else "")
        + f"; {', '.join(unread or there)} was not read as a vocabulary. Name the class that reads "
        'it in tokenizer_config.json (vocab.txt: "tokenizer_class": "BertTokenizer"), or put a '
        "tokenizer.json there."
    )


def _refuse_sentencepiece_words(
    folder: Path, tokenizer: PreTrainedTokenizerFast, vocabulary: dict[str, int]
) -> None:
    """KoBERT's vocab.txt lists SentencePiece's pieces, of which WordPiece finds next to none."""
    if type(tokenizer.backend_tokenizer.model).__name__ != "WordPiece":
        return
    if _is_sentencepiece(vocabulary):
        begin = sum(piece.startswith("▁") for piece in vocabulary)
        raise ArgumentError(
            f"{folder}: {begin} of the {len(vocabulary)} pieces of its vocabulary begin with ▁ and "
            f"so are SentencePiece's, but the tokenizer ({type(tokenizer).__name__}) looks for "
            "WordPiece's and reads most of a text as [UNK]; put the SentencePiece model (*.model) "
            "that the vocabulary was made from beside it, or a tokenizer.json."
        )
