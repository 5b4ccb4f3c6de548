"""What is wrong with a corpus is counted, told with its places, or refused."""

import pytest

from job.errors import DataError
from tests.support.small_corpus import TRAIN, VAL, digest, texts


def test_a_few_rejected_lines_are_warned_of_by_reason_with_their_places(load, write, caplog):
    """A warning for each reason: its count, the first places, the first detail."""
    bad = "그냥 글\n" * 4 + "가␞나\n"
    folder = write(train__txt=TRAIN + bad, val__txt=VAL)
    corpus = load(max_rejected_ratio=0.2)
    assert [row.line for row in corpus.train.rejected] == [41, 42, 43, 44, 45]
    [first, second] = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    path = folder / "train.txt"
    assert f"4 × no ␞ in the line ({path}:41, {path}:42, {path}:43, …" in first
    assert f"1 × tagged text differs from the sentence ({path}:45; the first: `나` where" in second


def test_more_rejected_lines_than_allowed_stop_the_run(load, write):
    """The error has the count, the share, the limit and the first place."""
    write(train__txt=TRAIN + "그냥 글\n" * 3, val__txt=VAL)
    with pytest.raises(DataError) as raised:
        load()
    message = str(raised.value)
    assert "3 of 43 sentences were rejected (7.0%, MAX_REJECTED_RATIO=0.05)" in message
    assert "train.txt:41" in message


def test_a_corpus_of_rejected_lines_stops_the_run_whatever_is_allowed(load, write):
    """Even with MAX_REJECTED_RATIO=1."""
    write(train__txt="가␞나\n", val__txt=VAL)
    with pytest.raises(DataError, match="1 of 1 sentence was rejected"):
        load(max_rejected_ratio=1.0)


def test_an_empty_file_is_an_error(load, write):
    """The error names the file."""
    write(train__txt=TRAIN, val__txt="")
    with pytest.raises(DataError, match=r"val\.txt is empty"):
        load()


def test_a_corpus_without_an_entity_is_an_error(load, write):
    """Training on nothing but O is refused."""
    write(train__tsv="가\tO\n나\tO\n\n다\tO\n", val__txt=VAL)
    with pytest.raises(DataError, match=r"none of its 2 sentences has an entity \(all O\)"):
        load()


def test_one_sentence_is_a_corpus_with_a_note(load, write):
    """It trains, and a note for each such split says how little that is."""
    write(train__txt="김␞<김:PER>\n", val__txt="이␞<이:PER>\n")
    corpus = load()
    assert sum("one sentence only" in note for note in corpus.notes) == 2


def test_sentences_without_entities_are_kept_and_a_split_of_them_noted(load, write):
    """They are examples too; a val of nothing else is worth a note."""
    write(train__txt=TRAIN + "나는 갔다.␞나는 갔다.\n", val__txt="나도 갔다.␞나도 갔다.\n" * 2)
    corpus = load()
    assert corpus.train.sentences[-1].spans == ()
    assert any("val has no entity" in note for note in corpus.notes)


def test_texts_in_two_splits_are_counted(load, write):
    """A note for each pair of splits, with the count and the first two places."""
    write(train__txt=TRAIN, val__txt=VAL + TRAIN[: TRAIN.index("\n") + 1] * 2, test__txt=VAL)
    notes = load().notes
    assert any("2 of 4 sentences of val are in train too" in note for note in notes)
    assert any("val.txt:3" in note and "train.txt:1)" in note for note in notes)
    assert any("2 of 2 sentences of test are in val too" in note for note in notes)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_type_that_train_lacks_is_an_error_unless_allowed(load, write, split):
    """Of val or test; ALLOW_UNSEEN_LABELS keeps the spans and notes the type."""
    files = {"train__txt": TRAIN, "val__txt": VAL, "test__txt": VAL.replace("부산", "대전")}
    files[f"{split}__txt"] = files[f"{split}__txt"].replace(":LOC>", ":긴-유형>")
    write(**files)
    with pytest.raises(DataError, match=rf"{split} has entity types .*긴-유형 \(1 ×\).*txt:1\."):
        load()
    corpus = load(allow_unseen_labels=True)
    kept = getattr(corpus, split).sentences[0].spans
    assert kept[1].type == "긴-유형"
    assert any("긴-유형" in note for note in corpus.notes)


def test_splits_in_different_formats_are_noted(load, write):
    """They are read, each in its own."""
    write(train__txt=TRAIN, val__tsv="이순신은 B-PER\n갔다 O\n")
    assert any("read differently" in note for note in load().notes)


def test_head_keeps_the_first_sentences(load, write):
    """In their order, under the checksum of the whole file."""
    write(train__txt=TRAIN, val__txt=VAL)
    head = load().train.head(3)
    assert texts(head) == ["김0은 서울에 왔다.", "김1은 서울에 왔다.", "김2은 서울에 왔다."]
    assert head.sha256 == digest(TRAIN)
