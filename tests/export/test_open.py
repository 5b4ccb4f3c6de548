"""A model is opened when its manifest is there and its files are those that it names."""

import pytest

from job.errors import ArgumentError, DataError
from job.predict import predict
from job.storage.manifest import MANIFEST
from tests.support.tagged import SENTENCE, upload


def test_a_remote_model_is_verified_and_a_new_one_is_noticed(output, memory, tmp_path):
    """A damaged copy in the cache and a damaged file in the store are both refused by name."""
    upload(output, memory, "/bucket/output")
    (tmp_path / "in.txt").write_text(SENTENCE)
    arguments = (
        "memory://bucket/output",
        str(tmp_path / "in.txt"),
        str(tmp_path / "out.txt"),
    )
    predict(*arguments, cache_dir=tmp_path)
    [cached] = (tmp_path / "models").iterdir()
    content = (cached / "model.safetensors").read_bytes()
    (cached / "model.safetensors").write_bytes(content[:-1] + b"\x01")
    with pytest.raises(DataError, match="another sha256"):
        predict(*arguments, cache_dir=tmp_path)
    memory.pipe("/bucket/output/model/label_map.txt", b"cut off")
    with pytest.raises(DataError, match=r"label_map\.txt has 7 bytes"):
        predict(*arguments, cache_dir=tmp_path / "other")
    memory.rm("/bucket/output/model/label_map.txt")
    with pytest.raises(DataError, match=r"label_map\.txt is missing"):
        predict(*arguments, cache_dir=tmp_path / "other")


def test_a_directory_without_a_manifest_is_no_finished_model(run, output, tmp_path):
    """An empty folder, or an export that was cut off, says that no training finished there."""
    with pytest.raises(ArgumentError, match=r"holds no MANIFEST\.json.*DOWNSTREAM_MODEL_DIR"):
        run("가", model=tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (output / "model").iterdir():
        if file.name != MANIFEST:
            (copy / file.name).write_bytes(file.read_bytes())
    with pytest.raises(ArgumentError, match="no training has finished there"):
        run("가", model=copy)
