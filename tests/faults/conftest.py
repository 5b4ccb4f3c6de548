"""A small world, a bucket store that is watched, and runs of the job in them."""

import itertools
from collections.abc import Callable

import pytest

from tests.faults.jobs import Inside, Job
from tests.faults.ledger import Ledger, Place, bucket_place, folder_place
from tests.gcs import GcsServer
from tests.runs import World

OPTIONS = {
    "save_every_steps": 4,
    "storage_timeout_s": 20,
    "storage_deadline_s": 60,
    "max_attempts": 0,
}


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    return World(tmp_path_factory.mktemp("world"))


class Runs:
    """Starts runs in a world; those that a test leaves behind are killed at its end."""

    def __init__(self, world: World, folder, environ: dict[str, str]):
        self.world, self.folder, self.environ = world, folder, environ
        self.number = itertools.count(1)
        self.jobs: list[Job] = []

    def start(
        self,
        place: Place | str,
        *,
        inside: Inside | None = None,
        words: tuple[str, ...] = (),
        **changed: object,
    ) -> Job:
        url = place if isinstance(place, str) else place.url
        flags = self.world.flags(**{**OPTIONS, "downstream_model_dir": url, **changed})
        log = self.folder / f"log-{next(self.number)}"
        self.jobs.append(Job([*words, *flags], log, inside, **self.environ))
        return self.jobs[-1]

    def finish(self, place: Place | str, **changed) -> tuple[int, str]:
        return self.start(place, **changed).wait()

    def end(self) -> None:
        for job in self.jobs:
            if job.process.is_alive():
                job.process.kill()
            job.process.join()
            job.process.close()


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
