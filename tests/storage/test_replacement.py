"""A folder takes the place of another, and what a person put there stays."""

import json
import unicodedata
from contextlib import nullcontext
from pathlib import Path

import pytest

from job.errors import OutputError
from job.storage import local, objects, replacement
from job.storage.manifest import describe_files
from job.storage.replacement import UNFINISHED, refuse_others, replace_dir
from job.storage.urls import is_local
from tests.support.cut_off import CutOff, cut_off_after


def export(folder, *names, text="ours"):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(text)
    (folder / "MANIFEST.json").write_text(json.dumps(describe_files(folder)))
    return folder


def test_what_the_old_manifest_does_not_name_stays(url, tmp_path, caplog):
    """Files and folders of a person are there afterwards, and are named in the log; files of the
    old export that the new one lacks are not."""
    caplog.set_level("INFO")
    place = objects.join(url, "model")
    replace_dir(export(tmp_path / "old", "config.json", "vocab.txt"), place)
    objects.write_bytes(objects.join(place, "mine.txt"), b"mine")
    objects.write_bytes(objects.join(place, "notes", "deep.txt"), b"deep")
    replace_dir(export(tmp_path / "new", "config.json", "spiece.model", text="new"), place)
    assert objects.list_names(place) == [
        *("MANIFEST.json", "config.json", "mine.txt", "notes", "spiece.model"),
    ]
    assert objects.read_bytes(objects.join(place, "mine.txt")) == b"mine"
    assert objects.read_bytes(objects.join(place, "notes", "deep.txt")) == b"deep"
    assert objects.read_bytes(objects.join(place, "config.json")) == b"new"
    assert objects.list_names(url) == ["model"]
    assert "left in place, because the job did not write them: mine.txt, notes." in caplog.text


def test_a_report_leaves_what_has_other_names(url, tmp_path):
    """Without a manifest ours are the names that it always has."""
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "index.html").write_text("new")
    place = objects.join(url, "report")
    objects.write_bytes(objects.join(place, "index.html"), b"old")
    objects.write_bytes(objects.join(place, "mine.csv"), b"mine")
    replace_dir(tmp_path / "report", place)
    assert objects.list_names(place) == ["index.html", "mine.csv"]
    assert objects.read_bytes(objects.join(place, "index.html")) == b"new"


def test_another_model_is_never_overwritten(url, tmp_path):
    """A folder with the needed names and no manifest of ours is somebody's: refused, whole."""
    place = objects.join(url, "model")
    objects.write_bytes(objects.join(place, "config.json"), b"theirs")
    with pytest.raises(OutputError, match=r"config\.json would be overwritten, and no MANIFEST"):
        replace_dir(export(tmp_path / "new", "config.json"), place)
    objects.write_bytes(objects.join(place, "MANIFEST.json"), b'{"files": ["config.json"]}')
    with pytest.raises(OutputError, match=r"MANIFEST\.json, config\.json would be overwritten"):
        replace_dir(tmp_path / "new", place)
    assert objects.list_names(place) == ["MANIFEST.json", "config.json"]
    assert objects.read_bytes(objects.join(place, "config.json")) == b"theirs"


@pytest.mark.parametrize(
    ("theirs", "ours"), [("readme.md", "README.md"), ("cafe\u0301.txt", "caf\u00e9.txt")]
)
def test_a_file_whose_name_is_spelled_otherwise_is_not_overwritten(
    tmp_path, monkeypatch, theirs, ours
):
    """Where a file system takes both for one name it is refused, and elsewhere both lie there."""

    def exists(url):
        path = Path(url)
        spelled = unicodedata.normalize("NFC", path.name).casefold()
        found = (unicodedata.normalize("NFC", each.name) for each in path.parent.iterdir())
        return spelled in {name.casefold() for name in found}

    new, place = export(tmp_path / "new", ours), tmp_path / "out" / "model"
    place.mkdir(parents=True)
    (place / theirs).write_text("theirs")
    with monkeypatch.context() as patched:
        patched.setattr(local, "exists", exists)
        with pytest.raises(OutputError, match=f"model: {theirs} would be overwritten"):
            replace_dir(new, str(place))
    assert objects.list_names(str(place)) == [theirs]
    replace_dir(new, str(place))
    assert (place / theirs).read_text() == "theirs"
    assert (place / ours).read_text() == "ours"


def test_a_manifest_that_was_damaged_keeps_nothing_from_being_made_anew(url, tmp_path):
    """It was ours; what was beside it is named no more, and stays."""
    place = objects.join(url, "model")
    replace_dir(export(tmp_path / "old", "config.json", "vocab.txt"), place)
    objects.write_bytes(objects.join(place, "MANIFEST.json"), b"\0garbage")
    replace_dir(export(tmp_path / "new", "config.json", text="new"), place)
    assert objects.read_bytes(objects.join(place, "config.json")) == b"new"
    assert objects.list_names(place) == ["MANIFEST.json", "config.json", "vocab.txt"]


@pytest.mark.parametrize("calls", range(1, 17))
def test_cut_off_anywhere_the_next_one_ends_well(url, tmp_path, monkeypatch, calls):
    """Wherever a replacement stops, a person's file is still there, and what was half-written is
    ours the next time."""
    place = objects.join(url, "model")
    replace_dir(export(tmp_path / "old", "config.json", "vocab.txt"), place)
    objects.write_bytes(objects.join(place, "mine.txt"), b"mine")
    new = export(tmp_path / "new", "config.json", "spiece.model", text="new")
    until_cut_off = cut_off_after(calls)
    steps = 15 if is_local(url) else 7  # of a whole replacement
    with monkeypatch.context() as patched:
        for owner, name in (
            *((objects, "remove"), (objects, "upload_file"), (replacement, "_bring_over")),
            *((local.Path, "rename"), (local.Path, "unlink"), (local.shutil, "copyfile")),
            (local.shutil, "rmtree"),
        ):
            patched.setattr(owner, name, until_cut_off(getattr(owner, name)))
        with pytest.raises(CutOff) if calls <= steps else nullcontext():
            replace_dir(new, place)
    replace_dir(new, place)
    assert objects.list_names(place) == [
        *("MANIFEST.json", "config.json", "mine.txt", "spiece.model"),
    ]
    assert objects.read_bytes(objects.join(place, "mine.txt")) == b"mine"
    assert objects.list_names(url) == ["model"]


def test_a_model_folder_that_is_a_link_is_written_through(tmp_path):
    """The link stays one; behind it our files are replaced, and nothing else goes."""
    disk_of_models = export(tmp_path / "models", "config.json", "vocab.txt", text="old")
    (disk_of_models / "mine.txt").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model").symlink_to(disk_of_models)
    replace_dir(export(tmp_path / "new", "config.json", text="new"), f"{tmp_path}/out/model")
    assert (tmp_path / "out" / "model").is_symlink()
    found = {path.name: path.read_text() for path in disk_of_models.iterdir()}
    assert found.keys() == {"MANIFEST.json", "config.json", "mine.txt"}
    assert (found["config.json"], found["mine.txt"]) == ("new", "mine")


def test_another_model_behind_a_link_is_never_overwritten(tmp_path):
    """What no manifest of ours names there is somebody's."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "config.json").write_text("theirs")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model").symlink_to(tmp_path / "theirs")
    with pytest.raises(OutputError, match=r"config\.json would be overwritten"):
        replace_dir(export(tmp_path / "new", "config.json"), f"{tmp_path}/out/model")
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["config.json"]
    assert (tmp_path / "theirs" / "config.json").read_text() == "theirs"


def test_before_training_a_model_of_somebody_is_seen(url):
    """The look before a run refuses what the end of it would, and takes none for none."""
    place = objects.join(url, "model")
    refuse_others(place, {"config.json"})
    objects.write_bytes(objects.join(place, "notes.txt"), b"")
    refuse_others(place, {"config.json"})
    objects.write_bytes(objects.join(place, "config.json"), b"")
    with pytest.raises(OutputError, match="would be overwritten"):
        refuse_others(place, {"config.json"})
    marked = {"format": 1, "code_version": "1", "files": {"config.json": None}}
    objects.write_bytes(objects.join(place, UNFINISHED), json.dumps(marked).encode())
    refuse_others(place, {"config.json"})
