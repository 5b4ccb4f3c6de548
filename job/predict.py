"""Tags a file of sentences with an exported model, from any URL to any URL, a chunk at a time.

IN holds one sentence a line: plain text, the tutorial's `sentence␞tagged` (its left side), or JSON
Lines with "text". OUT gets a line for each line, in order: `sentence␞tagged`, or with a name in
.jsonl `{"text", "spans": [[start, end, type], …], "scores": [score, …]}`, with the other fields
that the line of IN had, or what --to names. `-` is standard input or output.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from job import storage
from job.corpus import SEPARATOR, STDIN, WRITERS, Found, LineError, Writer
from job.errors import ArgumentError, DataError
from job.export import (
    STDOUT,
    Tagger,
    TextLine,
    is_json_lines,
    open_model,
    open_output,
    read_texts,
    shown,
)
from job.figures import counted
from job.sentence import ScoredSpan, Sentence, Span

logger = logging.getLogger(__name__)

CHUNK_LINES = 1024
CHUNK_CHARACTERS = 1 << 20


def predict(
    model_url: str,
    in_url: str,
    out_url: str,
    *,
    cache_dir: Path,
    device: torch.device | str = "cpu",
    max_seq_length: int | None = None,
    stride: int | None = None,
    to: str | None = None,
) -> int:
    """Tags every line of `in_url` into `out_url`; returns how many lines there were.

    `model_url` is the model directory or the one above it. Without `max_seq_length` the windows
    are those of training. `to` is the name of a target in WRITERS. OUT appears whole at the end or
    not at all (`-` excepted). Raises ArgumentError, DataError (a line that is no text, by number),
    OutputError, StorageError.
    """
    writer = _writer(out_url, to)
    folder, manifest = open_model(model_url, cache_dir)
    if in_url != "-" and not storage.exists(in_url):
        raise ArgumentError(
            f"{in_url}: there is no such file; name a text file, or - for standard input."
        )
    source, target = shown(in_url, STDIN), shown(out_url, STDOUT)
    tagger = Tagger.load(folder, manifest, device, max_seq_length, stride)
    _refuse_types(tagger.label_map.types, writer, out_url)
    started_at, count = time.monotonic(), 0

    def said(lines: Iterable[TextLine]) -> Iterator[list[object]]:
        nonlocal count
        for chunk in in_chunks(lines):
            found = tagger.tag([line.text for line in chunk])
            yield [
                _say(line, spans, source, writer, model_url)
                for line, spans in zip(chunk, found, strict=True)
            ]
            count += len(chunk)

    with open_output(out_url) as stream, read_texts(in_url) as lines:
        writer.put(stream, said(lines))
    seconds = time.monotonic() - started_at
    logger.info(
        f"{target}: {counted(count, 'line')} tagged in {seconds:.1f} s, "
        f"{count / seconds:.0f} a second"
    )
    return count


def _writer(out_url: str, to: str | None) -> Writer:
    """The target that --to names; else JSON Lines where OUT is called so, or the tutorial's."""
    if to:
        return WRITERS[to]
    if out_url.lower().endswith(".json"):
        raise ArgumentError(
            f"{out_url}: one JSON document is written for Label Studio only, by --to=label-studio; "
            "else end the name in .jsonl."
        )
    return WRITERS["jsonl" if is_json_lines(out_url) else "tutorial"]


def _refuse_types(types: Sequence[str], writer: Writer, out_url: str) -> None:
    """Raises ArgumentError, before any work, where OUT cannot hold one of the model's types."""
    unfit, reason = [], ""
    for type_ in types:
        try:
            writer.say(Sentence("가", (Span(0, 1, type_),)), None)
        except LineError as error:
            unfit.append(repr(type_))
            reason = error.reason
    if unfit:
        several = "types" if len(unfit) > 1 else "type"
        raise ArgumentError(
            f"{out_url}: the model's entity {several} {', '.join(unfit)} cannot be written as "
            f"{_shape(writer)} ({reason}); {_remedy(writer)}."
        )


def _shape(writer: Writer) -> str:
    return f"`sentence{SEPARATOR}tagged`" if writer is WRITERS["tutorial"] else writer.name


def _remedy(writer: Writer) -> str:
    named = "" if writer is WRITERS["tutorial"] else ", and leave out --to"
    return f"give OUT a name that ends in .jsonl{named}"


def _say(
    line: TextLine, spans: Sequence[ScoredSpan], source: str, writer: Writer, model_url: str
) -> object:
    """What OUT holds of a tagged sentence. Raises DataError where it cannot hold it."""
    sentence = Sentence(line.text, tuple(each.span for each in spans), line.number, source)
    scores = [each.score for each in spans]
    try:
        return writer.say(sentence, Found(storage.masked(model_url), scores, line.fields))
    except LineError as error:
        raise DataError(
            f"{sentence.place}: this sentence and its entities cannot be written as "
            f"{_shape(writer)} so that they read back the same ({error.reason}); "
            f"{_remedy(writer)}."
        ) from error


def in_chunks(lines: Iterable[TextLine]) -> Iterator[list[TextLine]]:
    """Groups lines so that memory depends on neither their number nor their length."""
    chunk: list[TextLine] = []
    characters = 0
    for line in lines:
        chunk.append(line)
        characters += max(len(line.text), len(line.source))
        if len(chunk) >= CHUNK_LINES or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
