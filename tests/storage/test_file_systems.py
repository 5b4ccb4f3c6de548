"""What a file system lacks is done another way: nothing is lost, and of two one wins."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import nullcontext, suppress

import pytest

from job.errors import OutputError
from job.machine.liveness import process_name
from job.storage import local, locks, objects, replacement
from job.storage.lease import held
from job.storage.manifest import MANIFEST, describe_files
from job.storage.replacement import UNFINISHED, replace_dir
from job.training.output.probe import probe_output
from tests.support.cut_off import CutOff, cut_off_after
from tests.support.lacking import EACH, MOUNTED_BUCKET, POOREST, lack

WHOLE = [{what: name} for what, name in EACH] + [MOUNTED_BUCKET, POOREST]


def named(lacks: dict[str, str]) -> str:
    return "+".join(f"{what}-{name}" for what, name in lacks.items())


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch):
    """Each test is a process that has warned of nothing yet."""
    monkeypatch.setattr(locks, "_told", set())


@pytest.fixture(params=WHOLE, ids=named)
def lacking(request, tmp_path, monkeypatch):
    """An output, not yet there, on a file system that lacks something."""
    lack(monkeypatch, request.param, tmp_path / "disk")
    return tmp_path / "disk" / "out"


@pytest.fixture
def poor(tmp_path, monkeypatch):
    """An output, not yet there, on a file system that lacks everything."""
    lack(monkeypatch, POOREST, tmp_path / "disk")
    return tmp_path / "disk" / "out"


def export(folder, *names, text="ours"):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(text)
    (folder / MANIFEST).write_text(json.dumps(describe_files(folder)))
    return folder


def everything_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_every_operation_works_without(lacking, tmp_path):
    """Created once, swapped only for what is known, written over, a folder replaced twice; what a
    person put there stays, and nothing half-written does."""
    url, place = str(lacking), f"{lacking}/LEASE.json"
    objects.create(place, b"one")
    with pytest.raises(FileExistsError):
        objects.create(place, b"two")
    objects.swap(place, b"one", b"two, and longer")
    with pytest.raises(FileExistsError):
        objects.swap(place, b"one", b"three")
    with pytest.raises(FileNotFoundError):
        objects.swap(f"{url}/absent", b"", b"")
    assert objects.read_bytes(place) == b"two, and longer"
    objects.write_bytes(place, b"four")
    assert objects.read_bytes(place) == b"four"
    replace_dir(export(tmp_path / "old", "config.json", "vocab.txt"), f"{url}/model")
    objects.write_bytes(f"{url}/model/mine/deep.txt", b"mine")
    replace_dir(export(tmp_path / "new", "config.json", text="new"), f"{url}/model")
    assert objects.read_bytes(f"{url}/model/config.json") == b"new"
    assert everything_in(lacking) == [
        *("LEASE.json", "model", "model/MANIFEST.json", "model/config.json", "model/mine"),
        "model/mine/deep.txt",
    ]


def test_the_lease_is_held_without(lacking):
    """One job at a time: the second is refused while the first renews, and then nothing stays."""
    with held(str(lacking), renew_every_s=0.2) as mine:
        with pytest.raises(OutputError, match="is writing"), held(str(lacking), ttl_s=10):
            pytest.fail("two hold it")
        mine.confirm()
    assert everything_in(lacking) == []


def test_the_check_tries_each_and_leaves_nothing(lacking, caplog):
    """It passes where a run would, warns at most once of each thing that is lacking, and names it
    with what is done instead."""
    probe_output(str(lacking))
    probe_output(str(lacking))
    assert everything_in(lacking) == []
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == len(set(said)) <= 4
    for line in said:
        assert "this file system has no " in line
        assert "docs/checkpoints.md" in line


def test_of_two_creators_one_wins_without_links_and_locks(poor):
    """And of two that swap the same bytes: many threads, again and again."""
    poor.mkdir(parents=True)
    for turn in range(20):
        place, ready = f"{poor}/{turn}", threading.Barrier(4)
        created, replaced = [], {}

        def take(number: int, place=place, ready=ready, created=created, replaced=replaced) -> None:
            ready.wait()
            with suppress(FileExistsError):
                objects.create(place, b"%d" % number)
                created.append(b"%d" % number)
            ready.wait()
            with suppress(FileExistsError):
                before = objects.read_bytes(place)
                objects.swap(place, before, b"+%d" % number)
                replaced[b"+%d" % number] = before

        takers = [threading.Thread(target=take, args=(number,)) for number in range(4)]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join()
        assert len(created) == 1
        assert len(replaced) >= 1
        # Back from the last content to the first: no two replaced the same one.
        content = objects.read_bytes(place)
        for _ in range(len(replaced)):
            content = replaced.pop(content)
        assert [content] == created
    assert len(everything_in(poor)) == 20


def test_as_a_writer_the_file_itself_is_locked(tmp_path, monkeypatch, caplog):
    """Where readers may not lock, nothing is lacking: no lock file, and no warning."""
    lack(monkeypatch, {"locks for readers": "EBADF"}, tmp_path)
    monkeypatch.setattr(locks, "locked_beside", None)
    objects.create(f"{tmp_path}/x", b"one")
    objects.swap(f"{tmp_path}/x", b"one", b"two")
    assert caplog.messages == []


def test_who_waits_for_the_lock_file_sees_what_was_created_meanwhile(poor):
    """The look for the file and its renaming into place are one, under the lock."""
    poor.mkdir(parents=True)
    said = []

    def create() -> None:
        try:
            objects.create(f"{poor}/x", b"second")
        except FileExistsError as error:
            said.append(error)

    with locks.locked_beside(poor / "x"):
        second = threading.Thread(target=create)
        second.start()
        second.join(0.3)
        assert second.is_alive()
        (poor / "x").write_bytes(b"first")
    second.join()
    assert len(said) == 1
    assert (poor / "x").read_bytes() == b"first"


def test_a_lock_file_that_another_has_taken_over_stays(poor):
    """Who was taken for dead and wakes does not take away its successor's."""
    poor.mkdir(parents=True)
    with locks.locked_beside(poor / "x"):
        (poor / ".x.lock").write_bytes(b"another's")
    assert (poor / ".x.lock").read_bytes() == b"another's"


def test_a_dead_holders_lock_file_is_broken_at_once(poor, monkeypatch):
    """After a kill -9 in the middle of a swap nobody waits."""

    def wait(seconds: float) -> None:
        pytest.fail("it waits")

    monkeypatch.setattr(locks.time, "sleep", wait)
    source = "from job.machine.liveness import process_name; print(process_name())"
    gone = subprocess.run([sys.executable, "-c", source], stdout=subprocess.PIPE, check=True)
    objects.create(f"{poor}/LEASE.json", b"one")
    (poor / ".LEASE.json.lock").write_bytes(gone.stdout.strip() + b"\n0")
    objects.swap(f"{poor}/LEASE.json", b"one", b"two")
    assert everything_in(poor) == ["LEASE.json"]


def test_a_lock_file_of_nobody_known_is_waited_for_and_then_broken(poor, monkeypatch):
    """A holder on another machine, or one that was killed before it wrote its name."""
    monkeypatch.setattr(locks, "STALE_S", 0.5)
    objects.create(f"{poor}/LEASE.json", b"one")
    for left in (b"", b"other-boot pid:[1] 7 99\n0"):
        (poor / ".LEASE.json.lock").write_bytes(left)
        began_at = time.monotonic()
        objects.swap(f"{poor}/LEASE.json", b"one", b"one")
        assert time.monotonic() - began_at > 0.4
    assert everything_in(poor) == ["LEASE.json"]


def test_a_living_holders_lock_file_is_never_broken_while_it_changes_hands(poor, monkeypatch):
    """Who waits counts from the last change of the lock, not from when it began to wait."""
    monkeypatch.setattr(locks, "STALE_S", 0.6)
    objects.create(f"{poor}/LEASE.json", b"one")
    lock, ended = poor / ".LEASE.json.lock", threading.Event()
    lock.write_bytes(f"{process_name()}\n0".encode())

    def swap() -> None:
        objects.swap(f"{poor}/LEASE.json", b"one", b"two")
        ended.set()

    waiter = threading.Thread(target=swap)
    waiter.start()
    for turn in range(1, 6):
        assert not ended.wait(0.2)
        lock.write_bytes(f"{process_name()}\n{turn}".encode())
    waiter.join()
    assert objects.read_bytes(f"{poor}/LEASE.json") == b"two"


def test_a_lock_that_cannot_be_written_leaves_no_lock(poor, monkeypatch):
    """A disk that is full is told as such, and blocks nobody once there is room."""
    objects.create(f"{poor}/LEASE.json", b"one")
    with monkeypatch.context() as full:
        real = locks.Path.open

        def open_full(path, mode="r", *arguments, **options):
            stream = real(path, mode, *arguments, **options)
            if mode == "xb":
                stream.close()
                stream = real("/dev/full", "wb")
            return stream

        full.setattr(locks.Path, "open", open_full)
        with pytest.raises(OutputError, match="no space left"):
            objects.swap(f"{poor}/LEASE.json", b"one", b"two")
    assert everything_in(poor) == ["LEASE.json"]


@pytest.mark.parametrize("calls", range(1, 12))
def test_cut_off_anywhere_in_a_replacement_file_by_file(poor, tmp_path, monkeypatch, calls):
    """No MANIFEST.json stands over files that it does not name as they are, and the next
    replacement ends as if nothing had happened, a person's file in its place."""
    place = f"{poor}/model"
    replace_dir(export(tmp_path / "old", "config.json", "vocab.txt"), place)
    objects.write_bytes(f"{place}/mine.txt", b"mine")
    new = export(tmp_path / "new", "config.json", "spiece.model", text="new")
    cut = cut_off_after(calls)
    with monkeypatch.context() as patched:
        patched.setattr(local, "_put", cut(local._put))
        patched.setattr(local.shutil, "copyfile", cut(local.shutil.copyfile))
        patched.setattr(local, "remove", cut(local.remove))
        with pytest.raises(CutOff) if calls <= 10 else nullcontext():  # in ten steps it is done
            replace_dir(new, place)
    if (poor / "model" / MANIFEST).exists():
        manifest = json.loads((poor / "model" / MANIFEST).read_bytes())
        now = describe_files(poor / "model")["files"]
        assert {name: now.get(name) for name in manifest["files"]} == manifest["files"]
    (poor / "model" / ".config.json.0123abcd").write_text("half")
    replace_dir(new, place)
    assert everything_in(poor) == [
        "model",
        *(f"model/{n}" for n in ("MANIFEST.json", "config.json", "mine.txt", "spiece.model")),
    ]


@pytest.mark.parametrize("why", ["a mount point", "no renaming"])
def test_where_a_folder_cannot_be_replaced_no_copy_is_made_beside_it(tmp_path, monkeypatch, why):
    """A model of gigabytes is not written twice, nor to a disk that may be too small."""
    (tmp_path / "out" / "model").mkdir(parents=True)
    if why == "a mount point":
        monkeypatch.setattr(local.Path, "is_mount", lambda path: path.name == "model")
    else:
        lack(monkeypatch, {"renaming of folders": "EMFILE"}, tmp_path / "out")
    monkeypatch.setattr(replacement, "_copy", lambda folder, target: pytest.fail("copied"))
    replace_dir(export(tmp_path / "new", "config.json"), f"{tmp_path}/out/model")
    assert everything_in(tmp_path / "out") == ["model", "model/MANIFEST.json", "model/config.json"]


def test_a_mark_of_an_unfinished_replacement_goes_with_a_whole_one(tmp_path):
    """Begun file by file where folders could not be renamed, ended where they can be."""
    place = f"{tmp_path}/out/model"
    marked = {"format": 1, "code_version": "1", "files": {"config.json": None}}
    objects.write_bytes(f"{place}/{UNFINISHED}", json.dumps(marked).encode())
    objects.write_bytes(f"{place}/config.json", b"half")
    replace_dir(export(tmp_path / "new", "config.json"), place)
    assert objects.list_names(place) == ["MANIFEST.json", "config.json"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("name", ["link", "rename", "replace"])
def test_a_full_disk_is_no_lack(tmp_path, monkeypatch, name, number):
    """What is refused for want of room is told as that, and what was there is left alone."""
    url = f"{tmp_path}/out"
    replace_dir(export(tmp_path / "old", "config.json"), f"{url}/model")
    objects.write_bytes(f"{url}/label_map.txt", b"old")

    def full(*arguments, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, full)
    acts = {
        "link": lambda: objects.create(f"{url}/x", b""),
        "rename": lambda: replace_dir(export(tmp_path / "new", "other.json"), f"{url}/model"),
        "replace": lambda: objects.write_bytes(f"{url}/label_map.txt", b"new"),
    }
    with pytest.raises(OutputError, match=r"no space left|quota is used up"):
        acts[name]()
    assert objects.read_bytes(f"{url}/label_map.txt") == b"old"
    assert objects.list_names(f"{url}/model") == ["MANIFEST.json", "config.json"]
    assert objects.list_names(url) == ["label_map.txt", "model"]


def test_a_fault_of_the_disk_is_no_lack(tmp_path, monkeypatch):
    """What cannot be brought to the disk is not taken for written."""

    def broken(*arguments):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OutputError, match="Input/output error"):
        objects.write_bytes(f"{tmp_path}/x", b"")
    assert everything_in(tmp_path) == []


def test_another_users_file_is_swapped_where_the_folder_is_ours(tmp_path, monkeypatch):
    """It cannot be opened for writing, and need not be: it is locked as a reader."""
    objects.create(f"{tmp_path}/LEASE.json", b"one")
    real = locks.Path.open

    def open_as_another(path, mode="r", *arguments, **options):
        if mode == "rb+" and path.name == "LEASE.json":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, mode, *arguments, **options)

    monkeypatch.setattr(locks.Path, "open", open_as_another)
    objects.swap(f"{tmp_path}/LEASE.json", b"one", b"two")
    assert objects.read_bytes(f"{tmp_path}/LEASE.json") == b"two"
