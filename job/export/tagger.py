"""A loaded model that finds the entities of texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from job.batches import Layout
from job.corpus import NFC, OFF, Composed, compose
from job.encoding import EndTable, LabelMap, SpecialTokens, encode, place_spans
from job.errors import ArgumentError, DataError
from job.export.folder import ENDS, ENDS_FACT, WITH_TABLE
from job.export.scores import with_scores
from job.model import (
    choose_layout,
    load_classifier,
    load_named_classifier,
    load_tokenizer,
    max_positions,
    predict_pieces,
    probe_split,
)
from job.sentence import ScoredSpan, Sentence
from job.settings import usual_stride

DEFAULT_WINDOW = 128  # wordpieces, where the manifest does not say what the model was trained with


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
    ends: EndTable | None = None

    @classmethod
    def load(
        cls,
        folder: Path,
        manifest: dict,
        device: torch.device | str,
        max_seq_length: int | None,
        stride: int | None,
    ) -> "Tagger":
        """Loads a verified model directory; without a manifest, one that was trained elsewhere."""
        network, label_map = _network(folder, manifest)
        tokenizer = load_tokenizer(folder)
        network.to(device)  # type: ignore[arg-type]  # transformers' wrapper hides `self`
        window = _window(max_seq_length, manifest, max_positions(network.config))
        special = SpecialTokens.of(tokenizer)
        layout = choose_layout(
            network,
            special,
            probe_split((window - special.count,), network.config.vocab_size),
            max_seq_length=window,
            batch_size=1,
        )
        overlap = _stride(window, manifest) if stride is None else stride
        return cls(
            *(network, tokenizer, label_map, layout, window, overlap),
            composes=_composes(folder, manifest),
            ends=_ends(folder, manifest, label_map),
        )

    def tag(self, texts: Sequence[str]) -> list[tuple[ScoredSpan, ...]]:
        """The entities of each text, in characters of the text as it was given.

        The score of one is the mean, over its wordpieces, of the probability of the label that
        each was given, in the window that scores it.
        """
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
        predicted = predict_pieces(self.network, split, self.layout)
        placed = place_spans(predicted.labels_P, split, self.label_map, sentences, self.ends)
        scored = with_scores(placed, predicted, split)
        return [each.given(spans) for each, spans in zip(read, scored, strict=True)]


def _network(folder: Path, manifest: dict) -> tuple[PreTrainedModel, LabelMap]:
    if not manifest:
        return load_named_classifier(folder)
    file = folder / "label_map.txt"
    label_map = LabelMap.from_text(file.read_text(encoding="utf-8"), str(file))
    return load_classifier(folder, label_map, trained=True), label_map


def _composes(folder: Path, manifest: dict) -> bool:
    """Whether the model was trained with NORMALIZE=nfc; a manifest that does not say was not."""
    told = manifest.get("facts", {}).get("normalize", OFF)
    if told not in (OFF, NFC):
        raise DataError(
            f"{folder}: its texts were normalised by {told!r}, unknown to this version."
        )
    return told == NFC


def _ends(folder: Path, manifest: dict, label_map: LabelMap) -> EndTable | None:
    """The table of ends that the manifest tells of; an earlier version's tells of none."""
    if manifest.get("facts", {}).get(ENDS_FACT) != WITH_TABLE:
        return None
    file = folder / ENDS
    if not file.is_file():
        raise DataError(
            f"{file} is missing, and without it entities would end with a wordpiece; copy the "
            "whole folder of the model again."
        )
    return EndTable.from_json(file.read_text(encoding="utf-8"), str(file), label_map)


def _stride(window: int, manifest: dict) -> int:
    """Wordpieces that neighbouring windows share, as in training where the window is that, too."""
    facts = manifest.get("facts", {})
    told = str(facts.get("window stride", ""))
    if told.isdigit() and facts.get("max sequence length") == str(window):
        return int(told)
    return usual_stride(window)


def _window(wanted: int | None, manifest: dict, positions: int | None) -> int:
    """Wordpieces of a window, special ones included: as wanted, as in training, or a usual one."""
    if wanted and positions and wanted > positions:
        raise ArgumentError(
            f"MAX_SEQ_LENGTH={wanted}: this model has {positions} positions; set it to {positions} "
            f"or less, or leave it out to read windows as in training."
        )
    trained_with = str(manifest.get("facts", {}).get("max sequence length", ""))
    otherwise = DEFAULT_WINDOW if manifest else positions or DEFAULT_WINDOW
    usual = int(trained_with) if trained_with.isdigit() else otherwise
    return wanted or min(usual, positions or usual)
