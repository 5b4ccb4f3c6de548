"""The embedded corpus and model: what a first run needs, and made by the scripts beside them."""

import json
import re
import unicodedata
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from job.corpus.formats.tutorial import read_tagged_line, to_tagged
from job.encoding.labels import LabelMap
from job.encoding.spans import decode_spans
from job.encoding.windows import encode
from job.evaluation.scores import score_spans
from job.model.pretrained.network import load_classifier
from job.model.pretrained.tokenizer import load_tokenizer
from job.sample import make_corpus, make_model
from job.sample.particles import choose_particle

FOLDER = Path(make_corpus.__file__).parent
MODEL = FOLDER / "model"
TYPES = {"PER", "LOC", "ORG", "DAT", "TIM", "DUR", "MNY", "PNT", "NOH", "POH"}


def read_split(split):
    lines = (FOLDER / f"{split}.txt").read_text(encoding="utf-8").splitlines()
    return [read_tagged_line(line, number) for number, line in enumerate(lines, 1)]


@pytest.fixture(scope="module")
def splits():
    return {split: read_split(split) for split in ("train", "val")}


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(MODEL)


@pytest.fixture(scope="module")
def label_map(splits):
    return LabelMap.from_sentences(splits["train"])


def mentions(sentences):
    return [(s.text[span.start : span.end], span.type) for s in sentences for span in s.spans]


def neighbours(sentences):
    """What stands between one entity and the next."""
    return [s.text[a.end : b.start] for s in sentences for a, b in pairwise(s.spans)]


def test_sizes_and_types(splits):
    """1,500 and 300 sentences, with each of the ten types at least 25 times in both."""
    assert {name: len(sentences) for name, sentences in splits.items()} == {
        "train": 1500,
        "val": 300,
    }
    for sentences in splits.values():
        counts = Counter(type_ for _, type_ in mentions(sentences))
        assert set(counts) == TYPES
        assert min(counts.values()) >= 25


def test_no_sentence_occurs_twice(splits):
    """Neither in one split nor in both."""
    texts = [s.text for sentences in splits.values() for s in sentences]
    assert len(set(texts)) == len(texts)


def test_lines_are_written_as_the_format_has_them(splits):
    """Every line has one reading, and writing that reading gives the line back."""
    for split, sentences in splits.items():
        lines = (FOLDER / f"{split}.txt").read_text(encoding="utf-8").splitlines()
        assert [to_tagged(s) for s in sentences] == lines


@pytest.mark.parametrize("split", ["train", "val"])
def test_the_cases_that_break_naive_aligners_occur(splits, split):
    """Entities that touch, that follow after one space, that end inside a word; `<` and `>`."""
    sentences = splits[split]
    between = Counter(neighbours(sentences))
    assert between[""] >= 10
    assert between[" "] >= 100
    inside = [s for s in sentences for x in s.spans if s.text[x.end : x.end + 1].isalpha()]
    assert len(inside) > 0.3 * len(mentions(sentences))
    for pattern in ("<", ">", r" < \d", r"<[가-힣]+>", r"[A-Z]", r"\d", "[“”]", "[‘’]", r"\(.*\)"):
        assert any(re.search(pattern, s.text) for s in sentences), pattern
    assert any(" < <" in to_tagged(s) for s in sentences)


@pytest.mark.parametrize("split", ["train", "val"])
def test_some_sentences_have_no_entity(splits, split):
    """5 to 10 % of them."""
    free = sum(not s.spans for s in splits[split])
    assert 0.05 <= free / len(splits[split]) <= 0.10


def test_validation_has_new_mentions(splits):
    """20 to 40 % of the mentions of val never occur in train with that type, in each type some."""
    seen = set(mentions(splits["train"]))
    new = [mention for mention in mentions(splits["val"]) if mention not in seen]
    assert 0.2 <= len(new) / len(mentions(splits["val"])) <= 0.4
    assert {type_ for _, type_ in new} == TYPES


def test_a_list_of_mentions_would_not_do(splits):
    """Dozens of mentions have one type here and another there, companies and places among them."""
    types = defaultdict(set)
    for mention, type_ in mentions(splits["train"]):
        types[mention].add(type_)
    ambiguous = [found for found in types.values() if len(found) > 1]
    assert len(ambiguous) > 50
    assert {"LOC", "ORG"} in ambiguous
    assert {"DAT", "DUR"} in ambiguous


def test_the_corpus_comes_from_the_script(tmp_path):
    """Written anew, byte for byte."""
    make_corpus.main([str(tmp_path)])
    for name in ("train.txt", "val.txt"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes(), name


@pytest.mark.parametrize(
    ("before", "pair", "particle"),
    [
        ("김민수", "은/는", "는"),
        ("서울", "은/는", "은"),
        ("서울", "으로/로", "로"),
        ("부산", "으로/로", "으로"),
        ("제주", "으로/로", "로"),
        ("3-0", "으로/로", "으로"),
        ("2-1", "으로/로", "로"),
        ("모아폰 12", "을/를", "를"),
        ("GLN", "과/와", "과"),
        ("BKS", "과/와", "와"),
        ("12.5%", "이/가", "가"),
        ("1.2kg", "이라/라", "이라"),
        ("김민준(34)", "이/가", "이"),
        ("‘푸른 문", "이/가", "이"),
        ("‘푸른 문’", "이/가", "이"),
        ("지훈", "이/", "이"),
        ("민수", "이/", ""),
    ],
)
def test_particles_fit_what_is_read_aloud(before, pair, particle):
    """Final consonants decide; ㄹ counts as none before 으로; digits and letters by their names."""
    assert choose_particle(before, pair) == particle


def test_particles_after_hangul_are_right_in_the_whole_corpus(splits):
    """Judged by the decomposed syllable, another way than the script's."""
    after_consonant, after_vowel = set("은을과"), set("는를와")
    checked = 0
    for sentence in [*splits["train"], *splits["val"]]:
        for span in sentence.spans:
            particle = sentence.text[span.end : span.end + 1]
            last = sentence.text[span.end - 1]
            followed = sentence.text[span.end + 1 : span.end + 2]
            if not "가" <= last <= "힣" or followed not in {" ", ""}:
                continue
            has_final = len(unicodedata.normalize("NFD", last)) == 3
            if particle in after_consonant | after_vowel:
                assert (particle in after_consonant) == has_final, sentence.text
                checked += 1
    assert checked > 700


def test_a_few_sentences_are_long(splits, tokenizer):
    """Over 64 wordpieces 2 to 10 % of them, over 128 a few, none longer than the model reads."""
    for sentences in splits.values():
        lengths = [len(ids) for ids in tokenizer([s.text for s in sentences])["input_ids"]]
        long = sum(length > 64 for length in lengths)
        assert 0.02 <= long / len(lengths) <= 0.10
        assert any(length > 128 for length in lengths)
        assert max(lengths) <= make_model.MAX_POSITIONS


@pytest.mark.parametrize("split", ["train", "val"])
def test_wordpieces_let_nearly_every_entity_return(splits, tokenizer, label_map, split):
    """The gold tags on wordpieces decode to the gold spans: F1 on characters of at least 0.985."""
    sentences = splits[split]
    encoded = encode(sentences, tokenizer, label_map, max_seq_length=64, stride=16, truncate=False)
    decoded = decode_spans(encoded.labels_P, encoded, label_map)
    gold = [sentence.spans for sentence in sentences]
    assert score_spans(gold, decoded, label_map.types).micro.f1 >= 0.985


def test_special_tokens_have_kcberts_ids(tokenizer):
    """[PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, and case is kept."""
    assert tokenizer.convert_tokens_to_ids(make_model.SPECIAL_TOKENS) == [0, 1, 2, 3, 4]
    assert tokenizer("GLN")["input_ids"] != tokenizer("gln")["input_ids"]
    assert tokenizer("서울")["input_ids"][0] == 2
    assert tokenizer("서울")["input_ids"][-1] == 3


def test_the_tokenizer_comes_from_the_script(tmp_path):
    """Trained anew on the sentences of train.txt, it is the same."""
    vocabulary = make_model.make_vocabulary(make_model.read_sentences(FOLDER))
    make_model.make_tokenizer(vocabulary).save_pretrained(tmp_path)
    made, kept = (json.loads((f / "tokenizer.json").read_bytes()) for f in (tmp_path, MODEL))
    assert made == kept
    assert 1000 <= len(vocabulary) <= 2000


def test_the_model_reads_no_tags():
    """What it is made of are sentences: no markup, and the same number as train.txt has lines."""
    sentences = make_model.read_sentences(FOLDER)
    assert len(sentences) == 1500
    assert not any(re.search(r":[A-Z]{3}>|␞", sentence) for sentence in sentences)


def test_the_weights_belong_to_this_corpus_and_script(tokenizer):
    """origin.json names the sentences, the seed and the steps; shapes are the script's."""
    origin = json.loads((MODEL / "origin.json").read_bytes())
    assert origin == make_model.origin(make_model.read_sentences(FOLDER))
    with safe_open(MODEL / "model.safetensors", "pt") as weights:
        shapes = {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118
        dtypes = {weights.get_slice(name).get_dtype() for name in shapes}
    network = make_model.make_network(len(tokenizer))
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert shapes == {name: expected[name] for name in shapes}
    assert set(expected) - set(shapes) <= set(network.all_tied_weights_keys)
    assert dtypes == {"F32"}
    assert (MODEL / "model.safetensors").stat().st_size <= 4_000_000


def test_the_weights_are_made_the_same_each_time(monkeypatch):
    """Two trainings of ten steps give equal weights, and other ones than before."""
    monkeypatch.setattr(make_model, "STEPS", 10)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    results = []
    for _ in range(2):
        torch.manual_seed(make_model.SEED)
        network = make_model.make_network(50)
        before = network.bert.embeddings.word_embeddings.weight.clone()
        make_model.train(network, [[5 + (i + j) % 45 for j in range(9)] for i in range(40)])
        assert not torch.equal(before, network.bert.embeddings.word_embeddings.weight)
        results.append(network.state_dict())
    torch.set_num_threads(threads)
    assert all(torch.equal(tensor, results[1][name]) for name, tensor in results[0].items())


def test_the_model_loads_like_any_other(label_map):
    """Only the classifier is new; it reads 300 positions and computes in float32."""
    network = load_classifier(MODEL, label_map)
    assert network.config.max_position_embeddings == 300
    assert network.num_labels == 25
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
