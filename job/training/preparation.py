"""Everything that a run needs before its first step."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from job.batches import EpochPlan, Layout, plan_steps
from job.corpus import Corpus, Split, load_corpus
from job.devices import Hardware
from job.encoding import (
    EncodedSplit,
    EndTable,
    LabelMap,
    SpecialTokens,
    check_unknown,
    encode_cached,
)
from job.errors import ArgumentError, DataError
from job.figures import counted
from job.model import (
    choose_layout,
    load_classifier,
    load_config,
    load_tokenizer,
    max_positions,
    refuse_large_steps,
    resolve_model,
)
from job.settings import Settings
from job.training.batch_size import fitting_batch_size
from job.training.ends import count_ends

logger = logging.getLogger(__name__)

TEST_MODE_SENTENCES = 64
# The reasons in `EncodedSplit.lost`, worded to follow a count.
LOST = {
    "starts_inside_wordpiece": "starting inside a wordpiece",
    "ends_inside_wordpiece": "ending inside a wordpiece",
    "unseen_type": "of a type that train lacks",
    "truncated": "behind the point where long sentences were cut",
}
TYPICAL_BATCH = 32  # to choose row counts by, where BATCH_SIZE=0 leaves it open


@dataclass(frozen=True)
class Prepared:
    """The corpus as rows in waiting, and a network with a fresh head for its labels.

    `rows_ES`, where shapes must be few: the rows that a device takes in each step of each epoch.
    `ends`: where inside of wordpieces entities end; None where every one ends with a wordpiece.
    """

    label_map: LabelMap
    tokenizer: PreTrainedTokenizerFast
    network: PreTrainedModel
    splits: Mapping[str, Split]
    encoded: Mapping[str, EncodedSplit]
    layout: Layout
    batch_size: int
    plan: EpochPlan
    rows_ES: np.ndarray | None = None
    ends: EndTable | None = None


def prepare(settings: Settings, hardware: Hardware, kept: int | None = None) -> Prepared:
    """Everything below, in order. Raises the JobError that says why not."""
    with hardware.peers.first_here_first():
        corpus, model = read_corpus(settings), read_tokenizer(settings)
    return assemble(settings, hardware, corpus, *model, kept)


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
        fields=settings.fields_by_role,
        normalize=settings.normalize,
        types=settings.types_rule,
        show_sentences=settings.show_sentences,
        token=_hub_token(settings),
        place=settings.downstream_corpus,
        val_ratio=settings.given_val_ratio,
    )


def read_tokenizer(settings: Settings) -> tuple[Path, PreTrainedTokenizerFast]:
    """Fetches the model's folder, where need be, and loads its tokenizer, checked for length."""
    folder = resolve_model(
        settings.pretrained_model_name,
        settings.pretrained_model_revision,
        _hub_token(settings),
        settings.cache_dir,
    )
    tokenizer = load_tokenizer(folder)
    _refuse_bad_length(settings.max_seq_length, max_positions(load_config(folder)), tokenizer)
    return folder, tokenizer


def _hub_token(settings: Settings) -> str | None:
    return settings.hf_token.get_secret_value() if settings.hf_token else None


def assemble(
    settings: Settings,
    hardware: Hardware,
    corpus: Corpus,
    folder: Path,
    tokenizer: PreTrainedTokenizerFast,
    kept: int | None = None,
) -> Prepared:
    """Encodes the corpus, loads the network and chooses the layout of its rows.

    `kept` is the batch size of the checkpoint to go on from, which BATCH_SIZE=0 takes.
    """
    if settings.compile:
        hardware.require_compiler()
    label_map = LabelMap.from_sentences(corpus.train.sentences)
    splits = _splits(corpus, settings.test_mode)
    encoded = {n: _encode(split, tokenizer, label_map, settings) for n, split in splits.items()}
    for name, split in splits.items():
        _describe(name, split, encoded[name])
    train = encoded["train"]
    check_unknown(splits["train"], train, tokenizer, settings.max_unknown_ratio)
    torch.manual_seed(settings.seed)
    network = load_classifier(folder, label_map)
    network.to(hardware.device)  # type: ignore[arg-type]  # transformers hides torch's type
    layout = choose_layout(
        network,
        SpecialTokens.of(tokenizer),
        train,
        max_seq_length=settings.max_seq_length,
        batch_size=settings.batch_size or TYPICAL_BATCH,
    )
    batch_size = settings.batch_size or fitting_batch_size(
        network, layout, train, settings, hardware, kept
    )
    plan = EpochPlan(train.sentence_count, batch_size, settings.seed, hardware.world_size)
    rows_ES = None
    if hardware.has_static_shapes:
        layout, rows_ES = _plan_steps(settings, hardware, network, layout, train, plan)
    ends = count_ends(splits, encoded, label_map) if settings.entity_ends else None
    return Prepared(
        *(label_map, tokenizer, network, splits, encoded, layout, batch_size, plan, rows_ES, ends)
    )


def _plan_steps(
    settings: Settings,
    hardware: Hardware,
    network: PreTrainedModel,
    layout: Layout,
    train: EncodedSplit,
    plan: EpochPlan,
) -> tuple[Layout, np.ndarray]:
    """The layout and the rows of every step. Raises ArgumentError where there are none that fit."""
    if not layout.packed:
        raise ArgumentError(
            f"PRETRAINED_MODEL_NAME={settings.pretrained_model_name}: this model's code takes no "
            "packed rows, without which a TPU compiles each step anew; use ACCELERATOR=gpu or cpu."
        )
    layout, rows_ES = plan_steps(
        layout,
        train,
        plan,
        max_seq_length=settings.max_seq_length,
        epochs=settings.epochs_to_train,
        gradient_accumulation=settings.gradient_accumulation,
    )
    refuse_large_steps(
        network,
        layout,
        int(rows_ES.max()),
        batch_size=settings.batch_size,
        max_seq_length=settings.max_seq_length,
        free_bytes=hardware.free_bytes(),
    )
    return layout, rows_ES


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
        sentences_digest=split.digest,
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
        "%s: %s, %s, %s%s.",
        name,
        counted(len(split.sentences), "sentence"),
        counted(entities, "entity", "entities"),
        counted(len(encoded.ids_P), "wordpiece"),
        f", {counted(windows, 'more window')} for long sentences" if windows > 0 else "",
    )
    lost = {reason: count for reason, count in encoded.lost.items() if count}
    if lost:
        listed = ", ".join(f"{count} {LOST[reason]}" for reason, count in lost.items())
        logger.info(
            "%s: wordpiece tags cannot return every one of %s exactly: %s.",
            *(name, counted(entities, "entity", "entities"), listed),
        )
