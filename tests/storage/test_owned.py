"""What does not lie strictly below its owner is refused before anything is deleted."""

import pytest

from job.storage import objects
from job.storage.owned import NotOwnedError, require_below


@pytest.mark.parametrize(
    ("below", "owner"),
    [
        ("run", "run"),
        ("run/", "run"),
        ("run10/x", "run"),
        ("run/../run1", "run"),
        ("run/..", "run"),
        ("run/x/../../y", "run"),
        ("", "run"),
        ("x", "run"),
        ("run", "run/x"),
    ],
)
def test_what_is_not_below_is_not_deleted(url, below, owner):
    """Itself, its neighbours, those that begin with its name, and whatever `..` leads to."""
    for name in ("run/x", "run1/x", "run10/x", "x", "y"):
        objects.write_bytes(objects.join(url, *name.split("/"), "kept"), b"")
    with pytest.raises(NotOwnedError):
        objects.remove(f"{url}/{below}", f"{url}/{owner}")
    assert objects.list_names(url) == ["run", "run1", "run10", "x", "y"]


@pytest.mark.parametrize(
    ("url", "owner"),
    [
        ("gs://bucket/run//x", "gs://bucket/run"),
        ("gs://bucket/run/./x", "gs://bucket/run"),
        ("gs://bucket2/run/x", "gs://bucket"),
        ("gs://bucket/run/x", "s3://bucket/run"),
        ("memory://run/x", "run"),
        ("/etc/x", "."),
        ("../x", "."),
    ],
)
def test_another_store_or_bucket_is_not_below(url, owner):
    """Scheme and bucket are part of the name, and empty names are none of ours."""
    with pytest.raises(NotOwnedError):
        require_below(url, owner)


@pytest.mark.parametrize("root", ["gs://bucket", "gs://bucket/", "gcs://bucket", "memory://m", "/"])
def test_of_a_root_the_job_owns_its_own_names_alone(root):
    """Others' files lie beside them there."""
    staged = "0123abcd"
    for name in (
        *("LEASE.json", f"LEASE.json.{staged}", f".probe-{staged}", "checkpoints", "model"),
        *("report", "label_map.txt", f".model.old-{staged}", f".LEASE.json.{staged}", "logs"),
        *("checkpoints/step=00000001/MANIFEST.json", "compiled"),
    ):
        require_below(objects.join(root, name), root)
    for name in ("data", "run", "models", "LEASE.json2", ".probe-mine", "mine/checkpoints"):
        with pytest.raises(NotOwnedError, match="is not the job's own name"):
            require_below(objects.join(root, name), root)


def test_a_link_is_unlinked_and_never_followed(tmp_path):
    """What it leads to stays, as a file, as a folder, and on the way."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "x").write_text("theirs")
    out = tmp_path / "out"
    (out / "folder").mkdir(parents=True)
    (out / "folder" / "link").symlink_to(tmp_path / "theirs")
    (out / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(NotOwnedError, match="a link leads out"):
        objects.remove(f"{out}/link/x", str(out))
    objects.remove(f"{out}/folder", str(out))
    objects.remove(f"{out}/link/", str(out))
    assert list(out.iterdir()) == []
    assert (tmp_path / "theirs" / "x").read_text() == "theirs"


def test_an_output_may_be_a_link_itself(tmp_path):
    """The folder that the owner's name leads to is the owner's."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    objects.write_bytes(f"{tmp_path}/out/a/b", b"")
    objects.remove(f"{tmp_path}/out/a", f"{tmp_path}/out")
    assert list((tmp_path / "disk").iterdir()) == []


def test_what_is_not_ours_in_a_folder_stays_and_is_said(url):
    """Only what the caller calls its own goes; the rest is returned by name."""
    for name in ("a", "b", "c/a"):
        objects.write_bytes(objects.join(url, "run", *name.split("/")), b"")
    left = objects.remove(f"{url}/run", url, lambda name: name == "a")
    assert sorted(left) == ["b", "c/a"]
    assert objects.list_names(f"{url}/run") == ["b", "c"]
