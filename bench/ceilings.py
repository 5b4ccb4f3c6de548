"""How far right tags can take entity F1 on exact characters, with the table of ends and without.

    python -m bench.ceilings CORPUS_FOLDER VOCABULARY_FOLDER

VOCABULARY_FOLDER holds KcBERT's vocab.txt. The other tokenizers are trained on the texts of train,
30,000 pieces each: byte-level BPE as RoBERTa's, and a unigram model as XLM-R's. Prints, of
val and test, the share of entities that end inside of a wordpiece, F1 of the gold tags alone and
with the table that train gives, and the table's entries.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from bench.kmou import make_start, read
from job.encoding import EndTable, LabelMap, decode_spans
from job.encoding.windows import encode
from job.evaluation import score_spans

PIECES = 30_000
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def byte_level(texts: Iterator[str]) -> Tokenizer:
    """Pieces of bytes, the blank in front included; a piece can hold a part of a character."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=PIECES,
            special_tokens=SPECIAL,
            initial_alphabet=alphabet,
            show_progress=False,
        ),
    )
    return tokenizer


def unigram(texts: Iterator[str]) -> Tokenizer:
    """SentencePiece's unigram model, NFKC, `▁` for blanks."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(
        texts,
        trainers.UnigramTrainer(
            vocab_size=PIECES, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
        ),
    )
    return tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("vocabulary", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = read(given.corpus, Path(folder))
        label_map = LabelMap.from_sentences(corpus.train.sentences)
        make_start(given.vocabulary, Path(folder, "start"), label_map)
        kcbert = AutoTokenizer.from_pretrained(Path(folder, "start"))
    texts = [sentence.text for sentence in corpus.train.sentences]
    special = {"pad_token": "<pad>", "unk_token": "<unk>"}
    tokenizers = {
        "KcBERT's WordPiece": kcbert,
        "byte-level BPE": PreTrainedTokenizerFast(
            tokenizer_object=byte_level(iter(texts)), **special
        ),
        "unigram (SentencePiece)": PreTrainedTokenizerFast(
            tokenizer_object=unigram(iter(texts)), **special
        ),
    }
    print("tokenizer                split  ends inside  tags alone  with table  entries")
    for name, tokenizer in tokenizers.items():
        shape = {"max_seq_length": 10_000, "stride": 0, "truncate": False}
        train = list(corpus.train.sentences)
        table = EndTable.from_split(train, encode(train, tokenizer, label_map, **shape), label_map)
        entries = sum(map(len, table.clusters.values()))
        for split_name in ("val", "test"):
            sentences = list(getattr(corpus, split_name).sentences)
            split = encode(sentences, tokenizer, label_map, **shape)
            gold = [sentence.spans for sentence in sentences]
            inside = split.lost["ends_inside_wordpiece"] / sum(map(len, gold))
            alone, ends = (
                score_spans(
                    gold, decode_spans(split.labels_P, split, label_map, sentences, each), ()
                ).micro.f1
                for each in (None, table)
            )
            print(
                f"{name:24} {split_name:5}  {inside:11.3f}  {alone:10.4f}  {ends:10.4f}  "
                f"{entries:7,}"
            )


if __name__ == "__main__":
    main()
