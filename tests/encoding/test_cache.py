"""A kept encoding is used for the very inputs that it was made of, and for no others."""

import copy
import dataclasses

import numpy as np
import pytest

from job.encoding import cache
from job.encoding.cache import encode_cached
from job.encoding.labels import LabelMap
from job.sentence import Sentence, Span

SENTENCES = [Sentence("이순신은 서울에서 태어났다. " * 3, (Span(0, 3, "PER"),), 1)]
INPUTS = {
    "max_seq_length": 16,
    "stride": 4,
    "truncate": False,
    "sentences_digest": "a" * 64,
    "overwrite": False,
}


@pytest.fixture
def tokenizer(tokenizers_by_kind):
    """Any that makes several wordpieces of SENTENCES."""
    return next(iter(tokenizers_by_kind.values()))


@pytest.fixture
def encode(tokenizer, tmp_path, monkeypatch):
    """encode_cached with changed inputs, and how many encodings were made so far."""
    made = []
    real = cache.encode

    def counted(*arguments, **options):
        made.append(options)
        return real(*arguments, **options)

    monkeypatch.setattr(cache, "encode", counted)

    def act(types=("PER",), tokenizer=tokenizer, **changed):
        split = encode_cached(
            SENTENCES, tokenizer, LabelMap(types), folder=tmp_path / "kept", **(INPUTS | changed)
        )
        return split, len(made)

    return act


def same(left, right) -> bool:
    pairs = [(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left)]
    return all(np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def test_the_same_inputs_are_encoded_once(encode):
    """The second run gets the arrays of the first, bit for bit."""
    first, _ = encode()
    second, made = encode()
    assert made == 1
    assert same(first, second)


@pytest.mark.parametrize(
    "changed",
    [
        {"max_seq_length": 12},
        {"stride": 5},
        {"truncate": True},
        {"sentences_digest": "b" * 64},
        {"types": ("PER", "LOC")},
        {"overwrite": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_input_that_changes_is_encoded_anew(encode, changed):
    """Windows, labels, sentences and OVERWRITE_CACHE each find no kept encoding."""
    encode()
    assert encode(**changed)[1] == 2


def test_another_tokenizer_is_encoded_anew(encode, tokenizer):
    """Also one of the same class and vocabulary size that cuts otherwise."""
    encode()
    other = copy.deepcopy(tokenizer)
    other.add_tokens(["이순신은"])
    assert encode(tokenizer=other)[1] == 2


def test_another_reading_of_the_same_file_is_encoded_anew(encode, monkeypatch):
    """A parser of another version may give the same digest another meaning."""
    encode()
    monkeypatch.setattr(cache, "PARSER_VERSION", cache.PARSER_VERSION + 1)
    assert encode()[1] == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: b"", lambda data: b"no"])
def test_a_damaged_file_is_read_anew_and_mended(encode, tmp_path, damage):
    """Truncated, empty or foreign: the encoding is made again and kept again."""
    first, _ = encode()
    [file] = (tmp_path / "kept").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    second, made = encode()
    assert made == 2
    assert same(first, second)
    assert encode()[1] == 2


def test_a_cache_that_is_no_folder_costs_only_time(tmp_path, tokenizers_by_kind, two_sentences):
    """CACHE_DIR or HOME may be a file, as /dev/null is: the encoding is made and not kept."""
    (tmp_path / "file").touch()
    encoded = [
        encode_cached(
            two_sentences,
            tokenizers_by_kind["wordpiece"],
            LabelMap.from_sentences(two_sentences),
            max_seq_length=32,
            stride=8,
            truncate=False,
            sentences_digest="0",
            folder=folder,
            overwrite=False,
        )
        for folder in (tmp_path / "file" / "encoded", tmp_path / "folder")
    ]
    assert np.array_equal(encoded[0].ids_P, encoded[1].ids_P)
