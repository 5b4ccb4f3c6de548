"""A cache or a home that cannot be written costs time: the run goes on, and says so once."""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from job.corpus.download import cache
from job.corpus.download.copies import Cache
from job.corpus.files import find_sources
from job.errors import OutputError
from job.model.pretrained.folder import resolve_model
from job.predict import predict
from tests.support.runs import World

ROOT = Path(__file__).parent.parent.parent
WARNING = "cannot be written ("


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(autouse=True)
def _silent_so_far(monkeypatch):
    monkeypatch.setattr(cache, "_told", set())


@pytest.fixture(params=["file", "below a file", "device"])
def unwritable(request, tmp_path) -> Path:
    """A folder that even root cannot make."""
    (tmp_path / "file").write_text("")
    places = {"file": "file", "below a file": "file/below", "device": "/dev/null"}
    return tmp_path / places[request.param]


def bound(words: list[str], **environ: str | None) -> subprocess.CompletedProcess:
    """`python -m job` by a user whom the permissions of folders bind, which root's do not."""
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if os.getuid() == 0 and not shutil.which("setpriv"):
        pytest.skip("needs setpriv, or a user other than root")
    given = {**os.environ, "OMP_NUM_THREADS": "1", **environ}
    return subprocess.run(
        [*(drop if os.getuid() == 0 else []), sys.executable, "-m", "job", *words],
        cwd=ROOT,
        env={name: value for name, value in given.items() if value is not None},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_training_needs_no_cache(world, unwritable, tmp_path, capsys):
    """Both splits are encoded and not kept; the warning comes once."""
    code, log = world.run(capsys, str(tmp_path / "out"), epochs=1, cache_dir=unwritable)
    assert code == 0, log
    assert log.count(WARNING) == log.count(f"CACHE_DIR={unwritable} ") == 1


@pytest.mark.parametrize("mode", [0o000, 0o500], ids=["another's", "read-only"])
def test_training_needs_no_cache_that_it_may_write(world, tmp_path, mode):
    """Another user's folder is left as it is."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 12345, 12345)
    folder.chmod(mode | (0o055 if mode else 0))
    done = bound(world.flags(str(tmp_path / "out"), epochs=1, cache_dir=folder / "cache"))
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("cannot be written (Permission denied)") == 1
    assert (tmp_path / "out" / "model").exists()


@pytest.mark.parametrize("home", ["/dev/null", "/proc/1", "/", "", None])
def test_training_needs_no_home(world, tmp_path, home):
    """HOME and the user's configuration in it may be anything, or nothing."""
    flags = [f for f in world.flags(str(tmp_path / "out"), epochs=1) if "cache_dir" not in f]
    done = bound(flags, HOME=home, XDG_CACHE_HOME=None, TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(WARNING) == (home in ("/dev/null", "/proc/1"))


def test_a_corpus_is_downloaded_beside_a_cache_that_cannot_be_written(unwritable, memory, caplog):
    """Each file goes to one temporary folder of this process."""
    for split in ("train", "val"):
        memory.pipe_file(f"/corpora/toy/{split}.txt", split.encode())
    kept = Cache(unwritable, max_bytes=1000, force=False)
    found = find_sources("toy", "memory://corpora", kept, {}, "")
    assert {split: source.file.read_text() for split, (source,) in found.items()} == {
        "train": "train",
        "val": "val",
    }
    assert [record.getMessage().count(WARNING) for record in caplog.records] == [1]


def test_a_model_is_downloaded_beside_a_cache_that_cannot_be_written(
    world, unwritable, memory, caplog
):
    """A folder of a bucket is read from a temporary copy."""
    memory.put(f"{world.model}/", "/models/tiny/", recursive=True)
    folder = resolve_model("memory://models/tiny", None, None, unwritable)
    assert (folder / "config.json").read_text() == (world.model / "config.json").read_text()
    assert [record.getMessage().count(WARNING) for record in caplog.records] == [1]


def test_a_prediction_needs_no_cache(world, unwritable, memory, tmp_path, capsys):
    """The model of a bucket is verified in a temporary copy."""
    code, log = world.run(capsys, str(tmp_path / "out"), epochs=1)
    assert code == 0, log
    memory.put(f"{tmp_path}/out/model/", "/trained/model/", recursive=True)
    (tmp_path / "in.txt").write_text("김철은 왔다.\n", "utf-8")
    out = tmp_path / "out.txt"
    assert predict("memory://trained", str(tmp_path / "in.txt"), str(out), cache_dir=unwritable)
    assert out.exists()


def test_a_cache_whose_disk_fills_is_left(tmp_path, memory, monkeypatch, caplog):
    """No space in the middle of a download: it starts again in the temporary folder."""
    memory.pipe_file("/corpora/toy/train.txt", b"text")
    sync = os.fsync

    def full(descriptor: int) -> None:
        if str(tmp_path / "cache") in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    kept = Cache(tmp_path / "cache", max_bytes=1000, force=False)
    assert kept.copy("memory://corpora/toy/train.txt").read_text() == "text"
    assert "(No space left on device)" in caplog.text
    assert not [file for file in (tmp_path / "cache").rglob("*") if file.is_file()]


def test_where_no_folder_can_be_written_the_download_fails(unwritable, memory, monkeypatch):
    """The temporary folder is the last resort."""
    memory.pipe_file("/corpora/toy/train.txt", b"text")
    monkeypatch.setattr(cache, "_temporary", lambda: unwritable)
    with pytest.raises(OutputError, match="cannot be written"):
        Cache(unwritable, max_bytes=1000, force=False).copy("memory://corpora/toy/train.txt")
