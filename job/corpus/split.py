"""One split of a corpus: its file → its sentences."""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from job.corpus.files import Cache, Source, read_companion
from job.corpus.formats.format import NO_FIELDS, CorpusFile, Options
from job.corpus.formats.json_rows.left_out import TAGS
from job.corpus.formats.recognise import Parsed, parse
from job.corpus.formats.text_lines import Rejected
from job.corpus.normalize import NFC, OFF, compose_parsed
from job.errors import DataError, PermissionDeniedError
from job.sentence import Sentence

logger = logging.getLogger(__name__)

LONGEST_SENTENCE = 10_000  # characters


@dataclass(frozen=True)
class Split:
    """The sentences of a split. `path` is for people; `sha256` is that of its one file, or of the
    sums of its files, one a line.

    `options` are what the user said of how it is to be read, as name=value.
    """

    name: str
    path: str
    format: str
    sha256: str
    sentences: tuple[Sentence, ...]
    rejected: tuple[Rejected, ...]
    options: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """The sha256 of what was read: texts and spans in order, however they were written."""
        digest = hashlib.sha256()
        for sentence in self.sentences:
            spans = "".join(f" {s.start} {s.end} {len(s.type)} {s.type}" for s in sentence.spans)
            digest.update(f"{len(sentence.text)} {sentence.text}{spans}\n".encode())
        return digest.hexdigest()

    def head(self, count: int) -> "Split":
        """The same split with its first `count` sentences."""
        return replace(self, sentences=self.sentences[:count])


def read_split(
    name: str,
    sources: Sequence[Source],
    cache: Cache,
    pinned: str | None,
    fields: Mapping[str, str] = NO_FIELDS,
    normalize: str = OFF,
) -> Split:
    """Reads the files of a split, whose sha256 must be `pinned` if that is given.

    `fields` are those of CORPUS_FIELDS, role -> column or key. With `normalize` "nfc" the sentences
    are composed.

    Raises DataError or PermissionDeniedError.
    """
    beside = frozenset(source.shown for source in sources)
    files = [CorpusFile(source.shown, _content(source), beside) for source in sources]
    shown = sources[0].shown
    if len(sources) > 1:
        shown += f" and {len(sources) - 1} more"
    digest = _digest_of(files)
    if pinned and digest != pinned.lower():
        raise DataError(
            f"{shown}: its sha256 is {digest}, but CORPUS_SHA256 pins {name}={pinned}; "
            "restore the file, or pin the new one."
        )
    find_tag_names = partial(_tag_names, sources[0], cache)
    parsed = reject_oversized(parse(files, Options(find_tag_names, fields)))
    if normalize == NFC:
        parsed = compose_parsed(parsed)
    entities = sum(len(sentence.spans) for sentence in parsed.sentences)
    logger.info(
        "%s: %d sentences, %d entities, %d rejected, from %s; read as %s (%s).",
        *(name, len(parsed.sentences), entities, len(parsed.rejected)),
        *(shown, parsed.format, parsed.why),
    )
    for note in parsed.notes:
        logger.info("%s: %s.", name, note)
    options = tuple(f"{role}={place}" for role, place in fields.items())
    options += () if normalize == OFF else (f"normalize={normalize}",)
    return Split(name, shown, parsed.format, digest, parsed.sentences, parsed.rejected, options)


def _content(source: Source) -> bytes:
    try:
        return source.file.read_bytes()
    except PermissionError as error:
        raise PermissionDeniedError(f"{source.shown}: cannot be read; give access.") from error
    except OSError as error:
        raise DataError(f"{source.shown}: cannot be read ({error.strerror}).") from error


def _digest_of(files: Sequence[CorpusFile]) -> str:
    digests = [hashlib.sha256(file.data).hexdigest() for file in files]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def reject_oversized(parsed: Parsed) -> Parsed:
    """Rejects what is no sentence but a file without line breaks: one step could not hold it."""
    kept = tuple(s for s in parsed.sentences if len(s.text) <= LONGEST_SENTENCE)
    reason = f"longer than {LONGEST_SENTENCE:,} characters"
    oversized = tuple(
        Rejected(reason, s.line, f"{len(s.text):,}", s.file)
        for s in parsed.sentences
        if len(s.text) > LONGEST_SENTENCE
    )
    return replace(parsed, sentences=kept, rejected=parsed.rejected + oversized)


def _tag_names(source: Source, cache: Cache) -> tuple[str, ...] | None:
    """The names of integer tags, from `label_names.txt` or `dataset_info.json` beside the split."""
    listed = read_companion(source, "label_names.txt", cache)
    if listed is not None:
        return _names_in(listed, source)
    described = read_companion(source, "dataset_info.json", cache)
    if described is None:
        return None
    try:
        features = json.loads(described)
    except (ValueError, RecursionError):
        return None
    return next((names for key in TAGS if (names := _find_names(features, key))), None)


def _names_in(listed: bytes, source: Source) -> tuple[str, ...]:
    """One name a line, or all in one line. A blank within a name shifts none of the others.

    Raises DataError.
    """
    try:
        lines = [line.strip() for line in listed.decode("utf-8-sig").splitlines()]
    except UnicodeDecodeError as error:
        raise DataError(
            f"label_names.txt beside {source.shown} is not UTF-8; convert it."
        ) from error
    names = [line for line in lines if line]
    return tuple(names[0].split() if len(names) == 1 else names)


def _find_names(value: object, key: str, below: bool = False) -> tuple[str, ...] | None:
    """The list of strings called `names` below the feature `key`: releases of `datasets` differ."""
    if isinstance(value, dict):
        names = value.get("names")
        if below and isinstance(names, list) and all(isinstance(name, str) for name in names):
            return tuple(names)
        below = below or value.get("name") == key
        found = (_find_names(item, key, below or name == key) for name, item in value.items())
    elif isinstance(value, list):
        found = (_find_names(item, key, below) for item in value)
    else:
        return None
    return next((names for names in found if names), None)
