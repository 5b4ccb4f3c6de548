"""Tags of units: where an entity begins, goes on and ends, also where a file's tags are odd."""

from collections import Counter

import pytest

from job.corpus.formats.bio_tags import (
    CHARACTERS,
    OPENED_BY_INSIDE,
    WORDS,
    choose_joiner,
    read_tags,
    read_units,
)


def entities(tags: str) -> list[str]:
    """The entities of units `a`, `b`, … with these tags, and how many I- opened."""
    words, noted = tags.split(), Counter()
    units = [chr(ord("a") + i) for i in range(len(words))]
    meaning = read_tags(words)
    text, spans = read_units(units, [meaning[w] for w in words], None, CHARACTERS, noted)
    found = [f"{text[start:end]}:{type_}" for start, end, type_ in spans]
    return found + ["opened by I"] * noted[OPENED_BY_INSIDE]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("B-PS I-PS O", ["ab:PS"]),
        ("B-PS B-PS", ["a:PS", "b:PS"]),
        ("B-PS I-LC", ["a:PS", "b:LC", "opened by I"]),
        ("B-PS I I-PS I", ["abcd:PS"]),
        # BIOES and BILOU; M is I.
        ("S-PS S-PS", ["a:PS", "b:PS"]),
        ("U-PS U-PS", ["a:PS", "b:PS"]),
        ("B-PS M-PS E-PS O", ["abc:PS"]),
        ("B-PS I-PS L-PS O", ["abc:PS"]),
        # What follows a unit that is whole is no part of it, and what opens goes on with nothing.
        ("B-PS S-PS", ["a:PS", "b:PS"]),
        ("B-PS U-PS", ["a:PS", "b:PS"]),
        ("S-PS I-PS", ["a:PS", "b:PS", "opened by I"]),
        ("U-PS I-PS", ["a:PS", "b:PS", "opened by I"]),
        ("B-PS E-PS I-PS", ["ab:PS", "c:PS", "opened by I"]),
        ("B-PS L-PS I-PS", ["ab:PS", "c:PS", "opened by I"]),
    ],
)
def test_each_letter_opens_goes_on_or_closes(tags, expected):
    """Whatever letter comes before it."""
    assert entities(tags) == expected


@pytest.mark.parametrize(
    ("sentences", "joiner"),
    [
        ([["가", "나", " ", "다"], ["라", "마"]], CHARACTERS),
        ([["홍길동은", "갔다"], ["나는", "왔다"], ["비가", " ", "왔다"]], WORDS),
        ([["홍길동", "은", " ", "갔다"], ["나는", " ", "왔다"], ["비가", "왔다"]], CHARACTERS),
    ],
)
def test_most_sentences_say_how_units_are_joined(sentences, joiner):
    """One blank that stands for a unit joins no words of the other sentences."""
    assert choose_joiner(sentences) == joiner
