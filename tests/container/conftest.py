"""What the container tests share. A missing engine or image fails: nothing is skipped here."""

import pytest

from tests.container.containers import BUILT, IMAGE, Toy, docker


@pytest.fixture(scope="session", autouse=True)
def _image():
    found = docker("image", "inspect", IMAGE)
    assert found.code == 0, f"{IMAGE} is not there; `make test-container` builds it: {found.err}"


@pytest.fixture
def toy(tmp_path) -> Toy:
    return Toy(tmp_path)


@pytest.fixture
def built():
    """The image under test, by the names that the steps of cloudbuild.yaml expect."""
    names = [f"{BUILT}:{extra}-{tag}" for extra in ("gpu", "tpu") for tag in ("latest", "cache")]
    for name in names:
        assert docker("tag", IMAGE, name).code == 0
    yield
    docker("image", "rm", *names)
