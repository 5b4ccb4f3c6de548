"""A corpus without a val split gets one that stays."""

import random
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.corpus.files import Source
from job.corpus.held_out import hold_out
from job.corpus.split import Split
from job.errors import ArgumentError, DataError
from job.sentence import Sentence, Span
from tests.support.small_corpus import TRAIN, VAL, texts


def split_of(sentences):
    return Split("train", "train.txt", "any", "0" * 64, tuple(sentences), ())


def held(sentences, ratio=0.1, inside=("train.txt",)):
    """The places of val's sentences."""
    sources = [Source(Path(name), f"/somewhere/{name}", name) for name in inside]
    parts = hold_out(split_of(sentences), sources, ratio)
    numbered = {id(sentence): i for i, sentence in enumerate(sentences)}
    found = {name: {numbered[id(s)] for s in part.sentences} for name, part in parts.items()}
    assert found["train"] | found["val"] == set(range(len(sentences)))
    assert not found["train"] & found["val"]
    assert found["train"]
    assert found["val"]
    return found["val"]


def plain(count, start=0):
    return [Sentence(f"문장 {i}") for i in range(start, start + count)]


def test_about_the_asked_share_of_sentences_is_held_out():
    """A tenth of a thousand, and a larger share holds the smaller one."""
    sentences = plain(1000)
    assert 70 < len(held(sentences)) < 130
    assert held(sentences, 0.1) < held(sentences, 0.3)


def test_the_choice_does_not_depend_on_the_order():
    """The same texts are held out of a shuffled corpus."""
    sentences = plain(300)
    shuffled = random.Random(1).sample(sentences, 300)
    assert {sentences[i] for i in held(sentences)} == {shuffled[i] for i in held(shuffled)}


@given(st.lists(st.integers(0, 60), min_size=1, max_size=80))
def test_more_sentences_move_none_of_the_earlier_ones(more):
    """Whatever is added, texts that are there already included."""
    sentences = plain(50)
    grown = sentences + [Sentence(f"문장 {i}") for i in more]
    assert {i for i in held(grown, 0.3) if i < 50} == held(sentences, 0.3)


def test_equal_texts_stay_together():
    """Also where one of them is decomposed."""
    again = [Sentence(normalize("NFD", sentence.text)) for sentence in plain(40)]
    val = held(plain(40) + plain(40) + again, 0.4)
    for start in (40, 80):
        assert {i for i in val if i < 40} == {i - start for i in val if start <= i < start + 40}


def documents(count, size=5):
    return [
        replace(sentence, document=f"문서 {i // size}", file="/somewhere/train.txt")
        for i, sentence in enumerate(plain(count * size))
    ]


def test_whole_documents_are_held_out():
    """Each lies on one side, in whichever folder the corpus is."""
    val = held(documents(60), 0.2)
    assert val == {i for first in {i // 5 for i in val} for i in range(first * 5, first * 5 + 5)}
    assert 20 < len(val) < 120
    moved = [replace(sentence, file="/elsewhere/train.txt") for sentence in documents(60)]
    sources = [Source(Path("train.txt"), "/elsewhere/train.txt", "train.txt")]
    assert texts(hold_out(split_of(moved), sources, 0.2)["val"]) == [
        f"문장 {i}" for i in sorted(val)
    ]


def test_a_file_is_a_document_where_there_are_several():
    """But not where the files are parts of one table."""
    sentences = [
        replace(sentence, file=f"/somewhere/{i % 4}.txt") for i, sentence in enumerate(plain(400))
    ]
    val = held(sentences, 0.3, [f"{i}.txt" for i in range(4)])
    assert val == {i for i in range(400) if i % 4 in {i % 4 for i in val}}
    shards = [replace(s, file=s.file.replace(".txt", "-of-4.parquet")) for s in sentences]
    val = held(shards, 0.3, [f"{i}-of-4.parquet" for i in range(4)])
    assert {i % 4 for i in val} == {0, 1, 2, 3}


def test_a_text_of_several_documents_goes_with_the_first_of_them():
    """The documents stay where they were without it."""
    before = held(documents(60), 0.2)
    ends = {min(before) // 5, min(set(range(300)) - before) // 5}  # one of val and one of train
    for names in (sorted(ends), sorted(ends, reverse=True)):
        shared = [Sentence("같은 글", (), 1, "/somewhere/train.txt", f"문서 {i}") for i in names]
        val = held(documents(60) + shared, 0.2)
        assert {i for i in val if i < 300} == before
        assert {i in val for i in (300, 301)} == {names[0] * 5 in before}


@pytest.mark.parametrize("ratio", [1e-9, 0.5, 1 - 1e-9])
@pytest.mark.parametrize("count", [2, 3])
def test_neither_side_is_empty(ratio, count):
    """Even of two sentences, and where the share would take none or all."""
    held(plain(count), ratio)


def test_one_text_cannot_be_divided():
    """The error says what to add."""
    with pytest.raises(DataError, match="one text only"):
        held([Sentence("한 문장"), Sentence("한 문장")])


def test_what_alone_has_an_entity_type_stays_in_train(caplog):
    """A model has to see a type to learn it."""
    caplog.set_level("INFO")
    sentences = plain(100)
    rare = min(held(sentences))
    sentences[rare] = replace(sentences[rare], spans=(Span(0, 2, "RARE"),))
    assert rare not in held(sentences)
    assert "1 more stay in train" in caplog.text


def test_a_corpus_without_val_is_divided_and_says_so(load, write, caplog):
    """The log counts it, the two sides make up the file, and only the file can be pinned."""
    write(train__txt=TRAIN)
    corpus = load()
    assert sorted(texts(corpus.train) + texts(corpus.val)) == sorted(
        line.split("␞")[0] for line in TRAIN.splitlines()
    )
    assert "of train's 40 sentences" in caplog.text
    assert "CORPUS_SHA256=train=" in caplog.text
    assert ",val=" not in caplog.text
    assert corpus.val.options == corpus.train.options == ("val_ratio=0.1",)
    with pytest.raises(DataError, match="pins val"):
        load(sha256={"val": "0" * 64})


def test_a_ratio_beside_a_val_split_is_an_error(load, write):
    """It names the split's file."""
    folder = write(train__txt=TRAIN, val__txt=VAL)
    with pytest.raises(ArgumentError, match=r"VAL_RATIO=0.2: .*val\.txt") as raised:
        load(val_ratio=0.2)
    assert str(folder) in str(raised.value)
