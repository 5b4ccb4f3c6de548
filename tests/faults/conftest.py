"""A small world, a bucket store that is watched, and runs of the job in them."""

from collections.abc import Callable

import pytest

from tests.faults.jobs import Runs
from tests.faults.ledger import Ledger, Place, bucket_place, folder_place
from tests.support.gcs import GcsServer
from tests.support.runs import World


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def ledger(monkeypatch):
    """The watch over the server's bucket: at no moment may a committed checkpoint be lost."""
    with GcsServer() as server:
        # For runs, which are forked with it, and for calls of job.storage in the test itself.
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        watch = Ledger(server)
        yield watch
        server.clear_faults()
    assert watch.wrong == []
    assert [e for e in server.errors if not isinstance(e, ConnectionError)] == []  # of the killed


@pytest.fixture
def server(ledger) -> GcsServer:
    return ledger.server


@pytest.fixture
def runs(world, server, tmp_path):
    runs = Runs(world, tmp_path, {"STORAGE_EMULATOR_HOST": server.url})
    yield runs
    runs.end()


@pytest.fixture
def place(server) -> Place:
    """Where the runs of a test write: gs://bucket/out."""
    return bucket_place(server, "out")


@pytest.fixture(scope="session")
def untouched(world, tmp_path_factory) -> Callable[..., dict[str, object]]:
    """How a run with these arguments ends that nothing touches."""
    known: dict[str, dict[str, object]] = {}

    def outcome(**changed: object) -> dict[str, object]:
        if (key := repr(sorted(changed.items()))) not in known:
            folder = tmp_path_factory.mktemp("untouched")
            runs = Runs(world, folder, {})
            code, log = runs.finish(str(folder / "out"), **changed)
            runs.end()
            assert code == 0, log
            known[key] = folder_place(folder / "out").outcome()
        return known[key]

    return outcome
