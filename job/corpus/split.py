"""One split of a corpus: its file → its sentences."""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from job.corpus.download.copies import Cache
from job.corpus.files import Source
from job.corpus.formats.format import AS_READ, NO_FIELDS, CorpusFile, Options
from job.corpus.formats.recognise import Parsed, parse
from job.corpus.formats.text_lines import Rejected
from job.corpus.normalize import NFC, OFF, compose_parsed
from job.corpus.tag_names import find_tag_names
from job.errors import DataError, PermissionDeniedError
from job.figures import counted
from job.sentence import Sentence
from job.settings import TypesRule

logger = logging.getLogger(__name__)

LONGEST_SENTENCE = 10_000  # characters


@dataclass(frozen=True)
class Split:
    """The sentences of a split. `path` is for people; `sha256` is that of its one file, or of the
    sums of its files, one a line.

    `options` are what the user said of how it is to be read, as name=value, and `type_names` how
    often each entity type was read, where some are to be renamed or left out; `type_notes` say how
    many entities that concerned.
    """

    name: str
    path: str
    format: str
    sha256: str
    sentences: tuple[Sentence, ...]
    rejected: tuple[Rejected, ...]
    options: tuple[str, ...] = ()
    type_names: Mapping[str, int] = field(default_factory=dict, compare=False)
    type_notes: tuple[str, ...] = ()

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
    types: TypesRule = AS_READ,
) -> Split:
    """Reads the files of a split, whose sha256 must be `pinned` if that is given.

    `fields` are those of CORPUS_FIELDS, role -> column or key, and `types` the rule of TYPES_MAP,
    TYPES_ONLY and NESTED. With `normalize` "nfc" the sentences are composed.

    Raises DataError or PermissionDeniedError.
    """
    beside = frozenset(source.shown for source in sources)
    files = [CorpusFile(source.shown, _content(source), beside) for source in sources]
    shown = sources[0].shown
    if len(sources) > 1:
        shown += f" and {len(sources) - 1} more"
    digest = _digest_of(files)
    _refuse_unpinned(shown, digest, name, pinned)
    options = Options(partial(find_tag_names, sources[0], cache), fields, types)
    parsed = reject_oversized(parse(files, options))
    if normalize == NFC:
        parsed = compose_parsed(parsed)
    _tell(name, shown, parsed)
    said = tuple(f"{role}={place}" for role, place in fields.items())
    said += () if normalize == OFF else (f"normalize={normalize}",)
    said += types.options
    return Split(
        name,
        shown,
        parsed.format,
        digest,
        parsed.sentences,
        parsed.rejected,
        said,
        parsed.type_names,
        parsed.type_notes,
    )


def _tell(name: str, shown: str, parsed: Parsed) -> None:
    entities = sum(len(sentence.spans) for sentence in parsed.sentences)
    logger.info(
        "%s: %s, %s, %d rejected, from %s; read as %s (%s).",
        *(
            name,
            counted(len(parsed.sentences), "sentence"),
            counted(entities, "entity", "entities"),
        ),
        *(len(parsed.rejected), shown, parsed.format, parsed.why),
    )
    for note in parsed.notes + parsed.type_notes:
        logger.info("%s: %s.", name, note)


def _refuse_unpinned(shown: str, digest: str, name: str, pinned: str | None) -> None:
    if pinned and digest != pinned.lower():
        raise DataError(
            f"{shown}: its sha256 is {digest}, but CORPUS_SHA256 pins {name}={pinned}; "
            "restore the file, or pin the new one."
        )


def _content(source: Source) -> bytes:
    try:
        return source.file.read_bytes()
    except PermissionError as error:
        raise PermissionDeniedError(f"{source.shown} cannot be read; give access.") from error
    except OSError as error:
        raise DataError(f"{source.shown} cannot be read ({error.strerror}).") from error


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
