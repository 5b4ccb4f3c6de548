"""A corpus is a file, a folder or a URL, and what lies there is read, named or refused."""

import gzip
import io
import json
import os
import zipfile
from unicodedata import normalize

import pytest

from job import storage
from job.corpus.places import listing
from job.errors import ArgumentError, DataError, PermissionDeniedError, UnavailableError
from job.sentence import Span
from tests.support.drive_server import Fault
from tests.support.small_corpus import TRAIN, VAL, texts

TEST = "장영실은 왔다.␞<장영실:PER>은 왔다.\n"


@pytest.fixture
def put(tmp_path):
    """Writes files into a folder `corpus`, by their paths in it."""

    def put(files):
        for name, content in files.items():
            file = tmp_path / "corpus" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path / "corpus"

    return put


def zipped(files):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("name", ["news.jsonl", "news_train.txt", "news", "README.txt"])
def test_a_file_is_a_corpus(load, put, name):
    """Whatever it is called, as long as it is not called another split."""
    folder = put({name: TRAIN, "other.txt": "x"})
    corpus = load(place=str(folder / name))
    assert len(corpus.train.sentences) + len(corpus.val.sentences) == 40
    assert corpus.train.path == str(folder / name)


@pytest.mark.parametrize("files", [{"test.txt": TEST}, {"dev/a.txt": VAL, "test.txt": TEST}])
def test_a_place_without_train_is_refused(load, put, files):
    """The error has the splits that are there."""
    folder = put(files)
    with pytest.raises(DataError, match=r"has no train\.\*; there is the .*test\.txt"):
        load(place=str(folder / "test.txt" if len(files) == 1 else folder))


def test_the_splits_of_a_tree_are_found_at_any_depth_in_any_store(load, url, tmp_path):
    """By the words in folders and files; each split is all of its files."""
    lines = TRAIN.splitlines(keepends=True)
    files = {
        "1.Training/뉴스/가.txt": lines[:10],
        "1.Training/대화/나.txt": lines[10:],
        "2.Validation/다.txt": [VAL],
        "test-1.txt": [TEST],
    }
    for name, content in files.items():
        storage.write_bytes(storage.join(url, "c", name), "".join(content).encode())
    corpus = load(place=storage.join(url, "c"))
    assert [len(s.sentences) for s in (corpus.train, corpus.val, corpus.test)] == [40, 2, 1]
    assert {s.file for s in corpus.train.sentences} == {
        str(storage.local_path(place)) if storage.is_local(place) else place
        for place in (storage.join(url, "c", name) for name in list(files)[:2])
    }
    assert len(load(place=storage.join(url, "c/1.Training/뉴스/가.txt")).train.sentences) < 11


def test_what_is_left_out_is_named_once(load, put, caplog):
    """Files of other kinds in one line, and in another those whose names say no split."""
    others = {"README.md": "x", "논문.pdf": b"%PDF", ".DS_Store": b"\0", "extra.txt": TEST}
    folder = put({"train.txt": TRAIN, "dev.txt": VAL, "label_names.txt": "O", **others})
    load(place=str(folder))
    assert f"{folder}: passed over, as no part of the corpus: README.md, 논문.pdf." in caplog.text
    assert "their names say no split, and those of others do: extra.txt." in caplog.text
    assert "DS_Store" not in caplog.text


def test_links_are_read_as_files_and_not_followed_into_folders(load, put, tmp_path, caplog):
    """A folder that leads to itself ends no walk, and is named."""
    folder = put({"all/a.txt": TRAIN})
    (folder / "linked.txt").symlink_to(put({"../elsewhere.txt": TEST}).parent / "elsewhere.txt")
    (folder / "all" / "circle").symlink_to(folder)
    corpus = load(place=str(folder))
    assert len(corpus.train.sentences) + len(corpus.val.sentences) == 41
    assert "passed over, as no part of the corpus: all/circle." in caplog.text


def test_too_many_files_are_no_corpus(load, put, monkeypatch):
    """The error has the limit."""
    monkeypatch.setattr(listing, "MOST_FILES", 3)
    folder = put({f"{i}.txt": TRAIN for i in range(4)})
    with pytest.raises(DataError, match="more than 3 files lie there; name the folder"):
        load(place=str(folder))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("corpus/nwes", "there is no such file or folder, but news beside it. Correct the path"),
        ("nowhere/news", "there is no such file or folder. Correct the path"),
        ("corpus/empty", "the folder is empty"),
        ("corpus/papers", r"it holds README\.md"),
        ("corpus/news/train.txt/x", "there is no such file or folder"),
        ("corpus/circle", "there is no such file or folder"),
    ],
)
def test_a_place_without_a_corpus_is_named_with_what_lies_there(load, put, tmp_path, place, said):
    """Or, where nothing does, with what lies beside it."""
    folder = put({"news/train.txt": TRAIN})
    if place.endswith("papers"):
        put({"papers/README.md": "x"})
    if place.endswith("empty"):
        (folder / "empty").mkdir()
    if place.endswith("circle"):
        (folder / "circle").symlink_to(folder / "circle")
    with pytest.raises(DataError, match=f"DOWNSTREAM_CORPUS={tmp_path / place}: .*{said}"):
        load(place=str(tmp_path / place))


def test_a_name_in_the_other_form_of_unicode_is_pointed_out(load, put):
    """As a Mac writes it, and a keyboard does not."""
    folder = put({f"{normalize('NFD', '뉴스')}/train.txt": TRAIN})
    with pytest.raises(DataError, match=r"in decomposed \(NFD\) Unicode beside it"):
        load(place=str(folder / "뉴스"))


def test_a_folder_that_may_not_be_read_is_a_permission_error(load, put, monkeypatch):
    """Also one below the corpus."""
    folder = put({"train.txt": TRAIN, "more/train.txt": TRAIN})
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("more"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionDeniedError, match="corpus"):
        load(place=str(folder))


def test_two_splits_in_one_path_or_two_files_for_one_are_refused_with_the_place(load, put):
    """The sentence begins with the folder."""
    folder = put({"train/test.txt": TRAIN, "val.txt": VAL})
    with pytest.raises(DataError, match=f"^{folder}: train/test.txt: its path names two splits"):
        load(place=str(folder))


def test_archives_are_read_as_if_their_files_lay_there(load, put):
    """A folder of archives, a compressed file, and an archive that is the corpus."""
    whole = {"train.txt": TRAIN, "dev.txt": VAL, "__MACOSX/._train.txt": "x", "README.md": "x"}
    folder = put(
        {"train/a.zip": zipped({"가.txt": TRAIN}), "val.txt.gz": gzip.compress(VAL.encode())}
    )
    for place in (folder, put({"../dev.zip": zipped(whole)}).parent / "dev.zip"):
        corpus = load(place=str(place))
        assert (len(corpus.train.sentences), len(corpus.val.sentences)) == (40, 2)
    assert corpus.val.path == f"{place}/dev.txt"


def test_the_name_of_an_archive_says_the_split_where_nothing_in_it_does(load, put):
    """And a readme in it is no text to learn from."""
    folder = put({"news-train.zip": zipped({"a.txt": TRAIN, "README.txt": "x"})})
    assert len(load(place=str(folder / "news-train.zip")).train.sentences) > 30
    put({"news-test.zip": zipped({"a.txt": TRAIN})})
    with pytest.raises(DataError, match=r"has no train\.\*; there is the test split"):
        load(place=str(folder / "news-test.zip"))


def test_a_small_archive_may_unpack_to_many_times_its_size(load, put, monkeypatch):
    """A corpus that repeats itself is no bomb: what counts is how much it is as well."""
    folder = put({"train.txt.gz": gzip.compress(TRAIN.encode() * 500), "val.txt": VAL})
    assert (folder / "train.txt.gz").stat().st_size * 40 < len(TRAIN.encode() * 500)
    assert len(load(place=str(folder)).train.sentences) == 40 * 500
    monkeypatch.setattr("job.corpus.places.unpacked.LOCAL_LEAST_BYTES", 1000)
    put({"train.txt.gz": gzip.compress(TRAIN.encode() * 501)})
    with pytest.raises(DataError, match="unpacks to more than"):
        load(place=str(folder))


def test_the_labelled_archive_is_read_and_that_of_the_sources_is_not_opened(load, put):
    """As AI Hub lays them out."""
    folder = put(
        {"원천데이터.zip": b"PK broken", "라벨링데이터.zip": zipped({"1.Training/a.txt": TRAIN})}
    )
    assert len(load(place=str(folder)).train.sentences) > 30


def test_the_names_of_tags_are_found_beside_a_file_and_above_it(load, put):
    """The nearest file counts."""
    rows = [json.dumps({"tokens": ["김", text], "ner_tags": [1, 0]}) for text in "가나"]
    splits = {"data/train/a.jsonl": rows[0], "data/val/b.jsonl": rows[1]}
    folder = put({**splits, "label_names.txt": "O\nB-PER"})
    assert load(place=str(folder)).val.sentences[0].spans == (Span(0, 1, "PER"),)
    put({"data/label_names.txt": "O\nB-PS"})
    assert load(place=str(folder)).val.sentences[0].spans == (Span(0, 1, "PS"),)


def test_a_file_of_names_outside_the_corpus_is_not_read(load, put):
    """It may be another corpus's."""
    row = json.dumps({"tokens": ["김"], "ner_tags": [1]})
    put({"label_names.txt": "O\nB-PER"})
    folder = put({"news/train/a.jsonl": row, "news/dev.jsonl": row})
    with pytest.raises(DataError, match="label_names"):
        load(place=str(folder / "news"))


@pytest.mark.parametrize("query", ["", "?key=/a&X-Amz-Signature=hunter2"])
def test_one_file_of_a_web_server_is_a_corpus(load, server, tmp_path, caplog, query):
    """What follows its path goes to the server, and into no name and no message."""
    server.files["news.txt"] = TRAIN.encode()
    corpus = load(place=f"{server.url}/files/news.txt{query}")
    assert len(corpus.train.sentences) + len(corpus.val.sentences) == 40
    assert "hunter2" not in corpus.train.path + caplog.text
    assert not [file for file in (tmp_path / "cache").rglob("*") if "hunter2" in file.name]


def test_a_web_address_without_an_ending_is_a_file_or_a_folder(load, server):
    """A file where the server has one; else the names of splits are asked for below it."""
    server.files |= {"42": TRAIN.encode(), "news/train.txt": TRAIN.encode()}
    server.files["news/dev.txt"] = VAL.encode()
    server.faults["/files/news"] = [Fault(status=403)] * 2  # of a folder, usual
    assert len(load(place=f"{server.url}/files/42").train.sentences) > 30
    assert texts(load(place=f"{server.url}/files/news").val)[1] == "나는 갔다."


def test_a_web_file_that_is_not_there_is_named(load, server):
    """With the server's answer, and not as a folder without splits."""
    with pytest.raises(UnavailableError, match=r"news\.txt: there is no such file \(HTTP 404\)"):
        load(place=f"{server.url}/files/news.txt")


@pytest.mark.parametrize("split", ["train.txt", "dev.txt", "1.Training"])
def test_a_root_that_is_itself_a_corpus_is_refused_with_the_right_argument(load, put, split):
    """And never answered by a download."""
    folder = put({split: TRAIN} if "." in split[2:] else {f"{split}/a.txt": TRAIN})
    with pytest.raises(ArgumentError, match=f"Set DOWNSTREAM_CORPUS={folder} in its place"):
        load("ner", str(folder), drive_url="https://drive.invalid")
