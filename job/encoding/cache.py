"""Encoded splits, kept in the cache under a name that says everything they depend on.

A file is named by the sha256 of tokenizer, sentences, labels and window arguments, so that a
change of any of them finds another file, and one that was written is never wrong.
"""

import hashlib
import json
import logging
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
from transformers import PreTrainedTokenizerFast

from job.corpus import PARSER_VERSION, tell_unwritable
from job.encoding.encoded import EncodedSplit
from job.encoding.labels import LabelMap
from job.encoding.windows import encode
from job.sentence import Sentence
from job.storage import whole_file

logger = logging.getLogger(__name__)

DAMAGED = (OSError, EOFError, ValueError, TypeError, KeyError)  # what numpy says of such a file
FORMAT = 3  # count up when an encoded split comes to mean something else


def tokenizer_digest(tokenizer: PreTrainedTokenizerFast) -> str:
    """The sha256 of all that decides which wordpieces a text gets."""
    return hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()


def encode_cached(
    sentences: Sequence[Sentence],
    tokenizer: PreTrainedTokenizerFast,
    label_map: LabelMap,
    *,
    max_seq_length: int,
    stride: int,
    truncate: bool,
    sentences_digest: str,
    folder: Path,
    overwrite: bool,
) -> EncodedSplit:
    """`encode`, or what an earlier run kept of the same inputs in `folder`."""
    inputs = {
        "format": FORMAT,
        "tokenizer": tokenizer_digest(tokenizer),
        "sentences": [PARSER_VERSION, sentences_digest],
        "types": label_map.types,
        "windows": [max_seq_length, stride, truncate],
    }
    name = hashlib.sha256(json.dumps(inputs, ensure_ascii=False).encode()).hexdigest()
    file = folder / f"{name[:32]}.npz"
    if not overwrite and (kept := _read(file)) is not None:
        return kept
    split = encode(
        sentences,
        tokenizer,
        label_map,
        max_seq_length=max_seq_length,
        stride=stride,
        truncate=truncate,
    )
    _write(split, file)
    return split


def _read(file: Path) -> EncodedSplit | None:
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            kept = {name: arrays[name] for name in arrays.files}
        kept["lost"] = json.loads(str(kept["lost"]))
        return EncodedSplit(**kept)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except (*DAMAGED, zipfile.BadZipFile, zlib.error) as error:
        logger.warning("%s: the kept encoding cannot be read (%s); encoding again.", file, error)
        return None


def _write(split: EncodedSplit, file: Path) -> None:
    """Keeps the arrays, whole or not at all; a cache that cannot be written costs only time."""
    arrays = {field.name: getattr(split, field.name) for field in fields(split)}
    arrays["lost"] = np.array(json.dumps(split.lost))
    try:
        with whole_file(file, durable=False) as staged, staged.open("wb") as stream:
            np.savez(stream, **arrays)
    except (OSError, ValueError) as error:  # a ZIP file that is not whole has a ValueError
        tell_unwritable(file.parent.parent, error)
