"""A corpus is found where it is said to be, checked, and what is wrong with it is said."""

import socket
from pathlib import Path

import pytest

from job.corpus.places.tutorial import TUTORIAL_IDS as TUTORIAL
from job.errors import ArgumentError, DataError, PermissionDeniedError, UnavailableError
from job.sentence import Span
from job.storage import RetryPolicy, retry
from tests.support.drive_server import CONFIRM_PAGE, QUOTA_PAGE, Fault
from tests.support.small_corpus import TRAIN, VAL, digest, texts


def test_a_local_folder_is_read_in_place(load, write, tmp_path, caplog):
    """Nothing is copied into the cache, and the log says what was read."""
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
    """val, valid, validation and dev, with any suffix."""
    write(train__jsonl='{"text": "김", "spans": [[0, 1, "X"]]}', **{f"{stem}__tsv": "이\tB-X\n"})
    assert texts(load().val) == ["이"]


@pytest.mark.parametrize("other", ["train__tsv", "val__jsonl", "dev__txt"])
def test_two_files_for_one_split_are_an_error_that_names_both(load, write, other):
    """Neither is chosen."""
    write(train__txt=TRAIN, val__txt=VAL, **{other: VAL})
    with pytest.raises(DataError) as raised:
        load()
    assert other.replace("__", ".") in str(raised.value)
    assert ("train.txt" if "train" in other else "val.txt") in str(raised.value)


def test_backups_hidden_files_and_folders_are_no_splits(load, write):
    """Editors and tools leave them beside the files."""
    folder = write(train__txt=TRAIN, val__txt=VAL, **{"train__txt~": VAL})
    (folder / ".train.txt.swp").write_bytes(b"x")
    (folder / "train.d").mkdir()
    (folder / "trainer.txt").write_bytes(b"x")
    assert len(load().train.sentences) == 40


@pytest.mark.parametrize(("files", "there"), [({"val__txt": VAL}, "the val split"), ({}, "empty")])
def test_a_missing_train_split_is_named_with_where_it_was_looked_for(load, write, files, there):
    """The error has the pattern, the folder and what it holds."""
    folder = write(**files)
    with pytest.raises(DataError) as raised:
        load()
    assert "train.*" in str(raised.value)
    assert str(folder) in str(raised.value)
    assert there in str(raised.value)


@pytest.mark.parametrize("root", ["/nowhere", "memory://nowhere", ""])
def test_a_missing_folder_is_named(load, memory, root):
    """On disk, in a store, or where no root was given."""
    with pytest.raises(DataError, match=r"mine has no train\.\*"):
        load(root_url=root)


def test_an_unknown_scheme_is_an_argument_error(load):
    """The error names the variable that holds the URL."""
    with pytest.raises(ArgumentError, match="DOWNSTREAM_CORPUS_ROOT_DIR"):
        load(root_url="abc://bucket")


def test_an_unreadable_file_is_a_permission_error(load, write, monkeypatch):
    """The error names the file."""
    write(train__txt=TRAIN, val__txt=VAL)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(PermissionDeniedError, match=r"train\.txt"):
        load()


def test_any_store_is_read_through_fsspec(load, memory):
    """A file that changed in the store is read anew."""
    memory.pipe({"/c/mine/train.txt": TRAIN.encode(), "/c/mine/dev.txt": VAL.encode()})
    corpus = load(root_url="memory://c")
    assert len(corpus.train.sentences) == 40
    assert corpus.val.path == "memory://c/mine/dev.txt"
    memory.pipe_file("/c/mine/dev.txt", "김은 왔다.␞<김:PER>은 왔다.\n".encode())
    assert texts(load(root_url="memory://c").val) == ["김은 왔다."]


def test_the_scheme_of_a_store_is_handed_to_fsspec(load, memory, monkeypatch):
    """`s3://` reaches it as it was given."""
    url = "s3://bucket/corpora"
    memory.pipe({"/c/train.txt": TRAIN.encode(), "/c/val.txt": VAL.encode()})
    asked = []

    def open_filesystem(asked_url):
        asked.append(asked_url)
        return memory, asked_url.replace(f"{url}/mine", "/c")

    monkeypatch.setattr("job.storage.fsspec_store.open_filesystem", open_filesystem)
    assert load(root_url=url).train.path == f"{url}/mine/train.txt"
    assert f"{url}/mine/val.txt" in asked


def test_a_web_folder_is_probed_and_copied_once(load, server):
    """Later runs ask for headers only, until a file changes or FORCE_DOWNLOAD is set."""
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
    del server.files["mine/train.txt"]
    with pytest.raises(DataError, match="has no train") as caught:
        load(root_url=url)
    assert "hunter2" not in str(caught.value) + caplog.text
    assert "(secret)@" in str(caught.value)


def test_a_web_folder_that_refuses_is_a_permission_error(load, server):
    """HTTP 403 is in the sentence."""

    class Refusing(dict):
        def __getitem__(self, path):
            return [Fault(status=403)]

    server.faults = Refusing()
    with pytest.raises(PermissionDeniedError, match="HTTP 403"):
        load(root_url=f"{server.url}/files")


def test_plain_http_is_refused_off_loopback(load):
    """A corpus comes by https, but from this machine."""
    with pytest.raises(ArgumentError, match="downloads need https"):
        load(root_url="http://93.184.215.14/corpora")


def test_the_embedded_sample_is_sound(load, caplog):
    """Nothing in it is rejected or noted, and it needs no checksum."""
    corpus = load("sample", "")
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
    """Then from the cache without a request, unless FORCE_DOWNLOAD is set."""
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
    """A folder `ner` of the user's own needs no download."""
    write(train__txt=TRAIN, val__txt=VAL).rename(tmp_path / "root" / "ner")
    load("ner", drive_url=drive.url)
    assert not drive.requests


@pytest.mark.parametrize("name", ["ner", "sample"])
def test_below_a_root_every_name_is_a_folder(load, drive, tmp_path, name):
    """Neither the tutorial's corpus nor the sample takes the place of one that is not there."""
    with pytest.raises(DataError, match=f"DOWNSTREAM_CORPUS_NAME={name}"):
        load(name, str(tmp_path / "elsewhere"), drive_url=drive.url)
    assert not drive.requests


def test_a_used_up_quota_says_where_to_put_the_file(load, drive, tmp_path):
    """The error has the path in the cache at which a file fetched by hand is found."""
    drive.pages[TUTORIAL["val"]] = QUOTA_PAGE
    with pytest.raises(UnavailableError) as raised:
        load("ner", "", drive_url=drive.url)
    assert str(tmp_path / "cache/corpora/ner/val.txt") in str(raised.value)


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN])
def test_without_a_network_one_sentence_says_where_to_put_the_file(
    load, tmp_path, monkeypatch, number
):
    """Whether the machine knows that there is no such name, or cannot ask."""

    def no_name(*_, **__):
        raise socket.gaierror(number, "the reason")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    retry.set_retry_policy(RetryPolicy(first_wait_s=0.001, longest_wait_s=0.001))
    with pytest.raises(UnavailableError) as raised:
        load("ner", "")
    assert str(raised.value) == (
        "DOWNSTREAM_CORPUS_NAME=ner: Google Drive is not reached (the reason: no network?); put "
        f"its train.txt at {tmp_path}/cache/corpora/ner/train.txt, or name another corpus."
    )


def test_a_pinned_checksum_is_compared_and_both_are_named(load, drive):
    """In either case of hex; the error has the pinned one and the found one."""
    pins = {"train": digest(TRAIN), "val": digest(VAL).upper()}
    load("ner", "", drive_url=drive.url, sha256=pins)
    with pytest.raises(DataError) as raised:
        load("ner", "", drive_url=drive.url, sha256=pins | {"val": "0" * 64})
    assert digest(VAL) in str(raised.value)
    assert "0" * 64 in str(raised.value)


def test_a_cached_file_that_is_not_the_pinned_one_is_downloaded_again(load, drive, tmp_path):
    """A damaged cache mends itself where a checksum is pinned."""
    load("ner", "", drive_url=drive.url)
    (tmp_path / "cache/corpora/ner/train.txt").write_text(TRAIN[:100])
    pins = {"train": digest(TRAIN)}
    assert len(load("ner", "", drive_url=drive.url, sha256=pins).train.sentences) == 40


def test_a_pin_without_its_split_is_an_error(load, write):
    """A checksum for a file that is not there is a mistake."""
    write(train__txt=TRAIN, val__txt=VAL)
    with pytest.raises(DataError, match="pins test"):
        load(sha256={"test": "0" * 64})
