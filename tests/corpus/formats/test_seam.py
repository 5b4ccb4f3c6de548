"""A format of one's own is a `Format` and a row in FORMATS, and nothing else."""

import gzip

import pytest

from job.corpus.formats import recognise
from job.corpus.formats.format import CERTAIN, Contents, Format, Score, one_by_one
from job.corpus.formats.text_lines import LineError, Note, Rejected
from job.corpus.load import load_corpus
from job.errors import DataError
from job.sentence import Sentence, Span
from tests.support.parsing import parse

LINES = ["서울은 넓다 => 서울/LC", "홍길동은 갔다 => 홍길동/PS", "좋다 => "] * 5


def score_arrows(file, options):
    """Lines of a sentence, an arrow and its mentions."""
    return Score.of_lines(file, lambda line: " => " in line, "hold an arrow")


def read_arrows(file, options):
    contents = Contents("sentences with arrows", [], [])
    for number, line in enumerate(file.lines, start=1):
        if isinstance(line, LineError):
            contents.rejected.append(line.at(file.path, number))
            continue
        text, _, mention = line.partition(" => ")
        name, _, type_ = mention.partition("/")
        if name not in text:
            contents.rejected.append(Rejected("a mention that is not there", number, "", file.path))
            continue
        start = text.index(name)
        spans = (Span(start, start + len(name), type_),) if name else ()
        contents.sentences.append(Sentence(text, spans, number, file.path))
        contents.noted[Note("line", "lines", "had an arrow")] += 1
    return contents


ARROWS = Format("arrows", score_arrows, one_by_one(read_arrows))


def score_zipped(file, options):
    """A file that is no text is known by its bytes."""
    return Score(CERTAIN if file.data.startswith(b"\x1f\x8b") else 0.0, "it is compressed")


def read_zipped(files, options):
    [file] = files
    lines = gzip.decompress(file.data).decode().splitlines()
    sentences = [Sentence(text, (Span(0, 2, "LC"),), 1, file.path) for text in lines]
    return Contents("compressed lines", sentences, [])


ZIPPED = Format("compressed lines", score_zipped, read_zipped)


@pytest.fixture
def load(tmp_path):
    """Loads a corpus of two equal files."""

    def load(data, **options):
        folder = tmp_path / "root" / "mine"
        folder.mkdir(parents=True)
        for name in ("train.txt", "val.txt"):
            (folder / name).write_bytes(data)
        return load_corpus(
            "mine",
            str(folder.parent),
            tmp_path / "cache",
            force_download=False,
            sha256={},
            max_rejected_ratio=0.1,
            max_download_mb=1,
            allow_unseen_labels=False,
            **options,
        )

    return load


def test_a_row_in_the_table_makes_its_files_a_corpus(load, monkeypatch, caplog, tmp_path):
    """Recognised, read and checked as the others are; sentences know their file and line."""
    caplog.set_level("INFO")
    monkeypatch.setattr(recognise, "FORMATS", (*recognise.FORMATS, ARROWS))
    corpus = load("\n".join([*LINES, "서울 => 부산/LC"]).encode())
    assert [s.text for s in corpus.train.sentences[:3]] == ["서울은 넓다", "홍길동은 갔다", "좋다"]
    assert corpus.train.sentences[1].spans == (Span(0, 3, "PS"),)
    assert corpus.train.sentences[1].place == f"{tmp_path}/root/mine/train.txt:2"
    assert corpus.train.format == "sentences with arrows"
    assert corpus.val.rejected[0].place == f"{tmp_path}/root/mine/val.txt:16"
    assert "read as sentences with arrows (16 of its first 16 lines hold an arrow)" in caplog.text
    assert "train: 15 lines had an arrow." in caplog.text


def test_a_line_that_is_no_text_is_rejected_by_the_format(monkeypatch):
    """It is the format's to reject, with its line; those around it are read."""
    monkeypatch.setattr(recognise, "FORMATS", (*recognise.FORMATS, ARROWS))
    lines = [line.encode() for line in LINES]
    corpus = parse(b"\n".join([*lines, "서울".encode() + b"\xff => ", *lines]), "f.txt")
    [rejected] = corpus.rejected
    assert rejected.place == "f.txt:16"
    assert len(corpus.sentences) == 30


def test_a_format_that_takes_no_columns_refuses_their_names(load, monkeypatch):
    """CORPUS_FIELDS is for formats that say so."""
    monkeypatch.setattr(recognise, "FORMATS", (*recognise.FORMATS, ARROWS))
    with pytest.raises(DataError, match="has no columns"):
        load("\n".join(LINES).encode(), fields={"tags": "2"})


def test_a_format_that_is_no_text_is_known_by_its_bytes(load, monkeypatch):
    """Placed first, it is asked before those that read lines; without it the file is refused."""
    data = gzip.compress("서울은 넓다\n부산은 멀다".encode())
    with pytest.raises(DataError, match="is a gzip archive"):
        parse(data, "train.txt")
    monkeypatch.setattr(recognise, "FORMATS", (ZIPPED, *recognise.FORMATS))
    assert [s.text for s in load(data).train.sentences] == ["서울은 넓다", "부산은 멀다"]


def test_the_likeliest_format_is_taken_and_may_refuse(monkeypatch):
    """A shape that is known and not read says so in place of being read as another."""
    refused = DataError("f.txt is of another tool; export it as JSON Lines.")
    other = Format("another tool's", lambda *_: Score(0.9, "", refused), ARROWS.read)
    monkeypatch.setattr(recognise, "FORMATS", (other, ARROWS))
    with pytest.raises(DataError, match="another tool"):
        parse("\n".join([*LINES[:4], *["x"] * 3]).encode(), "f.txt")
    assert parse("\n".join(LINES).encode(), "f.txt").format == "sentences with arrows"
