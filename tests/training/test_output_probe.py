"""An output that cannot be written as the job writes is refused before the run, in a sentence."""

import errno
import os
from contextlib import suppress

import pytest

from job import storage
from job.errors import OutputError, StorageError
from job.signals import Stopped
from job.storage import local, objects
from job.training.output.probe import probe_output


def everything_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("name", ["checkpoints", "model", "report"])
@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_a_name_that_is_taken_is_told_before_a_run(tmp_path, name, kind):
    """Not after hours: the job needs folders there."""
    taken = tmp_path / name
    taken.write_text("") if kind == "file" else taken.symlink_to(tmp_path / "absent")
    with pytest.raises(OutputError, match=rf"{name} is a {kind}, and the job needs a folder"):
        probe_output(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["checkpoints", "model", "report"])
def test_each_folder_that_is_there_is_tried(tmp_path, monkeypatch, name):
    """It may be another disk, a read-only one among them."""
    (tmp_path / name).mkdir()
    real = local.make_folder

    def make(folder):
        if tmp_path / name in folder.parents:
            raise OSError(errno.EROFS, "Read-only file system")
        real(folder)

    monkeypatch.setattr(local, "make_folder", make)
    with pytest.raises(OutputError, match=rf"{name}/.*Read-only file system"):
        probe_output(str(tmp_path))


def test_what_is_not_there_after_it_was_written_is_told(tmp_path, monkeypatch):
    """A store that forgets, or somebody who tidies up: no fault of the job."""
    swap = storage.swap

    def forgetful(url, old, new):
        storage.local_path(url).unlink()
        swap(url, old, new)

    monkeypatch.setattr(storage, "swap", forgetful)
    with pytest.raises(StorageError, match="what was written is not there"):
        probe_output(str(tmp_path / "out"))
    assert everything_in(tmp_path / "out") == []


def test_what_failed_first_is_told(tmp_path, monkeypatch):
    """Not that the folder it was tried in could not be deleted then, either."""

    def fails(what):
        def act(*arguments):
            raise OutputError(what)

        return act

    monkeypatch.setattr(storage, "swap", fails("first"))
    monkeypatch.setattr(storage, "remove", fails("second"))
    with pytest.raises(OutputError, match="first"):
        probe_output(str(tmp_path / "out"))


def test_what_is_created_twice_is_told(tmp_path, monkeypatch):
    """Where the second of two creators wins as well, no lease can be held."""
    monkeypatch.setattr(storage, "create", lambda url, data: storage.write_bytes(url, data))
    with pytest.raises(StorageError, match="the store let it be created twice"):
        probe_output(str(tmp_path / "out"))
    assert everything_in(tmp_path / "out") == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG])
def test_a_file_system_that_takes_no_such_names_is_told_as_that(tmp_path, monkeypatch, number):
    """Some know no `=`, some no Hangul, and every one an end of a path."""

    def make(folder):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(local, "make_folder", make)
    with pytest.raises(OutputError, match=r"no folder and file named step=00000000/state-0.* can"):
        probe_output(str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("/proc/x", "cannot be made"),
        ("/dev/null", "/dev/null is a file, and the job needs a folder"),
        ("/dev/null/x", "/dev/null is a file, and the job needs a folder"),
        ("file", "file is a file, and the job needs a folder"),
        ("file/x", "file is a file, and the job needs a folder"),
        ("n" * 300, "File name too long"),
        ("a/" * 2030 + "x", "too long|too many folders"),
        ("dangling", "dangling is a link to nothing"),
        ("dangling/x", "dangling is a link to nothing"),
        ("loop", "loop is a link to nothing"),
    ],
)
def test_an_output_that_cannot_be_is_one_sentence(tmp_path, monkeypatch, output, said):
    """Whatever the system says to it, it is the output that is named, and nothing is made."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("absent/x")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OutputError, match=said) as caught:
        probe_output(output)
    assert output.split("/")[0] in str(caught.value)
    assert "\n" not in str(caught.value)
    assert everything_in(tmp_path) == ["dangling", "file", "loop"]


@pytest.mark.parametrize("after", ["create", "swap", "write_bytes", "read_bytes", "remove"])
@pytest.mark.parametrize("probe", [probe_output, storage.probe_writable])
def test_a_stop_in_the_middle_leaves_nothing(tmp_path, monkeypatch, probe, after):
    """A signal raises where the job happens to be."""
    act, stops = getattr(objects, after), iter([Stopped(15)])

    def stopped_once(*arguments):
        result = None if after == "remove" else act(*arguments)
        for stop in stops:
            raise stop
        return act(*arguments) if after == "remove" else result

    for place in (storage, objects):
        monkeypatch.setattr(place, after, stopped_once)
    with suppress(Stopped):
        probe(str(tmp_path))
    assert everything_in(tmp_path) == []
