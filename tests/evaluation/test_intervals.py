"""Intervals of F1: sentences are drawn, not entities, and nothing is promised that is not known."""

import random

import numpy as np
import pytest

from job.evaluation.intervals import FEWEST, f1_intervals
from job.evaluation.scores import score_spans
from job.sentence import Span

TYPES = ("PER", "LOC")


def taggings(sentences, entities=1, wrong_every=4, type_="PER"):
    """In each of `sentences` so many entities, all of them missed in every `wrong_every`-th."""
    gold = [tuple(Span(n, n + 1, type_) for n in range(entities))] * sentences
    return gold, [() if i % wrong_every == 0 else spans for i, spans in enumerate(gold)]


def width(interval):
    return interval.high - interval.low


def test_the_bounds_are_those_of_drawing_sentences_one_by_one():
    """Equal sentences are drawn together, which changes no bound by more than chance does."""
    generator = random.Random(3)
    gold, predicted = [], []
    for _ in range(150):
        spans = tuple(Span(n, n + 1, generator.choice(TYPES)) for n in range(3))
        gold.append(spans)
        predicted.append(tuple(span for span in spans if generator.random() < 0.7))
    drawn = []
    for _ in range(1000):
        chosen = generator.choices(range(150), k=150)
        sides = ([side[i] for i in chosen] for side in (gold, predicted))
        drawn.append(score_spans(*sides, TYPES))
    micro, per_type = f1_intervals(gold, predicted, TYPES)
    assert micro == pytest.approx(np.percentile([s.micro.f1 for s in drawn], [2.5, 97.5]), abs=0.01)
    of_loc = [scores.per_type["LOC"].f1 for scores in drawn]
    assert per_type["LOC"] == pytest.approx(np.percentile(of_loc, [2.5, 97.5]), abs=0.015)
    assert per_type["LOC"] != per_type["PER"]


def test_the_same_entities_in_fewer_sentences_are_less_certain():
    """Errors of one sentence come together: 40 sentences of ten are no 400 sentences of one."""
    few, _ = f1_intervals(*taggings(40, entities=10), TYPES)
    many, _ = f1_intervals(*taggings(400), TYPES)
    assert width(few) > 2 * width(many) > 0


def test_the_same_splits_have_the_same_bounds():
    """The draw is seeded: a report written twice is the same to the byte."""
    assert f1_intervals(*taggings(50), TYPES) == f1_intervals(*taggings(50), TYPES)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(([], []), id="no-sentence"),
        pytest.param(taggings(FEWEST - 1, wrong_every=2), id="few-sentences"),
        pytest.param(([(Span(0, 1, "PER"),)] * 50, [(Span(0, 1, "PER"),)] * 50), id="all-right"),
        pytest.param(([()] * 50, [()] * 50), id="no-entity"),
    ],
)
def test_an_interval_that_would_promise_too_much_is_none(case):
    """Of too few sentences, or where no resample differs."""
    assert f1_intervals(*case, TYPES) == (None, {"PER": None, "LOC": None})


def test_a_type_of_few_sentences_has_no_interval_though_all_together_have_one():
    """The sentences that hold the type count, not all of them."""
    gold, predicted = taggings(50)
    rare, found = taggings(FEWEST - 1, type_="LOC", wrong_every=2)
    micro, per_type = f1_intervals([*gold, *rare], [*predicted, *found], TYPES)
    assert micro
    assert per_type["PER"]
    assert per_type["LOC"] is None


@pytest.mark.parametrize(("sentences", "is_known"), [(9, False), (10, True)])
def test_ten_sentences_with_an_entity_are_enough(sentences, is_known):
    """Of fewer, an interval would promise more than is known."""
    gold = [(Span(0, 1, "PS"),)] * sentences
    predicted = [*gold[1:], ()]
    predicted[0] = ()
    micro, per_type = f1_intervals(gold, predicted, ("PS",))
    assert (micro is not None) is (per_type["PS"] is not None) is is_known
