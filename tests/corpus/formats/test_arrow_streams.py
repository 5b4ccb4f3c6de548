"""Arrow's own files give the rows that Parquet does."""

from io import BytesIO

import pytest
from arro3.io import write_ipc

from job.errors import DataError
from job.sentence import Span
from tests.support.parquet import arrow_stream, classes, table
from tests.support.parsing import parse

ROWS = [
    {"tokens": ["홍길동은", "서울에", "산다."], "ner_tags": [1, 2, 0]},
    {"tokens": ["비가", "온다."], "ner_tags": [0, 0]},
]
FEATURES = {"ner_tags": classes("O", "B-PS", "B-LC")}
READ = [
    ("홍길동은 서울에 산다.", (Span(0, 4, "PS"), Span(5, 8, "LC"))),
    ("비가 온다.", ()),
]


def test_a_stream_and_a_file_with_an_index_are_read():
    """The schema names the classes of a stream; a file without names asks for those beside it."""
    parsed = parse(arrow_stream(ROWS, FEATURES), "data-00000-of-00001.arrow")
    assert [(sentence.text, sentence.spans) for sentence in parsed.sentences] == READ
    indexed = BytesIO()
    write_ipc(table(ROWS), indexed)
    parsed = parse(indexed.getvalue(), "x.feather", find_tag_names=lambda: ("O", "B-PS", "B-LC"))
    assert [(sentence.text, sentence.spans) for sentence in parsed.sentences] == READ


def test_an_arrow_file_that_is_cut_off_is_refused_in_a_sentence():
    """Wherever it ends before its mark of the end does: without that, rows may be missing."""
    data = arrow_stream(ROWS, FEATURES)
    for length in (8, 100, len(data) - 200, len(data) - 8, len(data) - 1):
        with pytest.raises(DataError, match=r"data\.arrow is an Arrow file that was cut off"):
            parse(data[:length], "data.arrow")
    damaged = data[:200] + b"\xff" * 100 + data[300:]
    with pytest.raises(DataError, match=r"data\.arrow is damaged and cannot be read as an Arrow"):
        parse(damaged, "data.arrow")
