"""Counts of entities: strict, as seqeval counts them."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2

from job.encoding.labels import LabelMap
from job.encoding.spans import piece_spans
from job.evaluation.scores import Counts, score_spans
from job.sentence import Span

TYPES = ("PER", "LOC", "T-1")
TAGS = ["O", *(f"{prefix}-{type_}" for type_ in TYPES for prefix in "BI")]

two_taggings = st.lists(
    st.lists(st.tuples(st.sampled_from(TAGS), st.sampled_from(TAGS)), min_size=1, max_size=12),
    min_size=1,
    max_size=5,
)


def spans_of(tags):
    """B- opens, I- of the same type continues, anything else closes."""
    spans, start = [], None
    for i, tag in enumerate([*tags, "O"]):
        if start is not None and tag != f"I-{tags[start][2:]}":
            spans.append(Span(start, i, tags[start][2:]))
            start = None
        if tag.startswith("B-"):
            start = i
    return tuple(spans)


def test_an_entity_that_is_given_twice_counts_once():
    """In gold as in what was predicted."""
    once, twice = [[Span(0, 2, "PER")]], [[Span(0, 2, "PER")] * 2]
    assert score_spans(twice, once, TYPES) == score_spans(once, twice, TYPES)
    assert score_spans(twice, twice, TYPES).micro == Counts(1, 1, 1)


def decoded(taggings):
    """The same by the job's own decoding of label ids, all sentences in one array."""
    label_map = LabelMap(TYPES)
    ids = [label_map.labels.index(tag) for tags in taggings for tag in tags]
    starts = np.cumsum([0, *map(len, taggings)])
    flat = SimpleNamespace(sentence_starts=starts, sentence_count=len(taggings))
    return piece_spans(np.array(ids, np.int16), flat, label_map)


def split(taggings):
    gold = [[gold for gold, _ in sentence] for sentence in taggings]
    predicted = [[predicted for _, predicted in sentence] for sentence in taggings]
    return gold, predicted


@given(two_taggings)
def test_scores_equal_seqeval_strict_iob2(taggings):
    """Decoded wordpieces score as seqeval scores their tags: by type, micro, macro rescaled."""
    gold, predicted = split(taggings)
    scores = score_spans(decoded(gold), decoded(predicted), TYPES)

    def seqeval(average):
        return precision_recall_fscore_support(
            gold, predicted, average=average, scheme=IOB2, zero_division=0
        )

    present = sorted(t for t, c in scores.per_type.items() if c.gold or c.predicted)
    for type_, *expected in zip(present, *seqeval(None), strict=True):
        counts = scores.per_type[type_]
        assert (counts.precision, counts.recall, counts.f1, counts.gold) == pytest.approx(expected)
    if present:
        micro = scores.micro
        assert (micro.precision, micro.recall, micro.f1) == pytest.approx(seqeval("micro")[:3])
        in_gold = sum(counts.gold > 0 for counts in scores.per_type.values())
        macro = seqeval("macro")[2]
        assert scores.macro_f1 * in_gold == pytest.approx(macro * len(present))
        if in_gold == len(present):
            assert scores.macro_f1 == pytest.approx(macro)
    assert list(scores.per_type) == list(TYPES)


def test_a_span_is_right_only_when_start_end_and_type_are_equal():
    """Half right counts as wrong, and macro F1 is over the types in gold."""
    gold = [(Span(0, 2, "PER"), Span(5, 7, "LOC"), Span(8, 9, "LOC"))]
    predicted = [(Span(0, 2, "PER"), Span(5, 8, "LOC"), Span(8, 9, "PER"))]
    scores = score_spans(gold, predicted, TYPES)
    assert scores.per_type == {
        "PER": Counts(1, 2, 1),
        "LOC": Counts(0, 1, 2),
        "T-1": Counts(0, 0, 0),
    }
    assert scores.micro == Counts(1, 3, 3)
    assert scores.micro.f1 == pytest.approx(1 / 3)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0) / 2)  # T-1 is not in gold


def test_nothing_predicted_and_nothing_in_gold_score_zero():
    """Not undefined: an empty split, no type and no prediction have numbers, too."""
    empty = score_spans([()], [()], TYPES)
    assert (empty.micro.precision, empty.micro.recall, empty.micro.f1) == (0.0, 0.0, 0.0)
    assert empty.macro_f1 == 0.0
    assert score_spans([], [], ()).micro == Counts()
    assert score_spans([(Span(0, 1, "PER"),)], [()], TYPES).micro == Counts(0, 0, 1)


def test_a_type_that_the_labels_lack_counts_as_missed():
    """A type of val that train lacks must not vanish from recall."""
    gold = [(Span(0, 1, "NEW"), Span(2, 3, "PER"))]
    scores = score_spans(gold, [(Span(2, 3, "PER"),)], ("PER",))
    assert scores.per_type == {"PER": Counts(1, 1, 1), "NEW": Counts(0, 0, 1)}


def test_predictions_for_another_number_of_sentences_are_refused():
    """They would be compared with the wrong sentences."""
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        score_spans([(), ()], [()], TYPES)
