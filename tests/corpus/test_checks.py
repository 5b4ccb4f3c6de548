"""A corpus with a few faults is used without them; one with many is refused by file and line."""

from dataclasses import replace

import pytest

from job.corpus.checks import check_rejected, contradictions, without_unseen_types
from job.corpus.formats.recognise import Parsed
from job.corpus.formats.text_lines import Rejected
from job.corpus.shown import LONGEST_SHOWN, chosen, marked
from job.corpus.split import LONGEST_SENTENCE, Split, reject_oversized
from job.errors import DataError
from job.sentence import Sentence, Span


def split(name, *sentences, rejected=()):
    """Sentences given as (text, mention, type); no entity where the mention is empty."""
    found = []
    for line, (text, mention, type_) in enumerate(sentences, start=1):
        start = text.index(mention)
        spans = (Span(start, start + len(mention), type_),) if mention else ()
        found.append(Sentence(text, spans, line, f"{name}.txt"))
    return Split(name, f"{name}.txt", "columns", "0", tuple(found), tuple(rejected))


SEOUL = ("서울은 넓다", "서울", "LC")
HONG = ("홍길동은 갔다", "홍길동", "PS")
ODD = ("사자는 운다", "사자", "AN")


def test_so_many_rejected_sentences_as_are_allowed_are_allowed():
    """One of four is a quarter; of MAX_REJECTED_RATIO=0.24 it is too many."""
    some = split("train", *[SEOUL] * 3, rejected=[Rejected("broken", 4)])
    check_rejected(some, 0.25)
    with pytest.raises(DataError, match=r"1 of 4 sentences was rejected \(25.0%"):
        check_rejected(some, 0.24)


def test_a_sentence_may_have_so_many_characters():
    """One more, and it is a file without line breaks."""
    texts = ["가" * LONGEST_SENTENCE, "가" * (LONGEST_SENTENCE + 1)]
    found = tuple(Sentence(text, (), line) for line, text in enumerate(texts, start=1))
    parsed = reject_oversized(Parsed("columns", "", found, (), ()))
    assert [sentence.line for sentence in parsed.sentences] == [1]
    assert [rejected.line for rejected in parsed.rejected] == [2]


def test_a_split_is_known_by_its_texts_and_spans():
    """Another text, place or type is another digest; the name of the split is no part of it."""
    one = split("train", SEOUL)
    assert one.digest == split("val", SEOUL).digest
    for changed in (
        ("서울은 높다", "서울", "LC"),
        ("서울은 넓다", "서울은", "LC"),
        ("서울은 넓다", "서울", "OG"),
    ):
        assert split("train", changed).digest != one.digest


def test_a_few_sentences_with_an_unseen_type_are_rejected_by_line():
    """One of twenty entities: the sentence goes, the others stay, and the note names the type."""
    splits = {"train": split("train", SEOUL), "val": split("val", ODD, *[SEOUL] * 19)}
    kept, notes = without_unseen_types(splits, False, 0.05)
    assert [s.text for s in kept["val"].sentences] == [SEOUL[0]] * 19
    assert kept["val"].rejected == (Rejected("an entity type that train lacks", 1, "AN"),)
    assert "AN (1 ×); val.txt:1" in notes[0]
    assert kept["train"] is splits["train"]


def test_more_than_a_few_are_refused_with_both_ways_out():
    """Two of twenty entities are no slip; all such types count together."""
    other = ("토끼는 뛴다", "토끼", "RB")
    splits = {"train": split("train", SEOUL), "val": split("val", ODD, other, *[SEOUL] * 18)}
    with pytest.raises(DataError) as refused:
        without_unseen_types(splits, False, 0.05)
    for words in ("AN (1 ×)", "RB (1 ×)", "2 of its 20 entities", "ALLOW_UNSEEN_LABELS=true"):
        assert words in str(refused.value)
    without_unseen_types(splits, False, 0.1)


def test_allowed_types_stay_and_count_as_missed():
    """Nothing is rejected where ALLOW_UNSEEN_LABELS is set, however many there are."""
    splits = {"train": split("train", SEOUL), "val": split("val", ODD)}
    kept, notes = without_unseen_types(splits, True, 0)
    assert kept == splits
    assert "count as missed" in notes[0]


def test_an_unseen_type_is_found_where_all_sentences_share_a_line():
    """A JSON array may stand in one line: only the sentence with the type goes, wherever it is."""
    for place in (0, 7, 19):
        rows = [SEOUL] * 19
        rows.insert(place, ODD)
        val = split("val", *rows)
        val = replace(val, sentences=tuple(replace(s, line=1) for s in val.sentences))
        kept, notes = without_unseen_types({"train": split("train", SEOUL), "val": val}, False, 0.1)
        assert [s.text for s in kept["val"].sentences] == [SEOUL[0]] * 19
        assert kept["val"].rejected == (Rejected("an entity type that train lacks", 1, "AN"),)
        assert "Rejected with them: 1 sentence." in notes[0]


class Compared(tuple):
    """Spans that count how often they are compared."""

    __hash__ = tuple.__hash__
    times = 0

    def __eq__(self, other):
        Compared.times += 1
        return tuple.__eq__(self, other)

    def __ne__(self, other):
        Compared.times += 1
        return tuple.__ne__(self, other)


def test_one_text_said_very_often_is_compared_once_a_row():
    """3,000 times the same answer and one that differs: the answers are compared, not the rows."""
    train = split("train", *[(SEOUL[0], "", "")] * 3_000, SEOUL)
    sentences = tuple(replace(s, spans=Compared(s.spans)) for s in train.sentences)
    Compared.times = 0
    [note] = contradictions({"train": replace(train, sentences=sentences)}, 1.0)
    assert 3_000 <= Compared.times <= 5 * 3_001
    assert "3001 of 3001" in note
    assert "train.txt:1 and train.txt:3001" in note


def test_equal_texts_with_other_entities_are_shown_by_both_lines():
    """Within a split and across; equal texts with equal entities contradict nothing."""
    missed = (SEOUL[0], "", "")
    splits = {
        "train": split("train", SEOUL, HONG, missed, SEOUL),
        "val": split("val", HONG, (HONG[0], "홍길동", "LC")),
    }
    notes = contradictions(splits, 1.0)
    assert "3 of 4 sentences of train" in notes[0]
    assert "train.txt:1 and train.txt:3" in notes[0]
    assert "2 of 2 sentences of val" in notes[1]
    assert "val.txt:1 and val.txt:2" in notes[1]
    assert "val.txt:2 and train.txt:2" in notes[2]
    assert len(notes) == 3


def test_many_contradictions_are_refused():
    """Two annotators' exports in one file: nobody knows which of them is right."""
    splits = {"train": split("train", SEOUL, (SEOUL[0], "", ""), *[HONG] * 7)}
    assert len(contradictions(splits, 0.25)) == 1
    with pytest.raises(DataError, match=r"2 of 9 sentences of train .*train.txt:1 and train.txt:2"):
        contradictions(splits, 0.2)


def test_the_digest_is_of_what_was_read_and_of_nothing_else():
    """Text, bounds, type and order change it; path, format, bytes and rejected lines do not."""
    base = split("train", SEOUL, HONG)
    assert base.digest == split("val", SEOUL, HONG, rejected=[Rejected("odd", 3)]).digest
    others = [
        split("train", HONG, SEOUL),
        split("train", SEOUL),
        split("train", SEOUL, (HONG[0], "홍길", "PS")),
        split("train", SEOUL, (HONG[0], "홍길동", "PS2")),
        split("train", SEOUL, (HONG[0] + " ", "홍길동", "PS")),
        split("train", SEOUL, (HONG[0], "", "")),
    ]
    assert len({base.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_shown_sentences_have_the_most_types():
    """Each type is seen before any is seen twice."""
    plain = ("비가 온다", "", "")
    sentences = split("train", plain, SEOUL, SEOUL, plain, HONG, ODD).sentences
    assert [s.line for s in chosen(sentences, 3)] == [2, 5, 6]
    assert len(chosen(sentences, 100)) == 6
    assert chosen(sentences, 0) == []


def test_a_sentence_is_shown_in_the_tutorials_markup():
    """Mentions in place, and what would move the cursor as an escape."""
    sentence = Sentence("홍길동은\t서울\u200b로", (Span(0, 3, "PS"), Span(5, 7, "LC")), 1)
    assert marked(sentence) == "<홍길동:PS>은\\t<서울:LC>\\u200b로"


@pytest.mark.parametrize("start", [0, 10, 190, 500, 980])
@pytest.mark.parametrize("length", [1, 20, 400])
def test_a_long_sentence_is_cut_around_its_first_mention(start, length):
    """At most 200 characters, and the markup of the mention is whole."""
    text = "가" * start + "나" * length + "다" * 1000
    shown = marked(Sentence(text, (Span(start, start + length, "PS"),), 1))
    assert len(shown) <= LONGEST_SHOWN
    assert "<나" in shown
    assert ":PS>" in shown
    assert shown.endswith("…")


def test_a_mention_that_does_not_fit_any_more_is_left_out_whole():
    """No half of a markup is shown."""
    spans = tuple(Span(i, i + 5, "ORGANIZATION") for i in range(0, 300, 10))
    shown = marked(Sentence("가나다라마바사아자차" * 30, spans, 1))
    assert len(shown) <= LONGEST_SHOWN
    assert shown.count("<") == shown.count(":ORGANIZATION>")


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("가" * 30 + "\u200b" * 300, (0, 3, "PS")),
        ("가" * 3 + "\u200b" * 300 + "가", (0, 304, "PS")),
        ("가나", (0, 1, "T" * 500)),
        ("\u202e" * 39 + "가", (39, 40, "PS")),
    ],
)
def test_what_is_escaped_or_long_is_shown_in_200_characters_all_the_same(text, span):
    """An escape takes up to ten characters, and a type may be of any length."""
    shown = marked(Sentence(text, (Span(*span),), 1))
    assert len(shown) <= LONGEST_SHOWN
    assert shown.isprintable()
    assert len(shown) > 40


def test_marks_that_turn_the_line_around_are_escaped():
    """Isolates and the Arabic letter mark reverse what a terminal shows after them."""
    shown = marked(Sentence("\u2066가\u2069나\u061c다\u2060", (), 1))
    assert shown == "\\u2066가\\u2069나\\u061c다\\u2060"


class Counted(list):
    """Sentences that count how often one is looked at."""

    looks = 0

    def __getitem__(self, i):
        self.looks += 1
        return super().__getitem__(i)


def test_the_sentences_to_show_are_found_in_few_looks():
    """A hundred of 10,000, whose types take fifty of them: no look at all of them for each."""
    sentences = Counted(
        Sentence("가나다라" * (i % 30 + 1), (Span(0, 1, f"T{i % 50}"),), i) for i in range(10_000)
    )
    found = chosen(sentences, 100)
    assert 10_000 <= sentences.looks <= 5 * 10_000
    assert len({s.line for s in found}) == 100
    assert len({s.spans[0].type for s in found}) == 50
