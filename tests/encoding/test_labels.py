"""The tutorial's ids."""

import pytest

from job.encoding.labels import LabelMap
from job.errors import DataError
from job.sentence import Sentence, Span


def test_ids_follow_the_first_appearance_in_train():
    """[CLS] [SEP] [PAD] [MASK] O, then every B-, then every I-, in order of first appearance."""
    train = [
        Sentence("가나다라", (Span(0, 1, "PER"), Span(2, 3, "NOH"))),
        Sentence("가나다라", (Span(0, 1, "LOC"), Span(1, 2, "PER"))),
    ]
    label_map = LabelMap.from_sentences(train)
    assert label_map.to_text() == (
        "[CLS]\n[SEP]\n[PAD]\n[MASK]\nO\nB-PER\nB-NOH\nB-LOC\nI-PER\nI-NOH\nI-LOC\n"
    )


def test_ten_types_give_the_ids_of_the_tutorial():
    """With ten types B- begins at 5, I- at 15, and the last id is 24."""
    label_map = LabelMap(("PER", "LOC", "ORG", "DAT", "TIM", "DUR", "MNY", "PNT", "NOH", "POH"))
    assert label_map.labels.index("B-PER") == 5
    assert label_map.labels.index("I-PER") == 15
    assert len(label_map.labels) == 25


@pytest.mark.parametrize("types", [(), ("PER",), ("B-x", "한국어", "a b", "I-")])
def test_text_is_read_back(types):
    """label_map.txt gives the same map, whatever the types are called."""
    assert LabelMap.from_text(LabelMap(types).to_text()) == LabelMap(types)


@pytest.mark.parametrize(
    "text",
    ["", "O\nB-PER\nI-PER\n", "[CLS]\n[SEP]\n[PAD]\n[MASK]\nO\nB-PER\nI-LOC\n"],
)
def test_another_order_is_refused(text):
    """A label map that is not in the tutorial's order is refused by name."""
    with pytest.raises(DataError, match=r"label_map\.txt"):
        LabelMap.from_text(text)
