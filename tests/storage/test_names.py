"""A name is nothing but a name: what one run does leaves every other place as it was."""

import json
import unicodedata
from hashlib import sha256

import fsspec
import pytest
from hypothesis import HealthCheck, example, given, settings

from job.checkpoints.store import CheckpointStore
from job.storage import objects, replacement
from job.storage.lease import held
from tests.support.hostile import Seen, pairs, segments

PROPERTY = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
OUTPUT = (
    *("LEASE.json", "label_map.txt", "model/MANIFEST.json", "model/config.json", "notes.txt"),
    *("checkpoints/step=00000001/MANIFEST.json", "checkpoints/step=00000001/state-0a.pt"),
    *("report/index.html", "logs/events", ".probe-01234567", "checkpoints/step=00000003/state.pt"),
)


@pytest.fixture
def seen(url, request) -> Seen:
    """The store of `url`, seen without the job's code."""
    server = request.getfixturevalue("gcs") if url.startswith("gs://") else None
    return Seen(url, server)


def live(url, tmp_path) -> None:
    """Does at `url` all that runs do with a store, and leaves nothing but label_map.txt."""
    objects.probe_writable(url)
    for version in ("old", "new"):
        folder = tmp_path / version
        folder.mkdir(exist_ok=True)
        (folder / version).write_text(version)
        (folder / "config.json").write_text(version)
        replacement.replace_dir(folder, objects.join(url, "report"))
        names = {"format": 1, "code_version": "1", "files": {version: {}, "config.json": {}}}
        (folder / "MANIFEST.json").write_text(json.dumps(names))
        replacement.replace_dir(folder, objects.join(url, "model"))
        (folder / "MANIFEST.json").unlink()
    assert objects.list_names(objects.join(url, "model")) == ["MANIFEST.json", "config.json", "new"]
    objects.upload_dir(tmp_path / "new", objects.join(url, "logs"))
    objects.write_bytes(objects.join(url, "label_map.txt"), b"O")
    objects.swap(objects.join(url, "label_map.txt"), b"O", b"B")
    assert objects.modified_at(objects.join(url, "label_map.txt")) > 0
    with objects.open_read(objects.join(url, "label_map.txt")) as stream:
        assert stream.read() == b"B"
    with held(url) as lease:
        save_and_delete(objects.join(url, "checkpoints"), tmp_path, lease.confirm)
    for name in ("checkpoints", "model", "report", "logs"):
        objects.remove(objects.join(url, name), url)
    left = objects.list_names(url)
    assert "label_map.txt" in left
    assert not {"checkpoints", "model", "report", "logs", "LEASE.json"} & {*left}


def save_and_delete(url, tmp_path, confirm) -> None:
    """Commits, prunes, finds, collects and starts anew."""
    store = CheckpointStore(url, ("min", "val_loss"), 1, confirm)
    (tmp_path / "state").mkdir(exist_ok=True)
    (tmp_path / "state" / "state.pt").write_bytes(b"state")
    for step in (1, 2, 3):
        facts = {"metrics": {"val_loss": step}, "settings": {}, "labels": []}
        store.commit(tmp_path / "state", step=step, facts=facts)
    assert store.newest(tmp_path / "got").step == 3
    objects.write_bytes(objects.join(url, "step=00000009", "state-dead.pt"), b"half")
    store.clean_up(start_anew=False)
    assert objects.list_names(url) == ["step=00000001", "step=00000003"]
    store.clean_up(start_anew=True)
    assert objects.list_names(url) == []


@PROPERTY
@given(pair=pairs)
@example(pair=("run[1]", "run1"))
@example(pair=("run*", "run10"))
@example(pair=("r?n", "run"))
@example(pair=("run#12", "run"))
@example(pair=("x::y", "x"))
@example(pair=("김", unicodedata.normalize("NFD", "김")))
def test_neighbours_with_hostile_names_do_not_touch_each_other(url, seen, tmp_path, pair):
    """Whatever one run does, the other keeps its names and its bytes, and no third place appears:
    a pattern, a version, a chain, a form of Unicode or a beginning is never taken for a name."""
    name, other = (f"{sha256(repr(pair).encode()).hexdigest()[:8]}/{each}" for each in pair)
    for place in OUTPUT:
        seen.put(f"{other}/{place}", place.encode())
    before = seen.all()
    theirs = seen.below(other)
    assert len(theirs) == len(OUTPUT)
    live(objects.join(seen.base, name), tmp_path)
    after = seen.all()
    ours = {seen.key(f"{name}/label_map.txt"): b"B"}
    assert after == before | ours


@PROPERTY
@given(name=segments)
@example(name="a#12")
@example(name="a?generation=5")
@example(name="a%2Fb%23+&:")
@example(name="a::memory")
def test_both_clients_of_a_store_mean_the_same_object(url, seen, name):
    """What is written under a name, listed and opened, is one object of that very name."""
    place = objects.join(url, sha256(name.encode()).hexdigest()[:8])
    objects.write_bytes(objects.join(place, name), name.encode())
    assert objects.list_names(place) == [name]
    assert objects.exists(objects.join(place, name))
    assert objects.read_bytes(objects.join(place, name)) == name.encode()
    with objects.open_read(objects.join(place, name)) as stream:
        assert stream.read() == name.encode()
    assert objects.size_and_version(objects.join(place, name))[0] == len(name.encode())
    assert seen.key(f"{place.rpartition('/')[2]}/{name}") in seen.all()
    objects.remove(objects.join(place, name), place)
    assert not objects.exists(objects.join(place, name))


@pytest.mark.parametrize("ending", ["/", "//"])
def test_slashes_at_the_end_are_nothing(url, tmp_path, ending):
    """A folder is the same with and without them, for every call."""
    objects.write_bytes(objects.join(url, "a", "x"), b"x")
    assert objects.list_names(url + ending) == ["a"]
    assert objects.exists(f"{url}/a{ending}")
    objects.remove(f"{url}/a{ending}", url + ending)
    assert not objects.exists(url + "/a")


def test_slashes_within_a_buckets_name_are_part_of_it(gcs, tmp_path):
    """`a//b` and `a/b` are two places there, and a run in one leaves the other alone."""
    gcs.store.contents.clear()
    gcs.store.objects["bucket"] = {}
    for place in OUTPUT:
        gcs.put(f"a/b/{place}", b"")
    live("gs://bucket/a//b", tmp_path)
    live("gs://bucket//a/b", tmp_path)
    assert gcs.objects() == dict.fromkeys((f"a/b/{place}" for place in OUTPUT), b"") | {
        "a//b/label_map.txt": b"B",
        "/a/b/label_map.txt": b"B",
    }


def test_a_memory_store_keeps_the_folders_of_others(url):
    """What is removed is gone with its folders, and no other folder is."""
    if not url.startswith("memory"):
        pytest.skip("only this store has folders of its own and no disk")
    filesystem = fsspec.filesystem("memory")
    filesystem.makedirs(f"{url}/kept")
    objects.write_bytes(f"{url}/gone/a/b", b"")
    objects.remove(f"{url}/gone", url)
    assert objects.list_names(url) == ["kept"]
