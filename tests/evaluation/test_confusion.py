"""Every wrong entity has its kind, and is counted once."""

from hypothesis import given

from job.evaluation.confusion import confusion, match_spans
from job.evaluation.scores import score_spans
from job.sentence import Span
from tests.evaluation.test_scores import TYPES, spans_of, split, two_taggings


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


def test_each_kind_of_error_has_its_name():
    """Correct, wrong type, wrong boundary, missed, spurious."""
    gold = (Span(0, 2, "PER"), Span(3, 5, "LOC"), Span(6, 9, "LOC"), Span(10, 11, "PER"))
    predicted = (Span(0, 2, "PER"), Span(3, 5, "PER"), Span(7, 9, "LOC"), Span(12, 13, "LOC"))
    kinds = [match.kind for match in match_spans(gold, predicted)]
    assert kinds == ["correct", "type", "boundary", "missed", "spurious"]


def test_an_entity_cut_in_two_is_one_boundary_error_and_one_spurious():
    """The gold entity is paired once."""
    matches = match_spans((Span(0, 6, "LOC"),), (Span(0, 2, "LOC"), Span(3, 6, "LOC")))
    assert [match.kind for match in matches] == ["boundary", "spurious"]


def test_overlap_of_another_type_is_a_miss_and_a_spurious():
    """A wrong boundary and a wrong type together are no pair."""
    matches = match_spans((Span(0, 6, "LOC"),), (Span(0, 2, "PER"),))
    assert sorted(match.kind for match in matches) == ["missed", "spurious"]


def test_entities_that_only_touch_do_not_overlap():
    """Ends are exclusive, on either side."""
    left, right = (Span(0, 2, "LOC"),), (Span(2, 4, "LOC"),)
    assert [match.kind for match in match_spans(left, right)] == ["missed", "spurious"]
    assert [match.kind for match in match_spans(right, left)] == ["spurious", "missed"]


def test_a_type_that_the_labels_lack_has_its_row():
    """A type of val that train lacks comes after the others."""
    gold = [(Span(0, 1, "NEW"), Span(2, 3, "PER"))]
    assert confusion(gold, [()], ("PER",)).types == ("PER", "NEW")
