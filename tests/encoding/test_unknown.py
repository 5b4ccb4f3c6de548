"""Characters that the vocabulary lacks: counted, and refused with the reason that explains them."""

import logging
import unicodedata

import pytest
from transformers import BertTokenizer, PreTrainedTokenizerFast

from job.corpus.split import Split
from job.encoding.unknown import check_unknown, likely_reason
from job.encoding.windows import encode
from job.errors import DataError
from job.model.pretrained.tokenizer import load_tokenizer
from job.sentence import Sentence
from tests.support.tiny import LABELS, VOCABULARY
from tests.test_sample import MODEL

KNOWN = "김철수은 서울역에서 만났다!"


def bert(*pieces: str, **told) -> PreTrainedTokenizerFast:
    vocabulary = {piece: i for i, piece in enumerate((*VOCABULARY, *pieces))}
    return BertTokenizer(vocab=vocabulary, **({"do_lower_case": False} | told))


def check(texts, tokenizer, max_ratio=0.3):
    sentences = tuple(Sentence(text, (), n) for n, text in enumerate(texts, start=1))
    encoded = encode(sentences, tokenizer, LABELS, max_seq_length=64, stride=8, truncate=False)
    split = Split("train", "corpus/train.txt", "tagged", "", sentences, ())
    check_unknown(split, encoded, tokenizer, max_ratio)


def test_a_word_of_the_vocabulary_is_known_and_the_share_is_told(caplog):
    """Nothing unknown is a figure in the log, no warning."""
    with caplog.at_level(logging.INFO):
        check([KNOWN], bert())
    [record] = caplog.records
    assert record.getMessage() == "0.0 % of train's characters are not in the vocabulary."
    assert record.levelno == logging.INFO


def test_an_unknown_word_counts_by_its_characters_and_blanks_count_nowhere(caplog):
    """Three of 3 + 13 characters are in [UNK]: 18.8 %, which is above 5 % and a warning."""
    with caplog.at_level(logging.INFO):
        check(["뷁뷁뷁   " + KNOWN], bert())
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("18.8 % of train's characters")


def test_above_the_ratio_it_is_refused_with_file_value_and_argument():
    """MAX_UNKNOWN_RATIO is the bound: refused above it, 1 allows everything."""
    with pytest.raises(DataError, match=r"corpus/train\.txt: 100\.0 % .*MAX_UNKNOWN_RATIO=0\.3"):
        check(["뷁뷁", "뷁"], bert())
    check(["뷁뷁", "뷁"], bert(), max_ratio=1)
    with pytest.raises(DataError, match=r"MAX_UNKNOWN_RATIO=0\.01"):
        check([KNOWN * 3 + " 뷁"], bert(), max_ratio=0.01)


@pytest.mark.parametrize("kind", ["byte-level", "sentencepiece"])
def test_tokenizers_of_every_kind_are_counted(kind, tokenizers_by_kind, caplog):
    """Bytes know everything; of SentencePiece's an unknown syllable is one character."""
    with caplog.at_level(logging.INFO):
        check(["서울에서 김민수가 2월", "뷁"], tokenizers_by_kind[kind])
    share = {"byte-level": "0.0 %", "sentencepiece": "9.1 %"}[kind]
    assert caplog.records[-1].getMessage().startswith(share)


def test_what_a_tokenizer_leaves_out_is_unknown_too():
    """A BPE without [UNK] drops what it does not know: no piece, and nothing would be said."""
    from tokenizers import Tokenizer, models

    backend = Tokenizer(models.BPE({"<pad>": 0, "가": 1, "나": 2}, []))
    dropping = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>")
    with pytest.raises(DataError, match=r"50\.0 %"):
        check(["가나뷁똟"], dropping)


@pytest.mark.parametrize(
    ("tokenizer", "text", "says"),
    [
        (bert(), unicodedata.normalize("NFD", KNOWN), "NORMALIZE=nfc"),
        (
            bert(*unicodedata.normalize("NFD", "뷁"), *("##ᅰ", "##ᆰ")),
            "뷁 " * 9,
            r"vocabulary is decomposed \(NFD\)",
        ),
        (bert("seoul", "fox"), "SEOUL Fox", '"do_lower_case": true'),
        (bert("Seoul", "Fox", do_lower_case=True), "Seoul Fox", '"do_lower_case": false'),
        (bert(do_lower_case=True, strip_accents=None), KNOWN, '"do_lower_case": false'),
        (bert(), f"🎉{KNOWN.replace(' ', ' 🎉')}", "such as 🎉, stand against words"),
        (bert(), "שלום 東京", "another language or script"),
    ],
)
def test_the_reason_is_tried_not_guessed(tokenizer, text, says):
    """NFD against NFC, either way; lower and upper case, either way; else no such reason."""
    with pytest.raises(DataError, match=says):
        check([text], tokenizer)


def test_a_remedy_that_does_not_help_is_not_named():
    """Decomposed text of another script stays unknown when it is composed: NFC is no reason."""
    assert "NORMALIZE" not in likely_reason([unicodedata.normalize("NFD", "뷁쀍")], bert())


def test_the_sample_has_no_unknown_character(caplog):
    """The embedded model knows the embedded corpus: 0.0 %."""
    lines = (MODEL.parent / "train.txt").read_text("utf-8").splitlines()
    with caplog.at_level(logging.INFO):
        check([line.split("␞")[0] for line in lines], load_tokenizer(MODEL))
    assert caplog.records[-1].getMessage().startswith("0.0 %")


def test_kcbert_lacks_a_few_characters_of_kmou(kmou, kcbert, caplog):
    """Curly quotes, brackets and ellipses with their words: below the warning, as counted apart."""
    lost = solid = 0
    for sentence in kmou.train.sentences[:2000]:
        found = kcbert(sentence.text, add_special_tokens=False, return_offsets_mapping=True)
        ids_and_bounds = zip(found["input_ids"], found["offset_mapping"], strict=True)
        lost += sum(b - a for i, (a, b) in ids_and_bounds if i == kcbert.unk_token_id)
        solid += len("".join(sentence.text.split()))
    with caplog.at_level(logging.INFO):
        check([sentence.text for sentence in kmou.train.sentences[:2000]], kcbert)
    assert caplog.records[-1].getMessage().startswith(f"{100 * lost / solid:.1f} %")
    assert 0.01 < lost / solid < 0.05
