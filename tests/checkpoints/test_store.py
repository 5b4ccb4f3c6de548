"""What is committed survives, what is kept, and what is found again."""

import json

import pytest

from job import storage
from job.checkpoints.store import CheckpointStore
from job.errors import IncompatibleError, OutputError
from job.storage import local


def commit(store, tmp_path, step, val_loss=None):
    folder = tmp_path / "staging"
    folder.mkdir(exist_ok=True)
    (folder / "state.pt").write_bytes(b"state %d" % step)
    metrics = {} if val_loss is None else {"val_loss": val_loss}
    store.commit(
        folder, step=step, facts={"metrics": metrics, "settings": {"seed": 7}, "labels": ["O"]}
    )


def data_of(store):
    """The name under which a store's writer puts state.pt."""
    return f"state-{store.writer}.pt"


def steps(store):
    return [checkpoint.step for checkpoint in store.committed()]


@pytest.mark.parametrize(
    ("monitor", "keep", "expected"),
    [
        (("min", "val_loss"), 1, [2, 6]),
        (("max", "val_loss"), 1, [1, 6]),
        (("min", "val_loss"), 2, [2, 3, 6]),
        (("min", "val_loss"), 3, [2, 3, 4, 6]),
    ],
)
def test_the_best_and_the_newest_are_kept(url, tmp_path, monitor, keep, expected):
    """SAVE_TOP_K by MONITOR, and the newest whatever it is; a tie keeps the older one."""
    store = CheckpointStore(url, monitor, keep)
    losses = [0.9, 0.1, 0.2, 0.2, 0.3, None]
    for step, loss in enumerate(losses, start=1):
        commit(store, tmp_path, step, loss)
        assert step in steps(store)
    assert steps(store) == expected


def test_the_latest_is_kept_beside_newer_ones(url, tmp_path):
    """A run that went on from an older checkpoint saves below those that another run left."""
    store = CheckpointStore(url, ("min", "val_loss"), 1)
    for step, loss in ((8, 0.1), (9, 0.2), (3, 0.3)):
        commit(store, tmp_path, step, loss)
    assert steps(store) == [3, 8, 9]


def test_order_is_by_step_not_by_clock(url, tmp_path):
    """The newest is the one with the most steps, whenever it was written."""
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    for step in (100, 20, 3):
        commit(store, tmp_path, step, 0.5)
    assert steps(store) == [3, 20, 100]
    assert store.newest(tmp_path / "got").step == 100
    for step in (99_999_999, 100_000_000):  # whose name has a digit more
        commit(store, tmp_path, step, 0.5)
    assert store.newest(tmp_path / "got").step == 100_000_000


def test_a_folder_without_manifest_does_not_exist(url, tmp_path):
    """What a killed upload leaves behind is never found."""
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    commit(store, tmp_path, 1, 0.5)
    storage.write_bytes(storage.join(url, "step=00000002", "state.pt"), b"half")
    assert store.newest(tmp_path / "got").step == 1


def test_the_newest_that_verifies_is_taken(url, tmp_path, caplog):
    """A flipped bit, and a file that is gone, are passed over with a warning that names them."""
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    for step in (1, 2, 3):
        commit(store, tmp_path, step, 0.5)
    storage.write_bytes(storage.join(url, "step=00000003", data_of(store)), b"statf 3")
    storage.remove(storage.join(url, "step=00000002", data_of(store)), url)
    found = store.newest(tmp_path / "got")
    assert found.step == 1
    assert (tmp_path / "got" / "state.pt").read_bytes() == b"state 1"
    assert f"step=00000003/{data_of(store)} does not match" in caplog.text
    assert f"step=00000002/{data_of(store)} is missing" in caplog.text


def test_when_none_verifies_the_run_does_not_start_anew(url, tmp_path):
    """Damaged checkpoints are an error: starting over would overwrite what may be saved."""
    store = CheckpointStore(url, ("min", "val_loss"), 1)
    commit(store, tmp_path, 1, 0.5)
    storage.write_bytes(storage.join(url, "step=00000001", data_of(store)), b"?")
    with pytest.raises(IncompatibleError, match="RESUME=never"):
        store.newest(tmp_path / "got")


def test_nothing_there_is_a_beginning(url, tmp_path):
    """An empty output has no newest checkpoint."""
    assert CheckpointStore(url, ("min", "val_loss"), 1).newest(tmp_path) is None


def test_a_garbled_manifest_commits_nothing(url, tmp_path, caplog):
    """A manifest that is not what we write is passed over, named."""
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    commit(store, tmp_path, 1, 0.5)
    for step, data in ((2, b"{"), (3, json.dumps({"step": "x"}).encode())):
        storage.write_bytes(storage.join(url, f"step={step:08d}", "MANIFEST.json"), data)
    assert steps(store) == [1]
    assert "step=00000002" in caplog.text
    assert "step=00000003" in caplog.text


def test_the_manifest_is_written_last_and_removed_first(tmp_path, monkeypatch):
    """At no moment does a manifest stand over data that is not there."""
    store = CheckpointStore(str(tmp_path / "c"), ("min", "val_loss"), 1)
    events = []

    def recorded(act, sign, url_at):
        def call(*arguments):
            name = arguments[url_at].rsplit("/", 1)[1]
            existed = storage.exists(arguments[url_at])
            act(*arguments)
            if sign == "+" or existed:
                events.append(sign + name)

        return call

    for name, sign, url_at in (("upload_file", "+", 1), ("create", "+", 0), ("remove", "-", 0)):
        monkeypatch.setattr(storage, name, recorded(getattr(storage, name), sign, url_at))
    commit(store, tmp_path, 1, 0.5)
    commit(store, tmp_path, 2, 0.4)
    data = f"+{data_of(store)}"
    assert events == [
        *(data, "+MANIFEST.json"),
        *(data, "+MANIFEST.json", "-MANIFEST.json", "-step=00000001"),
    ]


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    """A save that fails commits nothing and deletes nothing."""
    store = CheckpointStore(str(tmp_path / "c"), ("min", "val_loss"), 1)
    commit(store, tmp_path, 1, 0.5)

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(local.shutil, "copyfile", full)
    with pytest.raises(OutputError, match="no space left"):
        commit(store, tmp_path, 2, 0.4)
    monkeypatch.undo()
    assert store.newest(tmp_path / "got").step == 1


def test_what_dead_runs_left_is_collected(url, tmp_path, caplog):
    """Folders never committed and data that no manifest names go; everything else stays."""
    caplog.set_level("INFO")
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    commit(store, tmp_path, 1, 0.5)
    storage.write_bytes(storage.join(url, "step=00000001", "state-dead.pt"), b"half")
    storage.write_bytes(storage.join(url, "step=00000002", "state-dead.pt"), b"half")
    storage.write_bytes(storage.join(url, "step=00000003", "MANIFEST.json"), b"garbage")
    storage.write_bytes(storage.join(url, "notes", "mine.txt"), b"kept")
    store.clean_up(start_anew=False)
    assert storage.list_names(url) == ["notes", "step=00000001", "step=00000003"]
    assert storage.list_names(storage.join(url, "step=00000001")) == [
        "MANIFEST.json",
        data_of(store),
    ]
    assert "step=00000002 was never committed" in caplog.text
    store.clean_up(start_anew=True)
    assert storage.list_names(url) == ["notes"]


def test_only_garbage_is_no_beginning(url, tmp_path):
    """Manifests that cannot be read are damaged checkpoints, not none."""
    storage.write_bytes(storage.join(url, "step=00000003", "MANIFEST.json"), b"garbage")
    with pytest.raises(IncompatibleError, match="none of 1 checkpoint "):
        CheckpointStore(url, ("min", "val_loss"), 5).newest(tmp_path / "got")


def test_who_lost_the_right_to_write_commits_nothing(url, tmp_path):
    """The right is confirmed before the manifest. Lost only just after it, the run ends, too, but
    the checkpoint, which is good, stands: the successor may have gone on from it."""
    answers = []

    def confirm():
        if not answers.pop(0):
            raise OutputError("another holds the lease")

    store = CheckpointStore(url, ("min", "val_loss"), 5, confirm)
    for answers[:], expected in (([False], []), ([True, False], [1])):
        with pytest.raises(OutputError, match="another holds"):
            commit(store, tmp_path, 1, 0.5)
        assert answers == []
        assert steps(store) == expected
    answers[:] = [True, True]
    commit(store, tmp_path, 2, 0.5)
    assert steps(store) == [1, 2]


def test_a_loss_that_is_no_number_is_never_the_best(url, tmp_path):
    """NaN and infinity compare with nothing."""
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    for step, loss in ((1, float("nan")), (2, 0.5), (3, float("-inf"))):
        commit(store, tmp_path, step, loss)
    assert [c.step for c in store.best(store.committed())] == [2]


def test_a_damaged_step_that_is_saved_anew_counts_again(url, tmp_path):
    """What was found damaged at the start keeps nothing in place until then."""
    store = CheckpointStore(url, ("min", "val_loss"), 2)
    commit(store, tmp_path, 1, 0.5)
    commit(store, tmp_path, 2, 0.4)
    storage.write_bytes(storage.join(url, "step=00000002", data_of(store)), b"statf 2")
    assert store.newest(tmp_path / "got").step == 1
    assert steps(store) == [1]
    commit(store, tmp_path, 2, 0.4)
    assert steps(store) == [1, 2]


def test_a_step_that_is_saved_anew_is_never_absent(url, tmp_path, monkeypatch):
    """At the moment of its commit the old manifest stands, or the new one."""
    store = CheckpointStore(url, ("min", "val_loss"), 1)
    commit(store, tmp_path, 1, 0.5)
    seen, swap = [], storage.swap
    monkeypatch.setattr(
        storage, "swap", lambda *a: (seen.append(steps(store)), swap(*a), seen.append(steps(store)))
    )
    commit(store, tmp_path, 1, 0.4)
    assert seen == [[1], [1]]
    assert store.committed()[0].metrics == {"val_loss": 0.4}


@pytest.mark.parametrize(
    "damage",
    [
        {"files": {"../../escaped": {"sha256": "0", "size": 1}}},
        {"files": {"state.pt": {"sha256": "0", "size": 1, "object": "../other/state.pt"}}},
        {"files": {"/etc/passwd": {"sha256": "0", "size": 1}}},
        {"files": {".hidden": {"sha256": "0", "size": 1}}},
        {"files": {"state.pt": {"size": 1}}},
        {"metrics": {"val_loss": "x"}},
        {"metrics": None},
        {"step": float("inf")},
    ],
    ids=str,
)
def test_a_manifest_that_leads_elsewhere_commits_nothing(url, tmp_path, damage):
    """Names stay in their folder, and numbers are numbers."""
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    commit(store, tmp_path, 1, 0.5)
    commit(store, tmp_path, 2, 0.5)
    place = storage.join(url, "step=00000002", "MANIFEST.json")
    manifest = json.loads(storage.read_bytes(place)) | damage
    storage.write_bytes(place, json.dumps(manifest).encode())
    assert steps(store) == [1]
    assert store.newest(tmp_path / "deep" / "er").step == 1


@pytest.mark.parametrize("start_anew", [False, True])
def test_files_of_a_person_below_checkpoints_stay(url, tmp_path, caplog, start_anew):
    """Beside the folders, in a committed one, and in one that was never committed: only names that
    the job writes go, and what stays is said."""
    caplog.set_level("INFO")
    store = CheckpointStore(url, ("min", "val_loss"), 5)
    commit(store, tmp_path, 1, 0.5)
    mine = ("notes.txt", "step=1/x", *(f"step=0000000{n}/mine.txt" for n in (1, 2, 3)))
    for name in (*mine, "step=00000002/sub/state.pt"):
        storage.write_bytes(storage.join(url, *name.split("/")), b"mine")
    for name in ("state-0a1b2c3d.pt", "state.pt", ".state-0a1b2c3d.pt.01234567"):
        storage.write_bytes(storage.join(url, "step=00000002", name), b"half")
    store.clean_up(start_anew=start_anew)
    for name in mine:
        assert storage.read_bytes(storage.join(url, *name.split("/"))) == b"mine"
    assert storage.list_names(storage.join(url, "step=00000002")) == ["mine.txt", "sub"]
    ours = [] if start_anew else ["MANIFEST.json", data_of(store)]
    assert storage.list_names(storage.join(url, "step=00000001")) == sorted([*ours, "mine.txt"])
    left = "step=00000003: left in place, because the job did not write them: mine.txt."
    assert left in caplog.text
    assert "step=00000003 was never committed; deleted" not in caplog.text


def test_a_checkpoint_behind_a_link_is_read_and_not_deleted(tmp_path):
    """A link to somebody's checkpoint is taken off; the checkpoint stays."""
    store = CheckpointStore(f"{tmp_path}/theirs", ("min", "val_loss"), 5)
    commit(store, tmp_path, 1, 0.5)
    ours = CheckpointStore(f"{tmp_path}/ours", ("min", "val_loss"), 1)
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "step=00000001").symlink_to(tmp_path / "theirs" / "step=00000001")
    storage.write_bytes(f"{tmp_path}/theirs/step=00000001/state-dead.pt", b"")
    ours.clean_up(start_anew=False)
    assert ours.newest(tmp_path / "got").step == 1
    ours.clean_up(start_anew=True)
    assert list((tmp_path / "ours").iterdir()) == []
    assert storage.list_names(f"{tmp_path}/theirs/step=00000001") == sorted(
        ("MANIFEST.json", data_of(store), "state-dead.pt")
    )
