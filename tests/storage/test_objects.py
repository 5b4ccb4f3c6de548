"""One set of scenarios, run against each kind of store."""

import os
import shutil
import subprocess
import traceback

import fsspec
import pytest
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError

from job.errors import OutputError, PermissionDeniedError, StorageError
from job.storage import faults, local, objects, replacement, retry
from job.storage.gcs import client_of


def test_what_is_written_is_read_back(url):
    """Bytes come back equal, from below folders that did not exist."""
    place = objects.join(url, "a", "b.bin")
    assert not objects.exists(place)
    objects.write_bytes(place, b"\x00\r\n\xff")
    assert objects.read_bytes(place) == b"\x00\r\n\xff"
    with objects.open_read(place) as stream:
        assert stream.read() == b"\x00\r\n\xff"
    assert objects.list_names(url) == ["a"]
    assert objects.list_names(objects.join(url, "a")) == ["b.bin"]


def test_what_is_not_there_is_said_plainly(url):
    """Nothing listed, FileNotFoundError read, nothing removed."""
    assert objects.list_names(url) == []
    with pytest.raises(FileNotFoundError):
        objects.read_bytes(objects.join(url, "absent"))
    with pytest.raises(FileNotFoundError):
        objects.download_file(objects.join(url, "absent"), objects.local_path("/tmp/never"))
    objects.remove(objects.join(url, "absent"), url)


@pytest.mark.parametrize("place", ["/", "memory://again/"])
def test_a_download_that_broke_off_begins_anew(tmp_path, monkeypatch, place):
    """What had arrived of the first attempt is not kept before the second."""
    url = f"{tmp_path if place == '/' else place}/x"
    objects.write_bytes(url, b"0123456789")
    copy, broken = shutil.copyfileobj, []

    def break_off_once(source, stream):
        if not broken:
            broken.append(stream.write(source.read(7)))
            raise ConnectionResetError
        copy(source, stream)

    monkeypatch.setattr(shutil, "copyfileobj", break_off_once)
    monkeypatch.setattr(retry, "_policy", retry.RetryPolicy(first_wait_s=0.01))
    assert objects.read_bytes(url) == b"0123456789"
    assert broken == [7]


@pytest.mark.parametrize("stored", [b"012", b"0123456789"])
def test_what_arrived_with_another_size_is_not_published(monkeypatch, stored):
    """Too little, and too much, such as what two writers have both appended to."""
    memory = fsspec.get_filesystem_class("memory")
    monkeypatch.setattr(memory, "put_file", lambda fs, file, path: fs.pipe_file(path, stored))
    monkeypatch.setattr(retry, "_policy", retry.RetryPolicy(first_wait_s=0.01))
    with pytest.raises(StorageError, match=f"{len(stored)} bytes arrived of 5"):
        objects.write_bytes("memory://sizes/x", b"01234")


def test_a_bucket_is_not_asked_about_itself(gcs, monkeypatch):
    """Its client would, for traces that nobody wants, and with a right that not all have."""
    name = "DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA"
    monkeypatch.setenv(name, "")
    monkeypatch.delenv(name)
    client_of.cache_clear()
    objects.write_bytes("gs://bucket/asked/x", b"x")
    assert os.environ[name] == "true"
    assert not [each for each in gcs.log if each.path.startswith("/storage/v1/b/bucket?")]
    client_of(os.getpid()).close()
    client_of.cache_clear()


def test_a_folder_goes_up_and_down(url, tmp_path):
    """Every file lands at its place, in both directions."""
    folder = tmp_path / "folder"
    (folder / "sub").mkdir(parents=True)
    (folder / "MANIFEST.json").write_text("{}")
    (folder / "weights").write_bytes(b"w" * 1000)
    (folder / "sub" / "x").write_text("x")
    objects.upload_dir(folder, url)
    for name in ("MANIFEST.json", "weights", "sub/x"):
        objects.download_file(objects.join(url, *name.split("/")), tmp_path / "back" / name)
        assert (tmp_path / "back" / name).read_bytes() == (folder / name).read_bytes()


def test_the_manifest_goes_up_last(url, tmp_path, monkeypatch):
    """Who sees the manifest sees the files that it names."""
    (tmp_path / "folder").mkdir()
    for name in ("A", "MANIFEST.json", "Z"):
        (tmp_path / "folder" / name).write_text(name)
    order = []
    upload = objects.upload_file
    monkeypatch.setattr(
        objects, "upload_file", lambda file, to: (order.append(file.name), upload(file, to))
    )
    objects.upload_dir(tmp_path / "folder", url)
    assert order == ["A", "Z", "MANIFEST.json"]


def test_a_folder_takes_the_place_of_another(url, tmp_path):
    """Nothing of the old folder is left where files have other names, and the new one is whole."""
    for version in ("old", "new"):
        folder = tmp_path / version
        folder.mkdir()
        (folder / "weights").write_text(version)
        (folder / "MANIFEST.json").write_text(version)
        replacement.replace_dir(folder, objects.join(url, "model"))
    assert objects.read_bytes(objects.join(url, "model", "weights")) == b"new"
    assert objects.list_names(objects.join(url, "model")) == ["MANIFEST.json", "weights"]
    assert objects.list_names(url) == ["model"]


def test_a_replacement_that_fails_leaves_the_old_folder(tmp_path, monkeypatch):
    """A disk that fills up halfway leaves the good model where it was, whole."""
    for version in ("old", "new"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "weights").write_text(version)
    replacement.replace_dir(tmp_path / "old", f"{tmp_path}/out/model")

    def fail(source, target, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local.shutil, "copyfile", fail)
    with pytest.raises(OutputError, match="no space left"):
        replacement.replace_dir(tmp_path / "new", f"{tmp_path}/out/model")
    assert objects.read_bytes(f"{tmp_path}/out/model/weights") == b"old"
    assert objects.list_names(f"{tmp_path}/out") == ["model"]


def test_others_writes_are_seen(url):
    """A listing is never stale: what another process wrote since is in it."""
    objects.write_bytes(objects.join(url, "a"), b"")
    assert objects.list_names(url) == ["a"]
    filesystem, path = fsspec.core.url_to_fs(url)
    filesystem.pipe_file(f"{path}/b", b"")
    assert objects.list_names(url) == ["a", "b"]


def test_a_failed_upload_leaves_the_old_file(tmp_path, monkeypatch):
    """A reader sees the old content or the new one, never a part."""
    target = tmp_path / "model.bin"
    target.write_bytes(b"old")

    def fail(source, staged):
        staged.write_bytes(b"ne")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local.shutil, "copyfile", fail)
    with pytest.raises(OutputError, match=r"model\.bin.*no space left"):
        objects.write_bytes(str(target), b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_probe_leaves_nothing(url):
    """The pre-flight check writes, reads and deletes."""
    objects.write_bytes(objects.join(url, "kept"), b"")
    objects.probe_writable(url)
    assert objects.list_names(url) == ["kept"]


def test_an_output_that_is_a_file_is_refused(tmp_path):
    """The output folder's name is taken by a file: one sentence that names it."""
    (tmp_path / "output").write_text("")
    with pytest.raises(OutputError, match="output"):
        objects.probe_writable(str(tmp_path / "output"))


def test_a_folder_for_a_library_is_never_taken_for_a_bucket(tmp_path, monkeypatch):
    """TensorBoard takes a path that begins with `gs:` for one: it is given from the root."""
    monkeypatch.chdir(tmp_path)
    assert objects.LocalMirror("gs:/logs", tmp_path).folder == tmp_path / "gs:" / "logs"


@pytest.fixture
def as_nobody():
    """Root may write anywhere: for this test it is somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    yield
    os.seteuid(0)


def test_an_output_without_permission_is_refused(tmp_path, as_nobody):
    """Permission is an exit code of its own."""
    if os.geteuid() != 65534:
        tmp_path.chmod(0o500)
    with pytest.raises(PermissionDeniedError, match="permission denied"):
        objects.probe_writable(str(tmp_path))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        if os.environ.get("CI"):
            pytest.fail("a small disk could not be mounted: in CI this test must run")
        pytest.skip("only root can mount a small disk: a full disk is NOT tested")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_keeps_what_is_there(small_disk):
    """What does not fit is refused by name; what was there stays, and no part of the new."""
    objects.write_bytes(f"{small_disk}/model", b"old")
    with pytest.raises(OutputError, match=r"model.*no space left"):
        objects.write_bytes(f"{small_disk}/model", b"n" * 100_000)
    assert objects.read_bytes(f"{small_disk}/model") == b"old"
    assert objects.list_names(str(small_disk)) == ["model"]


def test_a_swap_that_was_done_before_its_answer_was_lost_is_done(hurried, monkeypatch):
    """Asked for again, it finds its own content: nobody else took the place."""
    objects.write_bytes("memory://x/lease", b"old")
    kind = fsspec.get_filesystem_class("memory")
    pipe_file, answers = kind.pipe_file, iter([ConnectionError("no answer")])

    def write(self, path, data, **options):
        pipe_file(self, path, data, **options)
        for error in answers:
            raise error

    monkeypatch.setattr(kind, "pipe_file", write)
    objects.swap("memory://x/lease", b"old", b"new")
    assert objects.read_bytes("memory://x/lease") == b"new"
    with pytest.raises(FileExistsError):
        objects.swap("memory://x/lease", b"old", b"another's")


class HttpStatusError(Exception):
    """As some stores raise them: not an OSError, with the HTTP status in `code`."""

    def __init__(self, code: int):
        super().__init__(f"status {code}")
        self.code = code


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (HttpStatusError(401), PermissionDeniedError),
        (HttpStatusError(403), PermissionDeniedError),
        (HttpStatusError(503), StorageError),
        (OSError("connection lost"), StorageError),
    ],
    ids=str,
)
def test_a_stores_own_errors_get_the_documented_exit_codes(hurried, monkeypatch, raised, expected):
    """Permission is 77 and a fault 74, whichever class the store's library raises."""

    def fail(*arguments: object, **options: object) -> None:
        raise raised

    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "put_file", fail)
    with pytest.raises(expected, match="memory://x/y"):
        objects.write_bytes("memory://x/y", b"")


def test_an_unknown_scheme_is_refused():
    """A URL that no installed package serves says so."""
    with pytest.raises(OutputError, match="nosuch://"):
        objects.probe_writable("nosuch://bucket/x")


def test_a_forked_child_reaches_the_store_too(url):
    """Clients that the parent opened are not the child's: it lists, reads and writes on its own."""
    if url.startswith("memory"):
        pytest.skip("the memory of the parent is not the child's")
    objects.write_bytes(objects.join(url, "a"), b"parent")
    assert objects.list_names(url) == ["a"]
    child = os.fork()
    if child == 0:
        try:
            objects.write_bytes(objects.join(url, "b"), objects.read_bytes(objects.join(url, "a")))
            assert objects.list_names(url) == ["a", "b"]
            objects.remove(objects.join(url, "a"), url)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert objects.list_names(url) == ["b"]
    assert objects.read_bytes(objects.join(url, "b")) == b"parent"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TransportError("no answer"), True),
        (RefreshError(TransportError("no answer")), True),
        (RefreshError("invalid_grant: the token was revoked"), False),
        (DefaultCredentialsError("none found"), False),
    ],
    ids=str,
)
def test_a_token_that_cannot_be_renewed_now_is_no_refusal(error, expected):
    """Where the server that renews it does not answer, it is an outage like any other."""
    assert faults.passes(error) is expected
    with pytest.raises(StorageError if expected else PermissionDeniedError), faults.named("gs://b"):
        raise error


def test_a_version_is_told_by_which_a_copy_is_known_to_be_current(url):
    """It stays while the object does; else the copy in the cache would be fetched each time."""
    place = objects.join(url, "corpus.txt")
    objects.write_bytes(place, b"first")
    size, version = objects.size_and_version(place)
    assert (size, bool(version)) == (5, True)
    assert objects.size_and_version(place) == (size, version)


def test_a_bucket_tells_another_version_of_the_same_size(gcs):
    """By the clock a disk may tell two writes apart only after a while; a bucket always does."""
    objects.write_bytes("gs://bucket/versions/x", b"first")
    before = objects.size_and_version("gs://bucket/versions/x")
    objects.write_bytes("gs://bucket/versions/x", b"other")
    assert objects.size_and_version("gs://bucket/versions/x") != before
