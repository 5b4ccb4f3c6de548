"""Everything that a run needs before its first step."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from job.corpus import Corpus, Split, load_corpus
from job.encode import EncodedSplit, SpecialTokens
from job.errors import ArgumentError, DataError
from job.features import encode_cached
from job.hardware import Hardware, require_compiler
from job.labels import LabelMap
from job.layout import choose_layout, largest_batch
from job.pretrained import (
    load_classifier,
    load_config,
    load_tokenizer,
    max_positions,
    resolve_model,
)
from job.rows import Layout
from job.settings import Settings

logger = logging.getLogger(__name__)

TEST_MODE_SENTENCES = 64
TYPICAL_BATCH = 32  # to choose row counts by, where BATCH_SIZE=0 leaves it open


@dataclass(frozen=True)
class Prepared:
    """The corpus as rows in waiting, and a network with a fresh head for its labels."""

    label_map: LabelMap
    tokenizer: PreTrainedTokenizerFast
    network: PreTrainedModel
    splits: Mapping[str, Split]
    encoded: Mapping[str, EncodedSplit]
    layout: Layout
    batch_size: int


def prepare(settings: Settings, hardware: Hardware) -> Prepared:
    """Everything below, in order. Raises the JobError that says why not."""
    return assemble(settings, hardware, read_corpus(settings), *read_tokenizer(settings))


def read_corpus(settings: Settings) -> Corpus:
    """Fetches, where need be, and parses the corpus."""
    return load_corpus(
        settings.downstream_corpus_name,
        settings.downstream_corpus_root_dir,
        settings.cache_dir,
        force_download=settings.force_download,
        sha256=settings.corpus_sha256_by_split,
        max_rejected_ratio=settings.max_rejected_ratio,
        max_download_mb=settings.max_download_mb,
        allow_unseen_labels=settings.allow_unseen_labels,
    )


def read_tokenizer(settings: Settings) -> tuple[Path, PreTrainedTokenizerFast]:
    """Fetches the model's folder, where need be, and loads its tokenizer, checked for length."""
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    folder = resolve_model(
        settings.pretrained_model_name,
        settings.pretrained_model_revision,
        token,
        settings.cache_dir,
    )
    tokenizer = load_tokenizer(folder)
    _refuse_bad_length(settings.max_seq_length, max_positions(load_config(folder)), tokenizer)
    return folder, tokenizer


def assemble(
    settings: Settings,
    hardware: Hardware,
    corpus: Corpus,
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
) -> Prepared:
    """Encodes the corpus, loads the network and chooses the layout of its rows."""
    if settings.compile:
        require_compiler(hardware.accelerator)
    label_map = LabelMap.from_sentences(corpus.train.sentences)
    splits = _splits(corpus, settings.test_mode)
    encoded = {n: _encode(split, tokenizer, label_map, settings) for n, split in splits.items()}
    for name, split in splits.items():
        _describe(name, split, encoded[name])
    torch.manual_seed(settings.seed)
    network = load_classifier(folder, label_map).to(hardware.device)
    layout = choose_layout(
        network,
        SpecialTokens.of(tokenizer),
        encoded["train"],
        max_seq_length=settings.max_seq_length,
        batch_size=settings.batch_size or TYPICAL_BATCH,
    )
    batch_size = settings.batch_size or largest_batch(
        network,
        layout,
        encoded["train"],
        max_seq_length=settings.max_seq_length,
        free_bytes=hardware.free_bytes(),
    )
    if not settings.batch_size:
        logger.info("BATCH_SIZE=0: %d sentences a step fit into this machine's memory.", batch_size)
    return Prepared(label_map, tokenizer, network, splits, encoded, layout, batch_size)


def _splits(corpus: Corpus, test_mode: bool) -> dict[str, Split]:
    splits = {s.name: s for s in (corpus.train, corpus.val, corpus.test) if s is not None}
    if test_mode:
        splits = {name: split.head(TEST_MODE_SENTENCES) for name, split in splits.items()}
    return splits


def _refuse_bad_length(
    max_seq_length: int, positions: int | None, tokenizer: PreTrainedTokenizerFast
) -> None:
    if positions is not None and max_seq_length > positions:
        raise ArgumentError(
            f"MAX_SEQ_LENGTH={max_seq_length}: this model has {positions} positions; set it to "
            f"{positions} or less (longer sentences are cut into windows, none is lost)."
        )
    special = SpecialTokens.of(tokenizer).count
    if max_seq_length <= special:
        raise ArgumentError(
            f"MAX_SEQ_LENGTH={max_seq_length}: this tokenizer adds {special} special tokens to "
            f"each window; set it to {special + 2} or more."
        )


def _encode(
    split: Split, tokenizer: PreTrainedTokenizerFast, label_map: LabelMap, settings: Settings
) -> EncodedSplit:
    return encode_cached(
        split.sentences,
        tokenizer,
        label_map,
        max_seq_length=settings.max_seq_length,
        stride=settings.window_stride,
        truncate=settings.long_sentences == "truncate",
        corpus_sha256=split.sha256,
        folder=Path(settings.cache_dir, "encoded"),
        overwrite=settings.overwrite_cache,
    )


def _describe(name: str, split: Split, encoded: EncodedSplit) -> None:
    """One line of what was read, and one of what tags on wordpieces cannot return."""
    if not len(encoded.ids_P):
        raise DataError(f"{split.path}: no sentence has a wordpiece; is the text blank?")
    entities = sum(len(sentence.spans) for sentence in split.sentences)
    windows = len(encoded.window_starts_W) - encoded.sentence_count
    logger.info(
        "%s: %d sentences, %d entities, %d wordpieces%s.",
        name,
        len(split.sentences),
        entities,
        len(encoded.ids_P),
        f", {windows} more windows for long sentences" if windows > 0 else "",
    )
    lost = {reason: count for reason, count in encoded.lost.items() if count}
    if lost:
        listed = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in lost.items())
        logger.info(
            "%s: of %d entities, wordpiece tags cannot return exactly: %s.", name, entities, listed
        )
