"""The fields of a SentencePiece model file that a tokenizer follows from.

Source: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from job.errors import DataError
from job.model.pretrained.config import refuse_pointer

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

UNIGRAM, BPE = 1, 2  # TrainerSpec.ModelType
NORMAL = 1  # ModelProto.SentencePiece.Type
REMEDY = "put a tokenizer.json of this vocabulary there, or choose a model that has one"


class SentencePiece(Protocol):
    piece: str
    score: float
    type: int


class TrainerSpec(Protocol):
    model_type: int
    unk_id: int
    unk_piece: str
    byte_fallback: bool
    split_by_whitespace: bool


class NormalizerSpec(Protocol):
    precompiled_charsmap: bytes
    add_dummy_prefix: bool
    remove_extra_whitespaces: bool


class ModelProto(Protocol):
    """The file's message."""

    pieces: Sequence[SentencePiece]
    trainer_spec: TrainerSpec
    normalizer_spec: NormalizerSpec


def open_sentencepiece(file: Path) -> tuple[ModelProto, "SentencePieceProcessor"]:
    """The file as a message, and SentencePiece with it. Raises DataError where it is neither."""
    from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2

    refuse_pointer(file)
    content = file.read_bytes()
    try:
        processor = SentencePieceProcessor()
        processor.LoadFromSerializedProto(content)
        messages = vars(sentencepiece_model_pb2)  # protobuf adds them when it is imported
        return messages["ModelProto"].FromString(content), processor
    except Exception as error:
        raise DataError(
            f"{file} is damaged, or no SentencePiece model ({type(error).__name__}); {REMEDY}."
        ) from error
