"""Vocabularies as folders have them: read as what they are, or refused with what was not read."""

import io
import json
from pathlib import Path

import pytest
import sentencepiece
from transformers import AutoConfig, AutoTokenizer

from job.encoding.encoded import SpecialTokens
from job.errors import ArgumentError, DataError
from job.model.pretrained.tokenizer import load_tokenizer
from tests.support.tiny import VOCABULARY

TEXTS = [
    line.split("␞")[0].strip()
    for line in Path("job/sample/train.txt").read_text("utf-8").splitlines()[:600]
]
UNSEEN = [*TEXTS[:80], "둘레길 14㎞, Ａ형 ①번", "뷁똟  쀍 café", "Hello, 서울!", " 앞뒤 "]
KOBERT = {
    "unk_piece": "[UNK]",
    "unk_id": 0,
    "pad_piece": "[PAD]",
    "pad_id": 1,
    "bos_id": -1,
    "eos_id": -1,
    "control_symbols": "[CLS],[SEP],[MASK]",
}
ALBERT = KOBERT | {"unk_piece": "<unk>", "unk_id": 1, "pad_piece": "<pad>", "pad_id": 0}
DEBERTA = {
    **{"pad_piece": "[PAD]", "pad_id": 0, "bos_piece": "[CLS]", "bos_id": 1},
    **{"eos_piece": "[SEP]", "eos_id": 2, "unk_piece": "[UNK]", "unk_id": 3},
}


def train(**told) -> bytes:
    """A SentencePiece model of Korean sentences."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS),
        model_writer=written,
        vocab_size=900,
        hard_vocab_limit=False,
        minloglevel=2,
        **told,
    )
    return written.getvalue()


@pytest.fixture(scope="module")
def trained():
    """Models by what they were trained with, each made once."""
    kept: dict[str, bytes] = {}

    def give(**told):
        return kept.setdefault(json.dumps(told), train(**told))

    return give


def folder_with(folder: Path, model_type: str, name: str, content: bytes, told=None, **config):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    config = AutoConfig.for_model(model_type, **({"vocab_size": 1000} | config)).to_dict()
    (folder / "config.json").write_text(json.dumps(config))
    if told is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(told))
    return folder


def pieces_of(tokenizer, text):
    found = tokenizer.backend_tokenizer.encode(text, add_special_tokens=False)
    unknown = tokenizer.unk_token_id
    return [None if i == unknown else t for i, t in zip(found.ids, found.tokens, strict=True)]


def right_pieces(content, text):
    processor = sentencepiece.SentencePieceProcessor(model_proto=content)
    ids, pieces = processor.encode(text), processor.encode(text, out_type=str)
    return [None if i == processor.unk_id() else p for i, p in zip(ids, pieces, strict=True)]


# What KoBERT's tokenizer_config.json would say of another class, whose unknown piece is id 1.
NAMED = {
    **{"tokenizer_class": "AlbertTokenizer", "do_lower_case": False, "unk_token": "[UNK]"},
    **{"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"},
}
CLASSES = {
    "deberta-v2": ("deberta-v2", "spm.model", DEBERTA, {"do_lower_case": False}),
    "xlm-roberta": ("xlm-roberta", "sentencepiece.bpe.model", {}, None),
    "camembert": ("camembert", "sentencepiece.bpe.model", {}, None),
    "albert": ("albert", "spiece.model", ALBERT, {"do_lower_case": False}),
    "xlnet": ("xlnet", "spiece.model", {}, None),
    "rembert": ("rembert", "sentencepiece.model", ALBERT, None),
    "big_bird": ("big_bird", "spiece.model", ALBERT, None),
    "fnet": ("fnet", "spiece.model", ALBERT, None),
    "bert": ("bert", "spiece.model", KOBERT, None),
    "electra": ("electra", "tokenizer.model", KOBERT, None),
    "kobert": ("bert", "spiece.model", KOBERT, {"tokenizer_class": "XLNetTokenizer"}),
    "albert for bert": ("bert", "spiece.model", KOBERT, NAMED),
    "bpe": ("bert", "tokenizer.model", KOBERT | {"model_type": "bpe"}, None),
    "bytes": (
        "bert",
        "spiece.model",
        KOBERT | {"byte_fallback": True, "character_coverage": 0.98},
        None,
    ),
}


@pytest.mark.parametrize("name", CLASSES)
def test_a_sentencepiece_model_alone_gives_sentencepieces_pieces(name, trained, tmp_path):
    """Whatever class reads the file, the pieces are SentencePiece's, and a frame is around them."""
    model_type, file, told, tokenizer_config = CLASSES[name]
    content = trained(**told)
    tokenizer = load_tokenizer(
        folder_with(tmp_path / "m", model_type, file, content, tokenizer_config)
    )
    for text in UNSEEN:
        assert pieces_of(tokenizer, text) == right_pieces(content, text)
    special = SpecialTokens.of(tokenizer)
    assert special.count == 2
    ids = [*special.prefix, *special.suffix]
    assert tokenizer.convert_ids_to_tokens(ids) == [
        tokenizer.sep_token if name == "xlnet" else tokenizer.cls_token,
        tokenizer.cls_token if name == "xlnet" else tokenizer.sep_token,
    ]


@pytest.mark.parametrize("name", ["deberta-v2", "xlm-roberta", "kobert", "albert"])
def test_it_is_exported_and_read_again_as_it_was(name, trained, tmp_path):
    """tokenizer.json, which the export writes, gives the same ids through the library alone."""
    model_type, file, told, tokenizer_config = CLASSES[name]
    content = trained(**told)
    folder = folder_with(tmp_path / "m", model_type, file, content, tokenizer_config)
    tokenizer = load_tokenizer(folder)
    (folder / file).unlink()
    tokenizer.save_pretrained(folder)
    for again in (load_tokenizer(folder), AutoTokenizer.from_pretrained(folder)):
        assert again(UNSEEN)["input_ids"] == tokenizer(UNSEEN)["input_ids"]
        assert again.pad_token_id == tokenizer.pad_token_id


def test_ids_are_the_files_where_the_class_numbers_none_anew(trained, tmp_path):
    """KoBERT's ids are its SentencePiece model's; XLM-RoBERTa's stand one further."""
    content, plain = trained(**KOBERT), trained()
    kobert = load_tokenizer(folder_with(tmp_path / "k", "bert", "spiece.model", content))
    roberta = load_tokenizer(
        folder_with(tmp_path / "r", "xlm-roberta", "sentencepiece.bpe.model", plain)
    )
    right = sentencepiece.SentencePieceProcessor(model_proto=content).encode("서울에서 만났다.")
    assert kobert("서울에서 만났다.", add_special_tokens=False)["input_ids"] == right
    right = sentencepiece.SentencePieceProcessor(model_proto=plain).encode("서울에서 만났다.")
    assert roberta("서울에서 만났다.", add_special_tokens=False)["input_ids"] == [
        i + 1 for i in right
    ]


def test_kobert_with_both_files_is_read_by_the_sentencepiece_model(trained, tmp_path):
    """A vocab.txt of SentencePiece's pieces gives the ids; one in another order is refused."""
    content = trained(**KOBERT)
    processor = sentencepiece.SentencePieceProcessor(model_proto=content)
    pieces = [processor.id_to_piece(i) for i in range(len(processor))]
    folder = folder_with(tmp_path / "m", "bert", "tokenizer_78b3253a26.model", content)
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", "utf-8")
    assert pieces_of(load_tokenizer(folder), TEXTS[0]) == right_pieces(content, TEXTS[0])
    (folder / "vocab.txt").write_text("\n".join(pieces[::-1]) + "\n", "utf-8")
    with pytest.raises(ArgumentError, match=r"numbers \d+ of \d+ pieces otherwise than vocab.txt"):
        load_tokenizer(folder)


def test_a_vocabulary_of_sentencepieces_for_wordpiece_is_refused_by_name(trained, tmp_path):
    """KoBERT's vocab.txt without its SentencePiece model would read Korean as [UNK]."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=trained(**KOBERT))
    pieces = "\n".join(processor.id_to_piece(i) for i in range(len(processor)))
    told = {"do_lower_case": False, "tokenizer_class": "BertTokenizer"}
    folder = folder_with(tmp_path / "m", "bert", "vocab.txt", pieces.encode(), told)
    with pytest.raises(ArgumentError, match="begin with ▁ and so are SentencePiece's"):
        load_tokenizer(folder)


@pytest.mark.parametrize(
    ("model_type", "name", "content", "error", "says"),
    [
        ("deberta-v2", "spm.model", b"AAAA 0\nBBBB 1\n", DataError, "no SentencePiece model"),
        ("bert", "tokenizer.model", b"", DataError, "no SentencePiece model"),
        ("bert", "spiece.model", b"version https://git-lfs.github", DataError, "git lfs pull"),
        ("bert", "spiece.model", {}, ArgumentError, r"no piece for pad_token \(\[PAD\], <pad>\)"),
        (
            "bert",
            "spiece.model",
            KOBERT | {"model_type": "word"},
            ArgumentError,
            "words or characters",
        ),
        (
            "xlm-roberta",
            "sentencepiece.bpe.model",
            {"treat_whitespace_as_suffix": True, "pad_id": 3},
            ArgumentError,
            "no fast tokenizer gives the pieces",
        ),
    ],
)
def test_a_sentencepiece_model_that_cannot_be_read_is_one_sentence(
    model_type, name, content, error, says, trained, tmp_path
):
    """What is missing is named, and nobody is told to download again what is not damaged."""
    data = content if isinstance(content, bytes) else trained(**content)
    with pytest.raises(error, match=says) as caught:
        load_tokenizer(folder_with(tmp_path / "m", model_type, name, data))
    assert "download" not in str(caught.value)
    assert "tiktoken" not in str(caught.value)


def test_two_sentencepiece_models_are_refused(trained, tmp_path):
    """Which of them is the model's is not guessed."""
    folder = folder_with(tmp_path / "m", "bert", "a.model", trained(**KOBERT))
    (folder / "b.model").write_bytes(trained(**KOBERT))
    with pytest.raises(ArgumentError, match=r"a\.model, b\.model"):
        load_tokenizer(folder)


WORDS = ("\n".join(VOCABULARY) + "\n").encode()


@pytest.mark.parametrize("model_type", ["roberta", "longformer", "camembert"])
def test_a_tokenizer_that_read_no_file_is_blamed(model_type, tmp_path):
    """A class that looks for other files has special tokens only: it is named, not the text."""
    folder = folder_with(tmp_path / "m", model_type, "vocab.txt", WORDS, vocab_size=30)
    with pytest.raises(DataError, match=r"vocab\.txt was not read as a vocabulary") as caught:
        load_tokenizer(folder)
    assert "download" not in str(caught.value)


def test_a_tokenizer_of_a_few_added_pieces_is_no_vocabulary(tmp_path):
    """Pieces that were added to a class that read nothing do not make it the folder's."""
    added = {str(i): {"content": c, "special": False} for i, c in enumerate("가나다", start=5)}
    told = {"added_tokens_decoder": added, "tokenizer_class": "RobertaTokenizer"}
    folder = folder_with(tmp_path / "m", "roberta", "vocab.txt", WORDS, told, vocab_size=30)
    with pytest.raises(DataError, match=r"vocab\.txt was not read"):
        load_tokenizer(folder)


def test_a_vocabulary_far_smaller_than_the_embeddings_is_not_the_models(tmp_path):
    """21 pieces for 30,000 embeddings are another model's; a few rows of padding are usual."""
    told = {"do_lower_case": False, "tokenizer_class": "BertTokenizer"}
    folder = folder_with(tmp_path / "m", "bert", "vocab.txt", WORDS, told, vocab_size=30_000)
    with pytest.raises(DataError, match="where the model embeds 30000"):
        load_tokenizer(folder)
    folder_with(folder, "bert", "vocab.txt", WORDS, told, vocab_size=len(VOCABULARY) + 10)
    assert len(load_tokenizer(folder)) == len(VOCABULARY)
