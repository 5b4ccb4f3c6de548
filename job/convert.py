"""`python -m job convert IN OUT`: a corpus in one shape, from any URL, in another, at any URL.

IN is found and read as the corpus of a run is. The ending of OUT says the shape, or --to. A corpus
of several splits becomes a folder with a file for each.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from job import storage
from job.corpus import WRITERS, LineError, Split, Writer, read_splits, writer_of
from job.errors import ArgumentError, DataError
from job.export import Output, open_output
from job.figures import counted
from job.sentence import Sentence
from job.settings import ConvertSettings

logger = logging.getLogger(__name__)

AT_ONCE = 1024  # sentences
PLACES_SHOWN = 3
DEFAULT = "jsonl"


def convert(in_url: str, out_url: str, settings: ConvertSettings) -> None:
    """Writes the corpus at `in_url` to `out_url`, whole or not at all.

    A sentence that the target cannot say is left out and counted. Raises ArgumentError, DataError
    (too many sentences rejected, or none left), OutputError or StorageError.
    """
    is_folder = _is_folder(out_url)
    writer = _writer(out_url, settings.to, is_folder)
    refuse_within(in_url, out_url)
    splits = read_splits(in_url, settings)
    if len(splits) > 1 and not is_folder:
        raise ArgumentError(
            f"{out_url}: one file cannot hold {' and '.join(splits)}; name a folder as OUT, such "
            f"as {out_url.removesuffix(writer.ending)}/, for a file of each."
        )
    with ExitStack() as stack:  # what was written appears when all of it is
        for name, split in splits.items():
            url = storage.join(out_url, f"{name}{writer.ending}") if is_folder else out_url
            _write(split, writer, stack.enter_context(open_output(url)))


def _is_folder(out_url: str) -> bool:
    name = out_url.rpartition("/")[2]
    if out_url == "-":
        return False
    return "." not in name or (storage.is_local(out_url) and storage.local_path(out_url).is_dir())


def _writer(out_url: str, to: str | None, is_folder: bool) -> Writer:
    """The target that --to names, or that the ending of OUT stands for."""
    if to or is_folder or out_url == "-":
        return WRITERS[to or DEFAULT]
    writer = writer_of(out_url)
    if writer is None:
        endings = ", ".join(dict.fromkeys(each.ending for each in WRITERS.values()))
        raise ArgumentError(
            f"{out_url}: its ending says no shape that is written; end it in one of {endings}, or "
            f"name the shape by --to={'|'.join(WRITERS)}."
        )
    return writer


def refuse_within(in_url: str, out_url: str, said: str = "OUT") -> None:
    """Raises ArgumentError where OUT, which the user gave as `said`, is IN, or lies in it, where it
    would be read with the rest."""
    if out_url == "-":
        return
    if storage.is_local(in_url) and storage.is_local(out_url):
        read, written = (storage.local_path(url).resolve() for url in (in_url, out_url))
        is_within = written.is_relative_to(read)
    else:
        is_within = f"{out_url.rstrip('/')}/".startswith(f"{in_url.rstrip('/')}/")
    if is_within:
        raise ArgumentError(
            f"{storage.masked(out_url)} lies at {storage.masked(in_url)}, which is read; write "
            f"{said} to another place."
        )


def _write(split: Split, writer: Writer, output: Output) -> None:
    left_out: dict[str, list[Sentence]] = defaultdict(list)
    writer.put(output, _said(split.sentences, writer, left_out))
    count = len(split.sentences) - sum(map(len, left_out.values()))
    for reason, sentences in left_out.items():
        places = ", ".join(each.place for each in sentences[:PLACES_SHOWN])
        more = ", …" if len(sentences) > PLACES_SHOWN else ""
        told = f"{len(sentences)} × {reason} ({places}{more})"
        logger.warning("%s: left out %s, which %s cannot say.", split.name, told, writer.name)
    if not count:
        raise DataError(
            f"{output.name}: none of the {len(split.sentences)} sentences of {split.name} can be "
            f"written as {writer.name} so that it reads back the same; choose another shape by "
            "--to."
        )
    told = counted(count, "sentence")
    logger.info("%s: %s of %s written as %s.", output.name, told, split.name, writer.name)


def _said(
    sentences: Sequence[Sentence], writer: Writer, left_out: Mapping[str, list[Sentence]]
) -> Iterator[list[object]]:
    for first in range(0, len(sentences), AT_ONCE):
        group = []
        for sentence in sentences[first : first + AT_ONCE]:
            try:
                group.append(writer.say(sentence, None))
            except LineError as error:
                left_out[error.reason].append(sentence)
        yield group
