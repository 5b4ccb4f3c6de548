"""Parquet gives the rows that JSON would, with the names that its schema has."""

from io import BytesIO

import pytest
from arro3.core import Array, DataType, Field, RecordBatch, Schema
from arro3.io import write_parquet

from job.errors import DataError
from job.sentence import Span
from tests.support.parquet import classes, parquet, table
from tests.support.parsing import parse

ROWS = [
    {"sentence": "홍길동은 서울에 산다.", "tokens": ["홍길동", "은", "서울", "에", "산다."]},
    {"sentence": "비가 온다.", "tokens": ["비가", "온다."]},
]
TAGGED = [{**ROWS[0], "ner_tags": [1, 0, 2, 0, 0]}, {**ROWS[1], "ner_tags": [0, 0]}]
FEATURES = {"ner_tags": classes("O", "B-PS", "B-LC"), "pos_tags": classes("X", "B-NP", "I-NP")}
READ = [
    ("홍길동은 서울에 산다.", (Span(0, 3, "PS"), Span(5, 7, "LC"))),
    ("비가 온다.", ()),
]


def read(data, **options):
    parsed = parse(data, "train.parquet", **options)
    assert parsed.rejected == ()
    return [(sentence.text, sentence.spans) for sentence in parsed.sentences]


@pytest.mark.parametrize(
    "compression",
    ["uncompressed", "snappy", "gzip(6)", "brotli(3)", "lz4", "lz4_raw", "zstd(3)"],
)
def test_every_compression_gives_the_same_sentences(compression):
    """The tags' names are those of the schema."""
    assert read(parquet(TAGGED, FEATURES, compression=compression)) == READ


def test_row_groups_follow_each_other():
    """A row's line is its number in the file, whichever group and batch it lies in."""
    many = [TAGGED[i % 2] for i in range(3000)]
    parsed = parse(parquet(many, FEATURES, max_row_group_size=1000), "train.parquet")
    assert [sentence.line for sentence in parsed.sentences] == list(range(1, 3001))
    assert [s.text for s in parsed.sentences[1999:2001]] == [READ[1][0], READ[0][0]]


def test_each_column_has_its_own_names():
    """The names of a column of other classes name nothing but that column."""
    rows = [{**row, "pos_tags": [0] * len(row["tokens"])} for row in TAGGED]
    assert read(parquet(rows, FEATURES)) == READ
    assert read(parquet(rows, dict(reversed(FEATURES.items())))) == READ


def test_objects_within_lists_are_read():
    """Spans as a list of objects, whose type is a class, a dictionary or a string."""
    rows = [{"text": READ[0][0], "entities": [{"start": 5, "end": 7, "label": 1}]}]
    kinds = {"names": ["PS", "LC"], "_type": "ClassLabel"}
    feature = [{"start": {"dtype": "int64", "_type": "Value"}, "label": kinds}]
    assert read(parquet(rows, {"entities": feature})) == [(READ[0][0], (Span(5, 7, "LC"),))]
    rows[0]["entities"][0]["label"] = "LC"
    assert read(parquet(rows)) == [(READ[0][0], (Span(5, 7, "LC"),))]


def test_one_object_of_lists_is_a_list_of_objects():
    """`datasets` keeps a Sequence of objects like that; the first of each list belong together."""
    entities = {"start": [0, 5], "end": [3, 7], "label": [0, 1]}
    kinds = {"names": ["PS", "LC"], "_type": "ClassLabel"}
    feature = {"feature": {"start": {"dtype": "int64"}, "label": kinds}, "_type": "Sequence"}
    rows = [{"text": READ[0][0], "entities": entities}]
    assert read(parquet(rows, {"entities": feature})) == READ[:1]


@pytest.mark.parametrize(
    "kind",
    [
        DataType.large_string(),
        DataType.string_view(),
        DataType.dictionary(DataType.int32(), DataType.string()),
    ],
)
def test_strings_are_read_however_they_are_kept(kind):
    """Large strings, views, and dictionaries of them."""
    text = Array(["비가 온다."], type=DataType.string()).cast(kind)
    rows = [{"entities": [{"start": 0, "end": 1, "label": "X"}]}, {"entities": []}]
    marks = table(rows).to_batches()[0]["entities"].slice(1, 1)
    fields = [Field("text", text.type), Field("entities", marks.type)]
    stream = BytesIO()
    write_parquet(RecordBatch.from_arrays([text, marks], schema=Schema(fields)), stream)
    assert read(stream.getvalue()) == [("비가 온다.", ())]


def test_vectors_and_images_are_left_alone():
    """A column of floats beside the text is not looked at, and changes nothing."""
    rows = [{**row, "embedding": [0.5, 1.5]} for row in TAGGED]
    assert read(parquet(rows, FEATURES)) == READ


def test_lemmas_are_placed_by_the_marked_text():
    """Tokens that do not spell the text: the column that marks it up says where, whatever its name.

    A bare `I` goes on with the entity before it.
    """
    rows = [
        {
            "text": "한국은행 총재가 만났다.",
            "any_name": "<한국은행 총재:OG>가 만났다.",
            "tokens": ["한국은행", "총재", "가", "만나", "았", "다."],
            "ner_tags": [2, 0, 1, 1, 1, 1],
        },
        {
            "text": "비가 왔다.",
            "any_name": "비가 왔다.",
            "tokens": ["비", "가", "오", "았", "다."],
            "ner_tags": [1] * 5,
        },
    ]
    features = {"ner_tags": classes("I", "O", "B_OG")}
    expected = [("한국은행 총재가 만났다.", (Span(0, 7, "OG"),)), ("비가 왔다.", ())]
    assert read(parquet(rows, features)) == expected
    swapped = [
        {"text": row["any_name"], "sentence": row["text"]} | dict(list(row.items())[2:])
        for row in rows
    ]
    assert read(parquet(swapped, features)) == expected


def test_marked_text_that_says_otherwise_is_rejected():
    """Neither the tags nor the marks are believed where they differ."""
    rows = [{**TAGGED[0], "annotated": "<홍길동:PS>은 서울에 산다."}, TAGGED[1]]
    parsed = parse(parquet(rows, FEATURES), "train.parquet")
    assert [row.line for row in parsed.rejected] == [1]
    assert [sentence.line for sentence in parsed.sentences] == [2]


def test_integers_without_names_are_refused():
    """The remedy is named, and the file beside it is asked first."""
    data = parquet(TAGGED)
    with pytest.raises(DataError, match=r"train\.parquet has integers for tags .*label_names\.txt"):
        parse(data, "train.parquet")
    assert read(data, find_tag_names=lambda: ("O", "B-PS", "B-LC")) == READ


def test_a_number_beyond_the_names_is_rejected_with_its_row():
    """-1 is how a split without answers is written."""
    rows = [TAGGED[0], {**TAGGED[1], "ner_tags": [-1, -1]}]
    parsed = parse(parquet(rows, FEATURES), "train.parquet")
    assert [(row.reason, row.line) for row in parsed.rejected] == [("a tag without a name", 2)]


def test_a_file_that_is_cut_off_is_refused_in_a_sentence():
    """At any length, and where bytes within it are damaged."""
    data = parquet(TAGGED, FEATURES)
    for length in (4, 8, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(DataError, match=r"train\.parquet is a Parquet file that was cut off"):
            parse(data[:length], "train.parquet")
    with pytest.raises(DataError, match=r"train\.parquet is damaged and cannot be read as Parquet"):
        parse(data[:40] + bytes(40) + data[80:], "train.parquet")


def test_a_damaged_end_is_refused_in_a_sentence(capfd):
    """What the library says of it is not an Exception to Python."""
    data = parquet(TAGGED, FEATURES)
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    with pytest.raises(DataError, match=r"train\.parquet is damaged and cannot be read as Parquet"):
        parse(data[:start] + b"\xff" * 200 + data[start + 200 :], "train.parquet")
    capfd.readouterr()


def test_an_encrypted_or_empty_file_is_refused():
    """Each in a sentence of its own."""
    data = parquet(TAGGED, FEATURES)
    with pytest.raises(DataError, match="is encrypted Parquet"):
        parse(b"PARE" + data[4:-4] + b"PARE", "train.parquet")
    no_rows = BytesIO()
    schema = Schema([Field("text", DataType.string())])
    empty = RecordBatch.from_arrays([Array([], type=DataType.string())], schema=schema)
    write_parquet(empty, no_rows)
    with pytest.raises(DataError, match="has no rows"):
        parse(no_rows.getvalue(), "train.parquet")


def test_texts_are_one_sentence_as_given():
    """A line end within a text is part of it."""
    entities = [{"start": 8, "end": 9, "label": "X"}]
    text = "비가\n온다.\r\n눈도\u2028온다"
    assert read(parquet([{"text": text, "entities": entities}])) == [(text, (Span(8, 9, "X"),))]
