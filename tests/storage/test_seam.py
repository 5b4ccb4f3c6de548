"""A scheme of one's own is an object of eleven functions and a row of the table, and no more."""

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from job import storage
from job.errors import OutputError, StorageError
from job.storage.objects import STORES
from job.storage.retry import Received


class Toy:
    """Objects in a dict: their content, and when it was written by the store's clock."""

    def __init__(self):
        self.objects: dict[str, tuple[bytes, float]] = {}
        self.clock = itertools.count()
        self.faults: list[Exception] = []

    def put(self, url: str, data: bytes) -> None:
        self.objects[url] = (data, float(next(self.clock)))

    def content(self, url: str) -> bytes:
        if self.faults:
            raise self.faults.pop()
        if url not in self.objects:
            raise FileNotFoundError(url)
        return self.objects[url][0]

    def exists(self, url: str) -> bool:
        return url in self.objects or bool(self.names(url))

    def names(self, url: str) -> set[str]:
        start = f"{url.rstrip('/')}/"
        below = (place for place in self.objects if place.startswith(start))
        return {place.removeprefix(start).split("/")[0] for place in below}

    def files_below(self, url: str, most: int) -> list[str]:
        start = f"{url.rstrip('/')}/"
        below = (place for place in self.objects if place.startswith(start))
        return [place.removeprefix(start) for place in below][:most]

    def modified_at(self, url: str) -> float:
        return self.objects[url][1]

    def size_and_version(self, url: str) -> tuple[int, str]:
        return len(self.content(url)), str(self.modified_at(url))

    def open_read(self, url: str) -> BinaryIO:
        return io.BytesIO(self.content(url))

    def read(self, url: str, stream: Received) -> None:
        data = self.content(url)
        stream.restart()
        stream.write(data)

    def write(self, file: Path, url: str) -> None:
        self.put(url, file.read_bytes())

    def create(self, url: str, data: bytes) -> None:
        if url in self.objects:
            raise FileExistsError(url)
        self.put(url, data)

    def swap(self, url: str, old: bytes, new: bytes) -> None:
        if self.content(url) != old:
            raise FileExistsError(url)
        self.put(url, new)

    def remove(self, url: str, is_ours: Callable[[str], bool]) -> list[str]:
        left = []
        for place in [p for p in self.objects if p == url or p.startswith(f"{url}/")]:
            inside = place.removeprefix(url).lstrip("/")
            if inside and not is_ours(inside):
                left.append(inside)
            else:
                del self.objects[place]
        return left


@pytest.fixture
def toy(monkeypatch):
    store = Toy()
    monkeypatch.setitem(STORES, "toy", store)
    return store


def test_what_is_written_is_read_and_listed(toy, tmp_path):
    """Bytes and files, there and back; a fault that passes is met with another attempt."""
    storage.write_bytes("toy://box/out/a", b"one")
    assert storage.read_bytes("toy://box/out/a") == b"one"
    (tmp_path / "file").write_bytes(b"two")
    storage.upload_file(tmp_path / "file", "toy://box/out/b/c")
    storage.download_file("toy://box/out/b/c", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"two"
    assert storage.list_names("toy://box/out") == ["a", "b"]
    assert storage.exists("toy://box/out/b")
    storage.require_scheme("toy://box")
    with storage.open_read("toy://box/out/a") as stream:
        assert stream.read() == b"one"
    before = storage.size_and_version("toy://box/out/a")
    storage.write_bytes("toy://box/out/a", b"1ne")
    assert before[0] == 3
    assert storage.size_and_version("toy://box/out/a") != before
    storage.remove("toy://box/out/a", "toy://box/out")
    assert storage.list_names("toy://box/out") == ["b"]


def test_its_faults_are_tried_again_and_named(toy, hurried):
    """As those of every other store."""
    storage.write_bytes("toy://box/a", b"one")
    toy.faults = [ConnectionError("once")]
    assert storage.read_bytes("toy://box/a") == b"one"
    toy.faults = [ConnectionError("for ever")] * 99
    with pytest.raises(StorageError, match=r"toy://box/a: for ever, and the store did not recover"):
        storage.read_bytes("toy://box/a")
    toy.faults = []
    storage.probe_writable("toy://box/out")
    assert storage.list_names("toy://box/out") == []


def test_a_folder_takes_the_place_of_another(toy, tmp_path):
    """What is ours goes, what others put there stays."""
    for version in ("old", "new"):
        folder = tmp_path / version
        folder.mkdir()
        (folder / version).write_text(version)
        (folder / storage.MANIFEST).write_text(json.dumps(storage.describe_files(folder)))
        storage.replace_dir(folder, "toy://box/out/model")
        storage.write_bytes("toy://box/out/model/note", b"somebody's")
    assert storage.list_names("toy://box/out/model") == ["MANIFEST.json", "new", "note"]


def test_its_lease_is_held_by_one(toy):
    """A second writer is refused while the first renews; it is given back at the end."""
    with storage.held("toy://box/out", ttl_s=60, renew_every_s=0.01) as lease:
        lease.confirm()
        with (
            pytest.raises(OutputError, match="is writing to this folder"),
            storage.held("toy://box/out", ttl_s=60),
        ):
            raise AssertionError("two may write")
        lease.check()
    assert toy.objects == {}
