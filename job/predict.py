"""Tags a file of sentences with an exported model, from any URL to any URL, a chunk at a time.

IN holds one sentence a line: plain text, the tutorial's `sentence␞tagged` (its left side), or JSON
Lines with "text". OUT gets a line for each line, in order: `sentence␞tagged`, or with a name in
.jsonl `{"text", "spans": [[start, end, type], …]}`. `-` is standard input or output.
"""

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from job import storage
from job.batches import Layout
from job.corpus import NFC, OFF, Composed, compose, in_writable, is_there, keep_first, staging
from job.encoding import LabelMap, SpecialTokens, decode_spans, encode
from job.errors import ArgumentError, DataError
from job.export import open_output, read_texts, to_line
from job.model import (
    choose_layout,
    load_classifier,
    load_tokenizer,
    max_positions,
    predict_labels,
    probe_split,
)
from job.sentence import Sentence, Span
from job.storage import MANIFEST, parse_manifest, verify_files

logger = logging.getLogger(__name__)

CHUNK_LINES = 1024
CHUNK_CHARACTERS = 1 << 20
DEFAULT_WINDOW = 128  # wordpieces, where the manifest does not say what the model was trained with


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
        raise ArgumentError(f"{in_url}: there is no such file; name a text file, or - for stdin.")
    tagger = Tagger.load(folder, manifest, device, max_seq_length, stride)
    started_at, count = time.monotonic(), 0
    with open_output(out_url) as stream, read_texts(in_url) as numbered:
        for chunk in in_chunks(numbered):
            spans = tagger.tag([text for _, text in chunk])
            lines = [
                to_line(Sentence(text, found, number), f"{in_url}:{number}", out_url)
                for (number, text), found in zip(chunk, spans, strict=True)
            ]
            stream.write("".join(lines).encode())
            count += len(lines)
    seconds = time.monotonic() - started_at
    logger.info(
        f"{out_url}: {count} lines tagged in {seconds:.1f} s, {count / seconds:.0f} a second"
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


def open_model(url: str, cache_dir: Path) -> tuple[Path, dict]:
    """The local folder of the model at `url` or `url`/model, verified, and its manifest.

    Raises ArgumentError where no finished model lies, DataError where one is damaged.
    """
    for place in (url, storage.join(url, "model")):
        where = storage.join(place, MANIFEST)
        try:
            data = storage.read_bytes(where)
        except FileNotFoundError:
            continue
        manifest = parse_manifest(data, where)
        if storage.is_local(place):
            folder = storage.local_path(place)
        else:
            folder = in_writable(cache_dir, partial(_fetch, place, data, manifest))
        verify_files(folder, manifest)
        return folder, manifest
    raise ArgumentError(
        f"{url}: holds no {MANIFEST}, nor does its model/, so no training has finished there; set "
        f"DOWNSTREAM_MODEL_DIR to the output of a finished run."
    )


def _fetch(url: str, data: bytes, manifest: dict, cache_dir: Path) -> Path:
    """Copies the files that the manifest names into a folder named by the manifest's digest."""
    models = cache_dir / "models"
    target = models / hashlib.sha256(data).hexdigest()[:32]
    if is_there(target):
        return target
    with staging(models) as temporary:
        folder = Path(temporary, "model")
        for name in manifest["files"]:
            try:
                storage.download_file(storage.join(url, name), folder / name)
            except FileNotFoundError as error:
                raise DataError(f"{storage.join(url, name)}: is missing; export again.") from error
        verify_files(folder, manifest)
        keep_first(folder, target)
    return target


@dataclass(frozen=True)
class Tagger:
    """A loaded model; `tag` gives the entities of texts."""

    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    label_map: LabelMap
    layout: Layout
    max_seq_length: int
    stride: int
    composes: bool = False

    @classmethod
    def load(
        cls,
        folder: Path,
        manifest: dict,
        device: torch.device | str,
        max_seq_length: int | None,
        stride: int | None,
    ) -> "Tagger":
        """Loads a verified model directory."""
        file = folder / "label_map.txt"
        label_map = LabelMap.from_text(file.read_text(encoding="utf-8"), str(file))
        tokenizer = load_tokenizer(folder)
        network = load_classifier(folder, label_map, trained=True).to(device)
        window = _window(max_seq_length, manifest, max_positions(network.config))
        special = SpecialTokens.of(tokenizer)
        layout = choose_layout(
            network,
            special,
            probe_split((window - special.count,), network.config.vocab_size),
            max_seq_length=window,
            batch_size=1,
        )
        overlap = stride if stride is not None else min(16, (window - 2) // 2)
        composes = _composes(folder, manifest)
        return cls(network, tokenizer, label_map, layout, window, overlap, composes)

    def tag(self, texts: Sequence[str]) -> list[tuple[Span, ...]]:
        """The entities of each text, in characters of the text as it was given."""
        read = [compose(text) if self.composes else Composed(text) for text in texts]
        sentences = [Sentence(each.text) for each in read]
        split = encode(
            sentences,
            self.tokenizer,
            self.label_map,
            max_seq_length=self.max_seq_length,
            stride=self.stride,
            truncate=False,
        )
        label_ids_P, _ = predict_labels(self.network, split, self.layout)
        found = decode_spans(label_ids_P, split, self.label_map)
        return [each.given(spans) for each, spans in zip(read, found, strict=True)]


def _composes(folder: Path, manifest: dict) -> bool:
    """Whether the model was trained with NORMALIZE=nfc; a manifest that does not say was not."""
    told = manifest.get("facts", {}).get("normalize", OFF)
    if told not in (OFF, NFC):
        raise DataError(
            f"{folder}: its texts were normalised by {told!r}, unknown to this version."
        )
    return told == NFC


def _window(wanted: int | None, manifest: dict, positions: int | None) -> int:
    """Wordpieces of a window, special ones included: as wanted, as in training, or a usual one."""
    if wanted and positions and wanted > positions:
        raise ArgumentError(
            f"MAX_SEQ_LENGTH={wanted}: this model has {positions} positions; set it to {positions} "
            f"or less, or leave it out to read windows as in training."
        )
    trained_with = str(manifest.get("facts", {}).get("max sequence length", ""))
    usual = int(trained_with) if trained_with.isdigit() else DEFAULT_WINDOW
    return wanted or min(usual, positions or usual)
