"""A corpus is found where it is said to be, checked, and what is wrong with it is said."""

import hashlib
import json
import logging
import shutil
from pathlib import Path

import fsspec
import pytest

from job.corpus import files
from job.corpus.load import load_corpus
from job.errors import ArgumentError, DataError, PermissionDeniedError, UnavailableError
from job.sentence import Span
from tests.support.drive_server import CONFIRM_PAGE, QUOTA_PAGE, Fault, drive_server

TRAIN = "".join(f"김{i}은 서울에 왔다.␞<김{i}:PER>은 <서울:LOC>에 왔다.\n" for i in range(40))
VAL = "이순신은 부산에 갔다.␞<이순신:PER>은 <부산:LOC>에 갔다.\n나는 갔다.␞나는 갔다.\n"
TUTORIAL = files.TUTORIAL_IDS


@pytest.fixture(autouse=True)
def _log_everything(caplog):
    caplog.set_level(logging.INFO)


@pytest.fixture
def server():
    with drive_server() as running:
        yield running


@pytest.fixture
def memory():
    filesystem = fsspec.filesystem("memory")
    yield filesystem
    filesystem.store.clear()
    filesystem.pseudo_dirs[:] = [""]


@pytest.fixture
def load(tmp_path):
    def load(name="mine", root_url=None, **options):
        options = {
            "force_download": False,
            "sha256": {},
            "max_rejected_ratio": 0.05,
            "max_download_mb": 1,
            "allow_unseen_labels": False,
        } | options
        root_url = str(tmp_path / "root") if root_url is None else root_url
        return load_corpus(name, root_url or None, tmp_path / "cache", **options)

    return load


@pytest.fixture
def write(tmp_path):
    def write(**files):
        folder = tmp_path / "root" / "mine"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name.replace("__", ".")).write_bytes(data)
        return folder

    return write


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def texts(split):
    return [sentence.text for sentence in split.sentences]


# Where a corpus is


def test_a_local_folder_is_read_in_place(load, write, tmp_path, caplog):
    folder = write(train__txt=TRAIN, val__txt=VAL, test__txt="다른 말.␞다른 말.\n" + VAL[:0])
    corpus = load()
    assert len(corpus.train.sentences) == 40
    assert corpus.train.sentences[1].spans == (Span(0, 2, "PER"), Span(4, 6, "LOC"))
    assert (corpus.train.name, corpus.train.path) == ("train", str(folder / "train.txt"))
    assert corpus.test.sha256 == digest("다른 말.␞다른 말.\n")
    assert not (tmp_path / "cache").exists()
    assert "train: 40 sentences, 80 entities, 0 rejected" in caplog.text
    assert "40 of its first 40 lines hold ␞" in caplog.text


@pytest.mark.parametrize("stem", ["val", "valid", "validation", "dev"])
def test_the_validation_split_has_four_names(load, write, stem):
    write(train__jsonl='{"text": "김", "spans": [[0, 1, "X"]]}', **{f"{stem}__tsv": "이\tB-X\n"})
    assert texts(load().val) == ["이"]


@pytest.mark.parametrize("other", ["train__tsv", "val__jsonl", "dev__txt"])
def test_two_files_for_one_split_are_an_error_that_names_both(load, write, other):
    write(train__txt=TRAIN, val__txt=VAL, **{other: VAL})
    with pytest.raises(DataError) as raised:
        load()
    assert other.replace("__", ".") in str(raised.value)
    assert ("train.txt" if "train" in other else "val.txt") in str(raised.value)


def test_backups_hidden_files_and_folders_are_no_splits(load, write):
    folder = write(train__txt=TRAIN, val__txt=VAL, **{"train__txt~": VAL})
    (folder / ".train.txt.swp").write_bytes(b"x")
    (folder / "train.d").mkdir()
    (folder / "training.txt").write_bytes(b"x")
    assert len(load().train.sentences) == 40


@pytest.mark.parametrize(("files", "missing"), [({"train__txt": TRAIN}, "val.*"), ({}, "train.*")])
def test_a_missing_split_is_named_with_where_it_was_looked_for(load, write, files, missing):
    folder = write(**files)
    with pytest.raises(DataError) as raised:
        load()
    assert missing in str(raised.value)
    assert str(folder) in str(raised.value)


@pytest.mark.parametrize("root", ["/nowhere", "memory://nowhere", ""])
def test_a_missing_folder_is_named(load, memory, root):
    with pytest.raises(DataError, match=r"mine has no train\.\*"):
        load(root_url=root)


def test_an_unknown_scheme_is_an_argument_error(load):
    with pytest.raises(ArgumentError, match="DOWNSTREAM_CORPUS_ROOT_DIR"):
        load(root_url="abc://bucket")


def test_an_unreadable_file_is_a_permission_error(load, write, monkeypatch):
    write(train__txt=TRAIN, val__txt=VAL)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PermissionDeniedError, match=r"train\.txt"):
        load()


def test_any_store_is_read_through_fsspec(load, memory):
    memory.pipe({"/c/mine/train.txt": TRAIN.encode(), "/c/mine/dev.txt": VAL.encode()})
    corpus = load(root_url="memory://c")
    assert len(corpus.train.sentences) == 40
    assert corpus.val.path == "memory://c/mine/dev.txt"
    memory.pipe_file("/c/mine/dev.txt", "김은 왔다.␞<김:PER>은 왔다.\n".encode())
    assert texts(load(root_url="memory://c").val) == ["김은 왔다."]


@pytest.mark.parametrize("url", ["s3://bucket/corpora", "hf://datasets/someone/corpora"])
def test_the_schemes_of_stores_and_hubs_are_handed_to_fsspec(load, memory, url, monkeypatch):
    memory.pipe({"/c/train.txt": TRAIN.encode(), "/c/val.txt": VAL.encode()})
    asked = []

    def open_filesystem(asked_url):
        asked.append(asked_url)
        return memory, asked_url.replace(f"{url}/mine", "/c")

    monkeypatch.setattr("job.storage.open_filesystem", open_filesystem)
    monkeypatch.setattr("job.storage.fsspec_store.open_filesystem", open_filesystem)
    assert load(root_url=url).train.path == f"{url}/mine/train.txt"
    assert f"{url}/mine/val.txt" in asked


def test_a_web_folder_is_probed_and_copied_once(load, server):
    server.files |= {"mine/train.txt": TRAIN.encode(), "mine/valid.tsv": "이\tB-PER\n".encode()}
    corpus = load(root_url=f"{server.url}/files")
    assert texts(corpus.val) == ["이"]
    assert corpus.test is None
    del server.requests[:]
    load(root_url=f"{server.url}/files")
    assert {method for method, _, _ in server.requests} == {"HEAD"}
    load(root_url=f"{server.url}/files", force_download=True)
    assert [path for method, path, _ in server.requests if method == "GET"] == [
        "/files/mine/train.txt",
        "/files/mine/valid.tsv",
    ]
    server.files["mine/train.txt"] = (TRAIN + VAL).encode()
    assert len(load(root_url=f"{server.url}/files").train.sentences) == 42


def test_a_password_in_an_address_is_not_shown(load, server, caplog):
    """Neither where the corpus is read from it, nor where it is unchanged, nor where it lacks."""
    caplog.set_level("INFO")
    files = {"mine/train.txt": TRAIN.encode(), "mine/val.txt": VAL.encode()}
    server.files |= files
    url = f"{server.url}/files".replace("://", "://me:hunter2@")
    for _ in range(2):
        corpus = load(root_url=url)
        assert corpus.val.path == url.replace("me:hunter2@", "(secret)@") + "/mine/val.txt"
    del server.files["mine/val.txt"]
    with pytest.raises(DataError, match="has no val") as caught:
        load(root_url=url)
    assert "hunter2" not in str(caught.value) + caplog.text
    assert "(secret)@" in str(caught.value)


def test_a_web_folder_that_refuses_is_a_permission_error(load, server):
    class Refusing(dict):
        def __getitem__(self, path):
            return [Fault(status=403)]

    server.faults = Refusing()
    with pytest.raises(PermissionDeniedError, match="HTTP 403"):
        load(root_url=f"{server.url}/files")


def test_plain_http_is_refused_off_loopback(load):
    with pytest.raises(ArgumentError, match="only https"):
        load(root_url="http://93.184.215.14/corpora")


def test_the_embedded_sample_is_sound(load, caplog):
    corpus = load("sample")
    assert not corpus.train.rejected
    assert not corpus.val.rejected
    assert not corpus.notes
    assert "CORPUS_SHA256" not in caplog.text


# The tutorial's corpus


@pytest.fixture
def drive(server):
    server.files[TUTORIAL["train"]] = TRAIN.encode()
    server.files[TUTORIAL["val"]] = VAL.encode()
    server.pages[TUTORIAL["train"]] = CONFIRM_PAGE
    return server


def test_the_tutorials_corpus_comes_from_drive_once(load, drive, tmp_path, caplog):
    corpus = load("ner", "", drive_url=drive.url)
    assert len(corpus.train.sentences) == 40
    assert texts(corpus.val) == ["이순신은 부산에 갔다.", "나는 갔다."]
    assert f"CORPUS_SHA256=train={digest(TRAIN)},val={digest(VAL)}" in caplog.text
    assert (tmp_path / "cache/corpora/ner/train.txt").read_text() == TRAIN
    del drive.requests[:]
    load("ner", "", drive_url=drive.url)
    assert not drive.requests
    load("ner", "", drive_url=drive.url, force_download=True)
    assert drive.requests


def test_the_tutorials_corpus_at_the_users_root_comes_first(load, drive, write, tmp_path):
    write(train__txt=TRAIN, val__txt=VAL).rename(tmp_path / "root" / "ner")
    load("ner", drive_url=drive.url)
    assert not drive.requests


def test_a_root_without_the_tutorials_corpus_is_no_hindrance(load, drive, tmp_path):
    load("ner", str(tmp_path / "elsewhere"), drive_url=drive.url)
    assert drive.requests


def test_a_used_up_quota_says_where_to_put_the_file(load, drive, tmp_path):
    drive.pages[TUTORIAL["val"]] = QUOTA_PAGE
    with pytest.raises(UnavailableError) as raised:
        load("ner", "", drive_url=drive.url)
    assert str(tmp_path / "cache/corpora/ner/val.txt") in str(raised.value)


def test_a_pinned_checksum_is_compared_and_both_are_named(load, drive):
    pins = {"train": digest(TRAIN), "val": digest(VAL).upper()}
    load("ner", "", drive_url=drive.url, sha256=pins)
    with pytest.raises(DataError) as raised:
        load("ner", "", drive_url=drive.url, sha256=pins | {"val": "0" * 64})
    assert digest(VAL) in str(raised.value)
    assert "0" * 64 in str(raised.value)


def test_a_cached_file_that_is_not_the_pinned_one_is_downloaded_again(load, drive, tmp_path):
    load("ner", "", drive_url=drive.url)
    (tmp_path / "cache/corpora/ner/train.txt").write_text(TRAIN[:100])
    pins = {"train": digest(TRAIN)}
    assert len(load("ner", "", drive_url=drive.url, sha256=pins).train.sentences) == 40


def test_a_pin_without_its_split_is_an_error(load, write):
    write(train__txt=TRAIN, val__txt=VAL)
    with pytest.raises(DataError, match="pins test"):
        load(sha256={"test": "0" * 64})


# What is wrong with a corpus


def test_a_few_rejected_lines_are_warned_of_by_reason_with_their_places(load, write, caplog):
    bad = "그냥 글\n" * 4 + "가␞나\n"
    folder = write(train__txt=TRAIN + bad, val__txt=VAL)
    corpus = load(max_rejected_ratio=0.2)
    assert [row.line for row in corpus.train.rejected] == [41, 42, 43, 44, 45]
    [first, second] = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    path = folder / "train.txt"
    assert f"4 × no ␞ in the line ({path}:41, {path}:42, {path}:43, …" in first
    assert f"1 × tagged text differs from the sentence ({path}:45; the first: `나` where" in second


def test_more_rejected_lines_than_allowed_stop_the_run(load, write):
    write(train__txt=TRAIN + "그냥 글\n" * 3, val__txt=VAL)
    with pytest.raises(DataError) as raised:
        load()
    message = str(raised.value)
    assert "3 of 43 sentences were rejected (7.0%, MAX_REJECTED_RATIO=0.05)" in message
    assert "train.txt:41" in message


def test_a_corpus_of_rejected_lines_stops_the_run_whatever_is_allowed(load, write):
    write(train__txt="가␞나\n", val__txt=VAL)
    with pytest.raises(DataError, match="1 of 1 sentences were rejected"):
        load(max_rejected_ratio=1.0)


def test_an_empty_file_is_an_error(load, write):
    write(train__txt=TRAIN, val__txt="")
    with pytest.raises(DataError, match=r"val\.txt is empty"):
        load()


def test_a_corpus_without_an_entity_is_an_error(load, write):
    write(train__tsv="가\tO\n나\tO\n\n다\tO\n", val__txt=VAL)
    with pytest.raises(DataError, match=r"none of its 2 sentences has an entity \(all O\)"):
        load()


def test_one_sentence_is_a_corpus_with_a_note(load, write):
    write(train__txt="김␞<김:PER>\n", val__txt="이␞<이:PER>\n")
    corpus = load()
    assert sum("one sentence only" in note for note in corpus.notes) == 2


def test_sentences_without_entities_are_kept_and_a_split_of_them_noted(load, write):
    write(train__txt=TRAIN + "나는 갔다.␞나는 갔다.\n", val__txt="나도 갔다.␞나도 갔다.\n" * 2)
    corpus = load()
    assert corpus.train.sentences[-1].spans == ()
    assert any("val has no entity" in note for note in corpus.notes)


def test_texts_in_two_splits_are_counted(load, write):
    write(train__txt=TRAIN, val__txt=VAL + TRAIN[: TRAIN.index("\n") + 1] * 2, test__txt=VAL)
    notes = load().notes
    assert any("2 of 4 sentences of val are in train too" in note for note in notes)
    assert any("val.txt:3" in note and "train.txt:1)" in note for note in notes)
    assert any("2 of 2 sentences of test are in val too" in note for note in notes)


@pytest.mark.parametrize("split", ["val", "test"])
def test_a_type_that_train_lacks_is_an_error_unless_allowed(load, write, split):
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
    write(train__txt=TRAIN, val__tsv="이순신은 B-PER\n갔다 O\n")
    assert any("read differently" in note for note in load().notes)


NAMES = {"names": ["O", "B-PER"], "_type": "ClassLabel"}
OTHER_NAMES = {"names": ["NN", "B-VP"], "_type": "ClassLabel"}


@pytest.mark.parametrize(
    ("companion", "content"),
    [
        ("label_names__txt", "O\r\nB-PER\r\n"),
        (
            "dataset_info__json",
            {"features": {"pos_tags": {"feature": OTHER_NAMES}, "ner_tags": {"feature": NAMES}}},
        ),
        (
            "dataset_info__json",
            {"features": [{"name": "pos", "x": OTHER_NAMES}, {"name": "ner_tags", "x": NAMES}]},
        ),
    ],
)
def test_integer_tags_are_named_by_the_file_beside_them(load, write, companion, content):
    content = content if isinstance(content, str) else json.dumps(content)
    rows = [json.dumps({"tokens": ["김", text], "ner_tags": [1, 0]}) for text in "가나"]
    write(train__jsonl=rows[0], val__jsonl=rows[1], **{companion: content})
    assert load().val.sentences[0].spans == (Span(0, 1, "PER"),)


def test_a_blank_within_a_name_shifts_no_other_name(load, write):
    """The third name is that of 2, however many words the one before it has."""
    rows = [json.dumps({"tokens": ["김", text], "ner_tags": [2, 0]}) for text in "가나"]
    for names in ("O\nB-work of art\nB-PER\n", "O B-ART B-PER", "O\n\nB-ART\nB-PER\n\n"):
        write(train__jsonl=rows[0], val__jsonl=rows[1], label_names__txt=names)
        assert load().val.sentences[0].spans == (Span(0, 1, "PER"),)


def test_names_in_another_encoding_are_refused(load, write):
    """A type of replacement characters would be learned as if it were one."""
    row = json.dumps({"tokens": ["김"], "ner_tags": [1]})
    folder = write(train__jsonl=row, val__jsonl=row)
    (folder / "label_names.txt").write_bytes("O\nB-인물\n".encode("cp949"))
    with pytest.raises(DataError, match=r"label_names\.txt beside .* is not UTF-8"):
        load()


def test_integer_tags_are_named_on_the_web_and_in_a_store_too(load, server, memory):
    row = json.dumps({"tokens": ["김", "가"], "ner_tags": [1, 0]}).encode()
    files = {"mine/train.jsonl": row, "mine/val.jsonl": row}
    names = {"mine/label_names.txt": b"O\nB-PER\n"}
    server.files |= files
    with pytest.raises(DataError, match=r"label_names\.txt"):
        load(root_url=f"{server.url}/files")
    server.files |= names
    assert load(root_url=f"{server.url}/files").val.sentences[0].spans == (Span(0, 1, "PER"),)
    memory.pipe({f"/c/{name}": data for name, data in (files | names).items()})
    assert load(root_url="memory://c").val.sentences[0].spans == (Span(0, 1, "PER"),)


def test_head_keeps_the_first_sentences(load, write):
    write(train__txt=TRAIN, val__txt=VAL)
    head = load().train.head(3)
    assert texts(head) == ["김0은 서울에 왔다.", "김1은 서울에 왔다.", "김2은 서울에 왔다."]
    assert head.sha256 == digest(TRAIN)
