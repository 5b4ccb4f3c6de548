"""Counts of entities: what is right, what is confused with what, and that sums are sums."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2

from job.encoding.labels import LabelMap
from job.encoding.spans import piece_spans
from job.evaluation.scores import Counts, confusion, match_spans, score_spans
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


@settings(deadline=None)  # a busy machine is not a wrong count
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


@settings(deadline=None)
@given(two_taggings)
def test_confusion_counts_every_span_once(taggings):
    """Rows add up to gold, columns to predicted, the diagonal to the true positives."""
    gold, predicted = ([spans_of(tags) for tags in side] for side in split(taggings))
    table = confusion(gold, predicted, TYPES)
    for type_, counts in score_spans(gold, predicted, TYPES).per_type.items():
        row = sum(table.same_bounds[type_, other] for other in TYPES)
        column = sum(table.same_bounds[other, type_] for other in TYPES)
        assert row + table.boundary[type_] + table.missed[type_] == counts.gold
        assert column + table.boundary[type_] + table.spurious[type_] == counts.predicted
        assert table.same_bounds[type_, type_] == counts.true_positive


@settings(deadline=None)
@given(two_taggings, two_taggings)
def test_counts_of_two_ranks_add_up(first, second):
    """Scores and confusion of two halves, added, are those of the whole."""
    halves = [
        [[spans_of(tags) for tags in side] for side in split(taggings)]
        for taggings in (first, second)
    ]
    whole = [a + b for a, b in zip(*halves, strict=True)]
    assert score_spans(*halves[0], TYPES) + score_spans(*halves[1], TYPES) == score_spans(
        *whole, TYPES
    )
    assert confusion(*halves[0], TYPES) + confusion(*halves[1], TYPES) == confusion(*whole, TYPES)


def test_a_span_is_right_only_when_start_end_and_type_are_equal():
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


def test_each_kind_of_error_has_its_name():
    gold = (Span(0, 2, "PER"), Span(3, 5, "LOC"), Span(6, 9, "LOC"), Span(10, 11, "PER"))
    predicted = (Span(0, 2, "PER"), Span(3, 5, "PER"), Span(7, 9, "LOC"), Span(12, 13, "LOC"))
    kinds = [match.kind for match in match_spans(gold, predicted)]
    assert kinds == ["correct", "type", "boundary", "missed", "spurious"]


def test_an_entity_cut_in_two_is_one_boundary_error_and_one_spurious():
    matches = match_spans((Span(0, 6, "LOC"),), (Span(0, 2, "LOC"), Span(3, 6, "LOC")))
    assert [match.kind for match in matches] == ["boundary", "spurious"]


def test_overlap_of_another_type_is_a_miss_and_a_spurious():
    matches = match_spans((Span(0, 6, "LOC"),), (Span(0, 2, "PER"),))
    assert sorted(match.kind for match in matches) == ["missed", "spurious"]


def test_entities_that_only_touch_do_not_overlap():
    left, right = (Span(0, 2, "LOC"),), (Span(2, 4, "LOC"),)
    assert [match.kind for match in match_spans(left, right)] == ["missed", "spurious"]
    assert [match.kind for match in match_spans(right, left)] == ["spurious", "missed"]


def test_nothing_predicted_and_nothing_in_gold_score_zero():
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
    assert confusion(gold, [()], ("PER",)).types == ("PER", "NEW")


def test_predictions_for_another_number_of_sentences_are_refused():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        score_spans([(), ()], [()], TYPES)
