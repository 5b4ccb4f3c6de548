"""The likeliest valid tags of sentences, against every sequence tried one by one."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.encoding import valid_tags
from job.encoding.labels import OUTSIDE_ID
from job.encoding.valid_tags import valid_labels


def is_valid(labels, types):
    """IOB2: an inside tag follows a begin or inside tag of its type."""
    return all(
        label <= types or before in (label, label - types)
        for before, label in itertools.pairwise((0, *labels))
    )


def best_score(logits, types):
    """The highest sum of a valid sequence, by trying all of them."""
    sequences = itertools.product(range(logits.shape[1]), repeat=len(logits))
    rows = np.arange(len(logits))
    return max(logits[rows, list(s)].sum() for s in sequences if is_valid(s, types))


@st.composite
def batches(draw):
    """Sentences of up to four wordpieces with logits that often tie."""
    types = draw(st.integers(1, 2))
    lengths = draw(st.lists(st.integers(0, 4), min_size=1, max_size=5))
    count = sum(lengths) * (2 * types + 1)
    values = draw(st.lists(st.integers(-3, 3), min_size=count, max_size=count))
    logits = np.array(values, np.float32).reshape(-1, 2 * types + 1)
    return types, np.cumsum([0, *lengths]), logits


@given(batches())
def test_no_valid_sequence_is_likelier(batch):
    """Every sentence's tags are valid, and sum up to the best that there is."""
    types, starts, logits = batch
    found = valid_labels(logits, starts).astype(int) - OUTSIDE_ID
    for first, last in itertools.pairwise(starts):
        here = logits[first:last].astype(np.float64)
        labels = found[first:last]
        assert is_valid(labels, types)
        assert here[np.arange(len(labels)), labels].sum() == best_score(here, types)


@given(batches(), st.integers(1, 40))
def test_sentences_do_not_depend_on_each_other(batch, at_once):
    """Alone, together, or in groups of another size: the same labels."""
    _, starts, logits = batch
    whole = valid_labels(logits, starts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(valid_tags, "AT_ONCE", at_once)
        assert valid_labels(logits, starts).tolist() == whole.tolist()
    for first, last in itertools.pairwise(starts):
        alone = valid_labels(logits[first:last], np.array([0, last - first]))
        assert alone.tolist() == whole[first:last].tolist()


def test_valid_tags_stay_as_they_are():
    """Where the likeliest label of each wordpiece is allowed, it is taken; of equals O, then B."""
    logits = np.array([[0, 1, 1], [2, 2, 2], [0, 3, 1], [0, 1, 3]], np.float32)
    assert (valid_labels(logits, np.array([0, 4])) - OUTSIDE_ID).tolist() == [1, 0, 1, 2]


def test_an_inside_tag_alone_becomes_the_likelier_of_its_ways_out():
    """I-X after O: X begins where that is likely, else there is none."""
    begins = np.array([[0, -9, -9], [1, 2, 3]], np.float32)
    none = np.array([[0, -9, -9], [2, 1, 3]], np.float32)
    starts = np.array([0, 2])
    assert (valid_labels(begins, starts) - OUTSIDE_ID).tolist() == [0, 1]
    assert (valid_labels(none, starts) - OUTSIDE_ID).tolist() == [0, 0]


def test_of_equally_likely_sequences_the_lower_labels_win():
    """From the last wordpiece on: before I the lower is B, on any machine."""
    logits = np.array([[0, 4, 5], [-9, 1, 1], [0, 0, 3]], np.float32)
    assert (valid_labels(logits, np.array([0, 3])) - OUTSIDE_ID).tolist() == [1, 1, 2]


def test_a_corpus_without_types_has_no_entity():
    """One label: O."""
    assert valid_labels(np.zeros((3, 1), np.float32), np.array([0, 3])).tolist() == [OUTSIDE_ID] * 3
