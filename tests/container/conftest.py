"""What the container tests share. A missing engine or image fails: nothing is skipped here."""

import pytest

from tests.container.containers import IMAGE, Toy, docker


@pytest.fixture(scope="session", autouse=True)
def _image():
    found = docker("image", "inspect", IMAGE)
    assert found.code == 0, f"{IMAGE} is not there; `make test-container` builds it: {found.err}"


@pytest.fixture
def toy(tmp_path) -> Toy:
    return Toy(tmp_path)
