"""The tests of the TPU path run in the environment of docker/tpu.txt: `make test-tpu`."""

import importlib.util
import os

import pytest

from tests.tpu.runs import CoreWorld


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/tpu/" in item.path.as_posix():  # several runs each, at most 300 s a run
            item.add_marker(pytest.mark.timeout(900))
    if importlib.util.find_spec("torch_xla") is not None:
        return
    if os.environ.get("TEST_TPU"):
        pytest.exit("torch_xla is not installed, and TEST_TPU says that these tests must run", 1)
    for item in items:
        if "tests/tpu/" in item.path.as_posix():
            item.add_marker(pytest.mark.skip(reason="no torch_xla here: `make test-tpu` runs it"))


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> CoreWorld:
    return CoreWorld(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def still_world(tmp_path_factory: pytest.TempPathFactory) -> CoreWorld:
    """A world whose model draws no dropout, so that it trains alike on any devices."""
    return CoreWorld(tmp_path_factory.mktemp("still"), dropout=0.0)
