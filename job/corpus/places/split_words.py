"""The split of a file, by the one word for it among the parts of its path.

Files are named by their paths below the corpus, with `/` between the parts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from job.errors import DataError

WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    "test": "test",
}
_LETTERS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # trainSet, TRAIN, 1.Training
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{8,}(?![0-9A-Za-z])|\d+")  # that of a shard, too


@dataclass(frozen=True)
class Chosen:
    """Split -> its files, in the order of their paths; `unnamed` are those of no split, where the
    names of others have one."""

    files: dict[str, tuple[str, ...]]
    unnamed: tuple[str, ...] = ()


def split_of(path: str) -> str | None:
    """The split that a path names. Raises DataError where it names two."""
    words = {word: WORDS[word.lower()] for word in _LETTERS.findall(path) if word.lower() in WORDS}
    if len(set(words.values())) > 1:
        raise DataError(
            f"{path}: its path names two splits, {' and '.join(words)}; rename the file or its "
            "folder so that one is left."
        )
    return next(iter(words.values()), None)


def choose(paths: Sequence[str]) -> Chosen:
    """The files of each split. Where no path names a split, all are train.

    Raises DataError where two files could each be the whole split.
    """
    by_split: dict[str, list[str]] = {split: [] for split in WORDS.values()}
    unnamed = []
    for path in sorted(paths):
        split = split_of(path)
        by_split[split].append(path) if split else unnamed.append(path)
    found = {split: tuple(files) for split, files in by_split.items() if files}
    if not found:
        return Chosen({"train": tuple(unnamed)} if unnamed else {})
    known = set(paths)
    for split, files in found.items():
        _refuse_rivals(split, [file for file in files if not _is_half(file, known)])
    return Chosen(found, tuple(unnamed))


def _is_half(path: str, known: set[str]) -> bool:
    """Whether it is brat's half of a document: doc.ann, which belongs to doc.txt."""
    return path.endswith(".ann") and f"{path.removesuffix('.ann')}.txt" in known


def _refuse_rivals(split: str, files: Sequence[str]) -> None:
    """Several files are one split where they lie in its folder, or differ by a number."""
    wholes = [file for file in files if not _lies_in_split(file)]
    if wholes and len(wholes) < len(files):
        inside = next(file for file in files if _lies_in_split(file))
        raise _rivals(split, wholes[0], inside)
    for file, other in pairwise(wholes):
        if _NUMBER.sub("#", file) != _NUMBER.sub("#", other):
            raise _rivals(split, file, other)


def _lies_in_split(path: str) -> bool:
    return split_of(path.rpartition("/")[0]) is not None


def _rivals(split: str, file: str, other: str) -> DataError:
    return DataError(
        f"both {file} and {other} could be the {split} split; remove or rename one, or put all "
        f"files of the split into a folder {split}/."
    )
