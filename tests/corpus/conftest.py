"""A corpus in a folder of its own, and where it is loaded from."""

import logging
import shutil

import pytest

from job.corpus.load import load_corpus
from tests.support.drive_server import drive_server


@pytest.fixture(autouse=True)
def _log_everything(caplog):
    caplog.set_level(logging.INFO)


@pytest.fixture
def server():
    with drive_server() as running:
        yield running


@pytest.fixture
def load(tmp_path):
    def load(name="mine", root_url=None, **options):
        options = {
            "force_download": False,
            "sha256": {},
            "max_rejected_ratio": 0.05,
            "max_download_mb": 1,
            "allow_unseen_labels": False,
        } | options
        root_url = str(tmp_path / "root") if root_url is None else root_url
        return load_corpus(name, root_url or None, tmp_path / "cache", **options)

    return load


@pytest.fixture
def write(tmp_path):
    def write(**files):
        folder = tmp_path / "root" / "mine"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name.replace("__", ".")).write_bytes(data)
        return folder

    return write
