"""A column is the text, or the tag, only where it can be; what cannot be told is refused."""

import re

import pytest

from job.errors import DataError
from job.settings.settings import Settings
from job.training.preparation import read_corpus
from tests.support.parsing import parse

# Words of four sentences: form, lemma, part of speech, tag.
SENTENCES = [
    [
        ("홍길동", "홍길동", "NNP", "B-PS"),
        ("씨는", "씨", "NNB+JX", "O"),
        ("서울", "서울", "NNP", "B-LC"),
        ("역에", "역", "NNG+JKB", "I-LC"),
        ("갔다.", "가다", "VV+EP+EF", "O"),
    ],
    [("비가", "비", "NNG+JKS", "O"), ("왔다.", "오다", "VV+EP+EF", "O")],
    [
        ("2020년", "2020년", "SN+NNB", "B-DT"),
        ("서울은", "서울", "NNP+JX", "B-LC"),
        ("더웠다.", "덥다", "VA+EP+EF", "O"),
    ],
    [("김", "김", "NNP", "B-PS"), ("씨", "씨", "NNB", "O"), ("왔다", "오다", "VV", "O")],
]
TEXTS = [" ".join(row[0] for row in rows) for rows in SENTENCES]
MENTIONS = [
    [("홍길동", "PS"), ("서울 역에", "LC")],
    [],
    [("2020년", "DT"), ("서울은", "LC")],
    [("김", "PS")],
]


def read(content, **fields):
    return parse(content.encode(), "f.tsv", fields=fields)


def mentions(parsed):
    return [[(s.text[a:b], type_) for a, b, type_ in s.spans] for s in parsed.sentences]


def rejected(parsed):
    return [(row.reason, row.line) for row in parsed.rejected]


def write(row, comment=None):
    """Each word as the columns that `row(sentence, word, form, lemma, speech, tag)` gives."""
    blocks = []
    for n, rows in enumerate(SENTENCES, start=1):
        lines = [] if comment is None else [comment.format(n, TEXTS[n - 1])]
        lines += ["\t".join(row(n, i, *word)) for i, word in enumerate(rows, start=1)]
        blocks.append("\n".join(lines) + "\n\n")
    return "".join(blocks)


READ = {
    "a unit and its tag": (lambda n, i, w, m, p, t: (w, t), 1, ""),
    "a running number": (lambda n, i, w, m, p, t: (str(i), w, t), 2, "running number"),
    "one that starts at 0": (lambda n, i, w, m, p, t: (str(i - 1), w, t), 2, "running number"),
    "the sentence's number": (lambda n, i, w, m, p, t: (str(n), w, t), 2, "sentence's number"),
    "the sentence's name": (lambda n, i, w, m, p, t: (f"doc_s{n}", w, t), 2, "sentence's number"),
    "its name behind the word": (lambda n, i, w, m, p, t: (w, f"s{n}", t), 1, "sentence's number"),
    "a speaker": (lambda n, i, w, m, p, t: ("AB"[n % 2], w, t), 2, "sentence's number or name"),
    "sentence and word": (lambda n, i, w, m, p, t: (f"{n}-{i}", w, t), 2, "numbers"),
    "names that count": (lambda n, i, w, m, p, t: (f"d1.s{n}.w{i}", w, t), 2, "numbers"),
    "offsets": (lambda n, i, w, m, p, t: (str(9 * i), str(9 * i + 4), w, t), 3, "numbers"),
    "offsets in one": (lambda n, i, w, m, p, t: (w, f"{9 * i}:{9 * i + 4}", t), 1, "numbers"),
    "speech before": (lambda n, i, w, m, p, t: (p, w, t), 2, "column 1 parts of speech"),
    "speech behind": (lambda n, i, w, m, p, t: (w, p, t), 1, "column 2 parts of speech"),
    "speech of UD": (lambda n, i, w, m, p, t: (w, "NOUN" if i % 2 else "VERB", t), 1, "speech"),
    "unknown codes": (lambda n, i, w, m, p, t: (w, "ncn" if i % 2 else "jco", t), 1, ""),
    "chunks before": (lambda n, i, w, m, p, t: (w, p, "B-NP" if i % 2 else "B-VP", t), 1, "chunk"),
    "chunks behind": (lambda n, i, w, m, p, t: (w, p, t, "B-NP" if i % 2 else "O"), 1, "chunk"),
    "the tags twice": (lambda n, i, w, m, p, t: (w, t, t), 1, "column 2 the same tags again"),
    "the word twice": (lambda n, i, w, m, p, t: (w, w, t), 1, ""),
    "an empty column": (lambda n, i, w, m, p, t: ("_", w, t), 2, "the same in every row"),
    "CoNLL-U": (
        lambda n, i, w, m, p, t: (str(i), w, "_", "NOUN", p, "_", str(2 * i % 5), "root", "_", t),
        2,
        "column 1 a running number, column 3 the same in every row",
    ),
    "a language's code": (lambda n, i, w, m, p, t: (f"ko:{w}", t), 1, "without the `ko:`"),
    "blanks behind the tag": (lambda n, i, w, m, p, t: (w, f"{t} \t "), 1, ""),
    "blanks behind a second": (lambda n, i, w, m, p, t: (w, f"{t} ", f"{t}\t"), 1, "the same"),
}


@pytest.mark.parametrize("name", READ)
def test_the_column_that_can_be_the_text_is_read_and_said(name):
    """Numbers, names of sentences, parts of speech and chunks are none."""
    row, column, role = READ[name]
    parsed = read(write(row))
    assert not parsed.rejected
    assert [sentence.text for sentence in parsed.sentences] == TEXTS
    assert mentions(parsed) == MENTIONS
    assert f"the text in column {column}" in parsed.format
    assert role in parsed.format


REFUSED = {
    "lemmas beside forms": (lambda n, i, w, m, p, t: (w, m, t), "columns 1 and 2 can each be"),
    "nothing but numbers": (lambda n, i, w, m, p, t: (str(i), str(n), t), "no column can be the"),
    "a running number": (lambda n, i, w, m, p, t: (str(i), t), "holds a running number"),
    "sentence numbers": (lambda n, i, w, m, p, t: (str(n), t), "holds the sentence's number"),
    "parts of speech": (lambda n, i, w, m, p, t: (p, t), "holds parts of speech"),
    "words' numbers": (lambda n, i, w, m, p, t: (str((i + 1) // 2), w, t), "numbers the words"),
    "two tags": (lambda n, i, w, m, p, t: (w, t, "O"), "columns 2 and 3 hold different tags"),
    "nested tags": (lambda n, i, w, m, p, t: (w, "O", t), "columns 2 and 3 hold different tags"),
    "tags or `_`": (lambda n, i, w, m, p, t: (w, t.replace("O", "_"), t), "different tags"),
    "tags, then `-`": (lambda n, i, w, m, p, t: (w, t, "-"), "different tags"),
    "segments": (lambda n, i, w, m, p, t: (w, f"B-{p}", t), "different tags"),
    "chunks alone": (lambda n, i, w, m, p, t: (w, "B-NP" if i % 2 else "B-VP"), "chunk names"),
    "two languages": (lambda n, i, w, m, p, t: (f"{'ko' if i % 2 else 'en'}:{w}", t), "`en:` or"),
    "word and speech": (lambda n, i, w, m, p, t: (f"{w}/{p}", t), "carry their part of speech"),
    "wordpieces": (lambda n, i, w, m, p, t: ("##" * (i > 1) + w, t), "are wordpieces"),
    "spacing": (lambda n, i, w, m, p, t: (w, "_" if i % 2 else "SpaceAfter=No", t), "SpaceAfter"),
    "endings": (
        lambda n, i, w, m, p, t: ("ㅆ다" if p[0] == "V" else w, "EF" if p[0] == "V" else "NNG", t),
        "forms of a dictionary",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_columns_that_cannot_be_told_are_refused_with_an_example_of_each(name):
    """The one sentence names the file, the columns, what they hold and the remedy."""
    row, words = REFUSED[name]
    text = write(row)
    with pytest.raises(DataError, match=re.escape(words)) as raised:
        read(text)
    said = str(raised.value)
    assert said.startswith("f.tsv: ")
    assert "(columns of a row: 1 `" in said
    assert re.search(r"CORPUS_FIELDS=\w|# text =|off the units|without `##`", said)


def test_a_few_sentences_of_numbers_are_words():
    """Numbers are words, too: a rule needs three sentences."""
    parsed = read("1\tB-QT\n2\tO\n\n0\tO\n1\tO\n\n2020\tB-DT\n")
    assert [sentence.text for sentence in parsed.sentences] == ["12", "01", "2020"]


def test_sentences_without_a_blank_line_between_them_are_not_one():
    """A running sentence number without blank lines is refused, not read as one sentence."""
    text = write(lambda n, i, w, m, p, t: (str(n), w, t)).replace("\n\n", "\n")
    with pytest.raises(DataError, match="sentences without a blank line between"):
        read(text)


# CORPUS_FIELDS


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        (lambda n, i, w, m, p, t: (w, m, t), {"text": 1}),
        (lambda n, i, w, m, p, t: (m, w, t), {"text": 2, "tags": 3}),
        (lambda n, i, w, m, p, t: (w, t, "O"), {"tags": 2}),
        (lambda n, i, w, m, p, t: (w, "O", t), {"tags": 3}),
        (lambda n, i, w, m, p, t: (t, w), {"text": 2, "tags": 1}),
        (lambda n, i, w, m, p, t: (w, t, "a note")[: 2 + i % 2], {"text": 1, "tags": 2}),
        (lambda n, i, w, m, p, t: (p, w, f"{t} ", m), {"text": 2, "tags": 3}),
    ],
)
def test_corpus_fields_choose_the_columns(row, fields):
    """Named columns are taken in any order, also where they could not be told apart."""
    parsed = read(write(row), **fields)
    assert not parsed.rejected
    assert [sentence.text for sentence in parsed.sentences] == TEXTS
    assert mentions(parsed) == MENTIONS


def test_rows_of_one_number_are_joined_as_they_are_where_the_column_was_chosen():
    """Morphemes of one word get no space between them."""
    rows = "1\t홍길동\tNNP\tB-PS\n1\t은\tJX\tO\n2\t왔\tVV\tO\n2\t다\tEF\tO\n\n"
    parsed = read(rows * 2, text=2, tags=4)
    assert [sentence.text for sentence in parsed.sentences] == ["홍길동은 왔다"] * 2
    assert mentions(parsed)[0] == [("홍길동", "PS")]
    assert "rows of one number joined as they are" in parsed.format


@pytest.mark.parametrize("fields", [{"text": 3}, {"tags": 3}, {"text": 1, "tags": 9}])
def test_a_column_that_no_row_has_is_refused(fields):
    """The error names the column and how many there are."""
    with pytest.raises(DataError, match=r"CORPUS_FIELDS names column [39], but its rows have 2"):
        read(write(lambda n, i, w, m, p, t: (w, t)), **fields)


def test_a_sentence_without_a_named_column_is_rejected():
    """The one sentence, with the line of the short row."""
    rows = "가\t나\tB-PS\n\n다\tO\n\n라\t마\tO\n"
    assert rejected(read(rows, text=1, tags=3)) == [("a row without column 3", 3)]


@pytest.mark.parametrize("text", ["가␞<가:PS>\n", '{"text": "가", "spans": [[0, 1, "PS"]]}\n'])
def test_corpus_fields_are_refused_for_what_has_no_columns(text):
    """A tagged line or JSON has none to choose."""
    with pytest.raises(DataError, match=r"no columns .* remove CORPUS_FIELDS"):
        read(text, text=1)


def test_the_setting_reaches_the_reader(tmp_path):
    """CORPUS_FIELDS of the settings decides which column a corpus is read from."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for split in ("train", "val"):
        (folder / f"{split}.tsv").write_text(write(lambda n, i, w, m, p, t: (w, m, t)))
    settings = Settings(
        downstream_corpus_name="mine",
        downstream_corpus_root_dir=str(tmp_path),
        cache_dir=tmp_path / "cache",
        corpus_fields="text=1,tags=3",
    )
    assert [sentence.text for sentence in read_corpus(settings).train.sentences] == TEXTS


# Rows that the others do not explain


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("1\t나\tX\tB-PS", "a row with more or fewer columns than the others"),
        ("나\tB-PS", "a row with more or fewer columns than the others"),
        ("나\t1\tB-PS", "a row without the number that others have"),
        ("1-2\t나다\tO", "a row without the number that others have"),
        ("1\t나\tB-PS\u200b", "unusable entity type"),
        ("1\t나\tI", "a bare `I` without an entity before it"),
        ("1\t나\tB", "a unit without a tag"),
    ],
)
def test_a_row_unlike_the_others_rejects_its_sentence(bad, reason):
    """One odd row among sixty costs one sentence."""
    good = "1\t가\tB-PS\n2\t나\tO\n\n"
    parsed = read(good * 20 + bad + "\n2\t다\tO\n\n" + good)
    assert rejected(parsed) == [(reason, 61)]
    assert len(parsed.sentences) == 21


def test_a_unit_without_the_prefix_of_the_others_rejects_its_sentence():
    """A language's code is taken off where every unit has it."""
    parsed = read("ko:가\tO\nko:나\tO\n\n" * 20 + "다\tO\n")
    assert rejected(parsed) == [("a unit without the `ko:` of the others", 61)]


def test_a_bare_inside_goes_on_with_the_entity_before_it():
    """`I` without a type has that of the `B_QT` above it."""
    parsed = read("3\tB_QT\n월\tI\n은\tO\n\n")
    assert mentions(parsed) == [[("3월", "QT")]]


# Blanks


@pytest.mark.parametrize("sign", ["_", "▁", "<SP>"])
def test_a_sign_for_a_blank_is_one_where_the_text_says_so_and_else_asked_about(sign):
    """The comment, or CORPUS_FIELDS, says whether `_` is a blank."""
    rows = f"홍\tB-PS\n{sign}\tI-PS\n길\tI-PS\n{sign}\tO\n은\tO\n\n"
    parsed = read(f"# text = 홍 길 은\n{rows}" * 3)
    assert mentions(parsed) == [[("홍 길", "PS")]] * 3
    with pytest.raises(DataError, match="may be a blank"):
        read(rows * 3)
    assert read(rows * 3, text=1, tags=2).sentences[0].text.count(sign) == 2


def test_a_sign_in_all_columns_is_a_blank_without_any_comment():
    """`_` as form, lemma and part of speech alike is a space."""
    rows = "홍\tNNP\tB-PS\n_\t_\tI-PS\n길동\tNNP\tI-PS\n은\tJX\tO\n_\t_\tO\n왔다\tVV\tO\n\n"
    parsed = read(rows * 3)
    assert parsed.sentences[0].text == "홍 길동은 왔다"
    assert "`_` a blank" in parsed.format


def test_a_low_line_of_the_text_is_kept():
    """`_` stays where the text has spaces of its own, or the comment has the `_`."""
    assert read("A\tO\n_\tO\nB\tO\n \tO\n가\tO\n\n" * 3).sentences[0].text == "A_B 가"
    assert read("# text = A_B\nA\tO\n_\tO\nB\tO\n\n" * 3).sentences[0].text == "A_B"


# Comment lines


def test_the_column_that_spells_the_comment_is_the_text():
    """Also where nothing but its words says that a comment is the text."""
    for comment in ("# text = {1}", "# {1}", "## {0}\t{1}", "# raw = {1}", "; {1}"):
        parsed = read(write(lambda n, i, w, m, p, t: (m, w, t), comment))
        assert [sentence.text for sentence in parsed.sentences] == TEXTS
        assert mentions(parsed) == MENTIONS
        assert "the text in column 2" in parsed.format


def test_comments_that_are_not_the_text_are_left_out_and_counted():
    """A comment that no units spell does not become the sentence."""
    parsed = read(write(lambda n, i, w, m, p, t: (w, t), "# from a newspaper"))
    assert [sentence.text for sentence in parsed.sentences] == TEXTS
    assert parsed.notes == ("4 comment lines were left out",)


def test_a_unit_that_looks_like_a_comment_is_no_comment():
    """`#`, `;` and `$` with a tag are units, and without one they are rejected."""
    parsed = read("#\tO\n가\tO\n\n;\tO\n$\tO\n\n$\nX\tO\n\n;\nX\tO\n\n" + "a\tO\n\n" * 9)
    assert [sentence.text for sentence in parsed.sentences[:2]] == ["#가", ";$"]
    assert [row.reason for row in parsed.rejected] == ["a unit without a tag"] * 2


def test_rows_of_many_widths_are_refused():
    """Sentences with a tag behind them are no columns."""
    text = "홍길동은 어제 왔다 O\n비가 B-LC\n비가 많이 왔고 눈도 왔다 O\n가 나 O\n"
    with pytest.raises(DataError, match=r"f\.tsv: its rows have 2 to 6"):
        read(text * 3)
