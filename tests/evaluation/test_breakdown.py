"""The breakdown of a split: each part has its own figures, and the parts add up to the whole."""

from hypothesis import given

from job.evaluation.breakdown import LONGEST_MENTION, Mistake, break_down
from job.evaluation.results import SplitResult
from job.evaluation.scores import Counts, score_spans
from job.sentence import Sentence, Span
from tests.evaluation.test_report import result
from tests.evaluation.test_scores import TYPES, spans_of, split, two_taggings


def of(rows, train=None, types=("PER", "LOC")):
    return break_down(result("val", rows, types=types), types, train)


@given(two_taggings)
def test_the_parts_add_up_to_the_micro_counts(taggings):
    """By length as well as by seen or unseen, whatever the tags; and each error has one kind."""
    gold, predicted = ([spans_of(tags) for tags in side] for side in split(taggings))
    texts = ["가나다라마바사아자차카타파하" * 4] * len(gold)
    sentences = [Sentence(t, tuple(g), n) for n, (t, g) in enumerate(zip(texts, gold, strict=True))]
    scores = score_spans(gold, predicted, TYPES)
    tagged = [tuple(spans) for spans in predicted]
    whole = SplitResult("val", sentences, tagged, scores, scores, 0.0, {})
    parts = break_down(whole, tuple(TYPES), frozenset({("가", TYPES[0]), ("나다", TYPES[0])}))
    for counts in (parts.by_length, parts.by_novelty):
        assert sum(counts.values(), Counts()) == scores.micro
    matches = parts.kinds["type"] + parts.kinds["boundary"]
    assert matches + parts.kinds["missed"] == scores.micro.gold - scores.micro.true_positive
    assert matches + parts.kinds["spurious"] == (
        scores.micro.predicted - scores.micro.true_positive
    )
    wrong = sum(set(g) != set(p) for g, p in zip(gold, predicted, strict=True))
    assert parts.wrong_sentences == wrong


def test_a_mistake_is_counted_by_mention_and_types_the_commonest_first():
    """One that occurs once is not frequent; where the mention differs both are kept."""
    missed = ("서울에", [Span(0, 2, "LOC")], [])
    confused = ("서울은", [Span(0, 2, "LOC")], [Span(0, 2, "PER")])
    longer = ("서울시는", [Span(0, 3, "LOC")], [Span(0, 2, "LOC")])
    once = ("부산은", [], [Span(0, 2, "LOC")])
    mistakes = of([confused, missed, missed, longer, longer, longer, confused, once]).mistakes
    assert mistakes == [
        (Mistake(("서울시", "LOC"), ("서울", "LOC")), 3),
        (Mistake(("서울", "LOC"), None), 2),
        (Mistake(("서울", "LOC"), ("서울", "PER")), 2),
    ]


def test_a_long_mention_is_cut():
    """A frequent mistake stays a row of a table."""
    [(mistake, _)] = of([("가" * 500, [Span(0, 400, "LOC")], [])] * 2).mistakes
    assert mistake.gold == ("가" * (LONGEST_MENTION - 1) + "…", "LOC")


def test_a_mention_was_seen_only_with_its_type():
    """Gold and predicted entities alike; without train there is no such part."""
    rows = [
        ("서울 부산", [Span(0, 2, "LOC"), Span(3, 5, "LOC")], [Span(0, 2, "LOC")]),
        ("서울 부산", [Span(0, 2, "PER")], [Span(3, 5, "PER")]),
    ]
    parts = of(rows, frozenset({("서울", "LOC"), ("부산", "PER")}))
    assert parts.by_novelty == {"seen": Counts(1, 2, 1), "unseen": Counts(0, 0, 2)}
    assert of(rows).by_novelty == {}
    assert of(rows, frozenset()).by_novelty["unseen"] == Counts(1, 2, 3)


def test_lengths_fall_into_ranges_that_say_their_bounds():
    """Both bounds belong to the range; the last has none."""
    rows = [("가" * 40, [Span(0, length, "LOC")], []) for length in (1, 2, 3, 4, 5, 6, 9, 10, 40)]
    counted = {name: counts.gold for name, counts in of(rows).by_length.items()}
    assert counted == {"1": 1, "2": 1, "3": 1, "4–5": 2, "6–9": 2, "10+": 2}
