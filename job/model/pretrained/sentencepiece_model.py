"""A SentencePiece model file → a fast tokenizer that gives its pieces.

The library's own conversions lose the file's normalisation or its unknown piece for several
classes (DeBERTa-v2, ALBERT, XLNet), and split Hangul into jamo that the file does not hold. So ids
and special tokens are the class's, how text is read is the file's, and the outcome is held against
SentencePiece itself. https://github.com/google/sentencepiece
"""

import json
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import SentencePieceExtractor

from job.errors import ArgumentError, DataError
from job.model.pretrained.config import quiet_library
from job.model.pretrained.sentencepiece_proto import (
    BPE,
    NORMAL,
    REMEDY,
    UNIGRAM,
    ModelProto,
    open_sentencepiece,
)

if TYPE_CHECKING:
    from sentencepiece import SentencePieceProcessor

CANDIDATES = {
    "cls_token": ("[CLS]", "<cls>", "<s>"),
    "sep_token": ("[SEP]", "<sep>", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
    "mask_token": ("[MASK]", "<mask>"),
}
SPECIAL = ("bos_token", "eos_token", "unk_token", *CANDIDATES)
SENTENCES = (
    "서울에서 김민수가 2월 3일 오후 2시에 만났다.",
    "둘레길 14㎞, Ａ형 ①번 값은 1,000원: 끝!",
    "The quick brown fox, 그리고  café.",
)
MOST_SENTENCES = 200  # made of the file's own pieces, to hold the outcome against
SHARE_OF_TIES = 0.02  # of them that may be cut elsewhere: equal scores, summed in another order


def sentencepiece_file(folder: Path) -> Path | None:
    """The one *.model of a folder without tokenizer.json. Raises ArgumentError for several."""
    found = sorted(folder.glob("*.model"))
    if not found or (folder / "tokenizer.json").is_file():
        return None
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise ArgumentError(f"{folder} holds several SentencePiece models ({names}); keep one.")
    return found[0]


def read_sentencepiece(
    folder: Path, file: Path, config: PreTrainedConfig
) -> PreTrainedTokenizerFast:
    """The tokenizer of a folder whose vocabulary is a SentencePiece model alone.

    Raises DataError where the file is none, and ArgumentError where no fast tokenizer gives the
    pieces that SentencePiece gives.
    """
    proto, processor = open_sentencepiece(file)
    tokenizer_config = _read_config(folder)
    tokenizer: PreTrainedTokenizerFast | None = None
    steps: set[str] = set()
    if (loaded := _of_class(folder, file, config)) is not None:
        steps = _steps(loaded)
        tokenizer = _with_ids_of(loaded, proto, steps)
    if tokenizer is None:
        steps = {"Lowercase"} if tokenizer_config.get("do_lower_case") else set()
        tokenizer = _built(file, proto, tokenizer_config, steps)
    _refuse_other_pieces(file, tokenizer, proto, processor, _prepared(steps))
    return tokenizer


def _read_config(folder: Path) -> Mapping:
    """The values of special_tokens_map.json and tokenizer_config.json; the latter's win."""
    config: dict = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        file = folder / name
        try:
            content = json.loads(file.read_bytes()) if file.is_file() else {}
        except ValueError as error:
            raise DataError(f"{file} is not JSON ({error}); mend it, or remove it.") from error
        config |= content if isinstance(content, dict) else {}
    return config


def _of_class(folder: Path, file: Path, config: PreTrainedConfig) -> PreTrainedTokenizerFast | None:
    """The library's tokenizer where its class reads this file and frames a sentence.

    A BERT with XLNetTokenizer (KoBERT) is read as a BERT: XLNet puts its special tokens last.
    RemBERT's and FNet's classes put none around a text that was read from such a file.
    """
    try:
        with quiet_library():
            loaded = AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception:
        return None
    if not isinstance(loaded, PreTrainedTokenizerFast):
        return None
    if file.name not in type(loaded).vocab_files_names.values():
        return None
    if type(loaded).__name__.startswith("XLNet") and config.model_type != "xlnet":
        return None
    return loaded if loaded.num_special_tokens_to_add() else None


def _steps(loaded: PreTrainedTokenizerFast) -> set[str]:
    """What the class does to a text that the file does not: lower case, accents taken off."""
    normalizer = json.dumps(json.loads(loaded.backend_tokenizer.to_str())["normalizer"])
    return {step for step in ("Lowercase", "StripAccents") if f'"{step}"' in normalizer}


def _with_ids_of(
    loaded: PreTrainedTokenizerFast, proto: ModelProto, steps: set[str]
) -> PreTrainedTokenizerFast | None:
    """The class's ids and special tokens; the file's scores, unknown piece and reading."""
    backend = json.loads(loaded.backend_tokenizer.to_str())
    if backend["model"]["type"] != "Unigram" or proto.trainer_spec.model_type != UNIGRAM:
        return None
    ids = {piece: i for i, (piece, _) in enumerate(backend["model"]["vocab"])}
    named = {name: str(v) for name in SPECIAL if (v := getattr(loaded, name)) is not None}
    if named.get("unk_token") not in ids:
        named["unk_token"] = proto.trainer_spec.unk_piece
    backend["model"]["unk_id"] = ids.get(named["unk_token"])
    backend["model"]["byte_fallback"] = proto.trainer_spec.byte_fallback
    return _wrapped(Tokenizer.from_str(json.dumps(backend)), proto, steps, named)


def _built(
    file: Path, proto: ModelProto, tokenizer_config: Mapping, steps: set[str]
) -> PreTrainedTokenizerFast:
    """The file's own ids, and BERT's frame: [CLS] before, [SEP] behind."""
    pieces = {piece.piece: i for i, piece in enumerate(proto.pieces)}
    named = {"unk_token": proto.trainer_spec.unk_piece}
    for name, candidates in CANDIDATES.items():
        value = tokenizer_config.get(name)
        value = value.get("content") if isinstance(value, dict) else value
        found = [piece for piece in (value, *candidates) if piece in pieces]
        if found:
            named[name] = found[0]
        elif name != "mask_token":
            raise ArgumentError(
                f"{file} has no piece for {name} ({', '.join(candidates)}), so it is not known "
                f"what this model reads around a sentence; {REMEDY}."
            )
    if proto.trainer_spec.model_type == UNIGRAM:
        scored = [(piece.piece, piece.score) for piece in proto.pieces]
        model: models.Model = models.Unigram(
            scored, proto.trainer_spec.unk_id, byte_fallback=proto.trainer_spec.byte_fallback
        )
    elif proto.trainer_spec.model_type == BPE:
        # A dict, though it is declared as a tuple.
        extracted = cast(dict[str, Any], SentencePieceExtractor(str(file)).extract(models.BPE))
        model = models.BPE(
            extracted["vocab"],
            extracted["merges"],
            unk_token=named["unk_token"],
            fuse_unk=True,
            byte_fallback=proto.trainer_spec.byte_fallback,
        )
    else:
        raise ArgumentError(f"{file} holds words or characters, no pieces; {REMEDY}.")
    backend = Tokenizer(model)
    frame = [named["cls_token"], named["sep_token"]]
    backend.post_processor = processors.TemplateProcessing(
        single=f"{frame[0]} $A {frame[1]}", special_tokens=[(each, pieces[each]) for each in frame]
    )
    return _wrapped(backend, proto, steps, named)


def _wrapped(
    backend: Tokenizer, proto: ModelProto, steps: set[str], named: Mapping[str, str]
) -> PreTrainedTokenizerFast:
    spec = proto.normalizer_spec
    done: list[normalizers.Normalizer] = []
    if "StripAccents" in steps:
        done += [normalizers.NFKD(), normalizers.StripAccents(), normalizers.NFKC()]
    if "Lowercase" in steps:
        done += [normalizers.Lowercase()]
    if spec.precompiled_charsmap:
        done += [normalizers.Precompiled(spec.precompiled_charsmap)]
    if spec.remove_extra_whitespaces:
        done += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    backend.normalizer = normalizers.Sequence(done)
    backend.pre_tokenizer = pre_tokenizers.Metaspace(
        prepend_scheme="always" if spec.add_dummy_prefix else "never",
        split=proto.trainer_spec.split_by_whitespace,
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, **named)


def _prepared(steps: set[str]) -> Callable[[str], str]:
    """The same steps in Python, for a text that SentencePiece is to read."""

    def prepare(text: str) -> str:
        if "StripAccents" in steps:
            apart = unicodedata.normalize("NFKD", text)
            text = "".join(c for c in apart if unicodedata.category(c) != "Mn")
            text = unicodedata.normalize("NFKC", text)
        return text.lower() if "Lowercase" in steps else text

    return prepare


def _refuse_other_pieces(
    file: Path,
    tokenizer: PreTrainedTokenizerFast,
    proto: ModelProto,
    processor: "SentencePieceProcessor",
    prepare: Callable[[str], str],
) -> None:
    """Raises ArgumentError where the tokenizer's pieces are not SentencePiece's."""
    normal = [p.piece.replace("▁", " ") for p in proto.pieces if p.type == NORMAL]
    step = max(1, len(normal) // (5 * MOST_SENTENCES))
    chosen = normal[::step]
    texts = [*SENTENCES, *("".join(chosen[i::MOST_SENTENCES]) for i in range(MOST_SENTENCES))]
    backend, unknown = tokenizer.backend_tokenizer, tokenizer.unk_token_id
    other = []
    for text in filter(str.strip, texts):
        found = backend.encode(text, add_special_tokens=False)
        given = [None if i == unknown else t for i, t in zip(found.ids, found.tokens, strict=True)]
        wanted = prepare(text)
        ids, pieces = processor.EncodeAsIds(wanted), processor.EncodeAsPieces(wanted)
        right = [None if i == processor.unk_id() else p for i, p in zip(ids, pieces, strict=True)]
        if given != right:
            other.append(text)
    if len(other) > SHARE_OF_TIES * len(texts):
        raise ArgumentError(
            f"{file}: no fast tokenizer gives the pieces of this SentencePiece model "
            f"({len(other)} of {len(texts)} texts are cut otherwise); {REMEDY}."
        )
