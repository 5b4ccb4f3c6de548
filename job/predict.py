"""Tags a file of sentences with an exported model, from any URL to any URL, a chunk at a time.

IN holds one sentence a line: plain text, the tutorial's `sentence␞tagged` (its left side), or JSON
Lines with "text". OUT gets a line for each line, in order: `sentence␞tagged`, or with a name in
.jsonl `{"text", "spans": [[start, end, type], …]}`. `-` is standard input or output.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from job import storage
from job.corpus import STDIN
from job.errors import ArgumentError
from job.export import STDOUT, Tagger, open_model, open_output, read_texts, shown, to_line
from job.figures import counted
from job.sentence import Sentence

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
) -> int:
    """Tags every line of `in_url` into `out_url`; returns how many lines there were.

    `model_url` is the model directory or the one above it. Without `max_seq_length` the windows
    are those of training. OUT appears whole at the end or not at all (`-` excepted). Raises
    ArgumentError, DataError (a line that is no text, by number), OutputError, StorageError.
    """
    folder, manifest = open_model(model_url, cache_dir)
    if in_url != "-" and not storage.exists(in_url):
        raise ArgumentError(
            f"{in_url}: there is no such file; name a text file, or - for standard input."
        )
    source, target = shown(in_url, STDIN), shown(out_url, STDOUT)
    tagger = Tagger.load(folder, manifest, device, max_seq_length, stride)
    started_at, count = time.monotonic(), 0
    with open_output(out_url) as stream, read_texts(in_url) as numbered:
        for chunk in in_chunks(numbered):
            spans = tagger.tag([text for _, text in chunk])
            lines = [
                to_line(Sentence(text, found, number), f"{source}:{number}", out_url)
                for (number, text), found in zip(chunk, spans, strict=True)
            ]
            stream.write("".join(lines).encode())
            count += len(lines)
    seconds = time.monotonic() - started_at
    logger.info(
        f"{target}: {counted(count, 'line')} tagged in {seconds:.1f} s, "
        f"{count / seconds:.0f} a second"
    )
    return count


def in_chunks(numbered: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    """Groups lines so that memory depends on neither their number nor their length."""
    chunk: list[tuple[int, str]] = []
    characters = 0
    for number, text in numbered:
        chunk.append((number, text))
        characters += len(text)
        if len(chunk) >= CHUNK_LINES or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
