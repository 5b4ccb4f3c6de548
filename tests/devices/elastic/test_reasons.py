"""The reason why a round ends: the first, for all."""

import pytest

from job.devices.elastic.place import Place
from job.devices.elastic.reasons import (
    LONGEST_SENTENCE,
    ElsewhereError,
    EndReason,
    Round,
    as_exception,
    listed,
)
from job.devices.elastic.store import open_store
from job.signals import Stopped


@pytest.fixture
def store():
    return open_store(Place())


def test_the_first_word_counts(store):
    """Whoever says it, and he is told so."""
    one, two = Round(store, 3), Round(store, 3)
    assert one.why() is None
    first = EndReason(65, "문장 7 is broken.", 1)
    assert one.say(first)
    assert not two.say(EndReason(70, "a later one"))
    assert two.why() == one.why() == first


def test_the_same_word_twice_is_heard(store):
    """Both then tell it: an end without its reason would be worse."""
    same = EndReason(143)
    assert Round(store, 0).say(same)
    assert Round(store, 0).why() == same


def test_rounds_have_their_own_words(store):
    """What ended one does not end the next."""
    assert Round(store, 0).say(EndReason(69, "killed"))
    assert Round(store, 1).why() is None
    assert Round(store, 1).key("here", 2) != Round(store, 11).key("here", 2)


def test_a_long_sentence_is_cut(store):
    """A store is for short words."""
    Round(store, 0).say(EndReason(70, "가" * 10_000))
    assert len(Round(store, 0).why().sentence) == LONGEST_SENTENCE


@pytest.mark.parametrize("code", [143, 130, 129])
def test_a_signal_is_told_as_the_same_signal(code):
    """The exit code of every machine is that of the one that got it."""
    stopped = as_exception(EndReason(code))
    assert isinstance(stopped, Stopped)
    assert stopped.exit_code == code


def test_an_error_keeps_its_sentence_and_its_code():
    """On machines that it did not happen on."""
    error = as_exception(EndReason(65, "Rank 1: train.txt:7 is broken."))
    assert isinstance(error, ElsewhereError)
    assert (error.exit_code, str(error)) == (65, "Rank 1: train.txt:7 is broken.")


@pytest.mark.parametrize("code", range(64, 79))
def test_only_what_may_pass_is_tried_again(code):
    """A machine or a service that was gone: not what the user has to mend."""
    assert EndReason(code).may_pass is (code in (69, 70, 74))


def test_a_done_run_and_a_signal_are_not_tried_again():
    """Neither is a failure."""
    assert not any(EndReason(code).may_pass for code in (0, 129, 130, 143))


def test_numbers_are_listed_as_one_would_say_them():
    """`Ranks 1, 2 and 5`."""
    assert listed([3], "Machine") == "Machine 3"
    assert listed([1, 2, 5], "Rank") == "Ranks 1, 2 and 5"
