"""What passes by itself is tried again, for as long and as often as the policy says."""

import io
from types import SimpleNamespace

import pytest
import requests

from job import storage
from job.errors import StorageError
from job.storage import retry
from job.storage.faults import CorruptedError, GaveUpError
from job.storage.retry import Received, RetryPolicy, persist, retrying

URL = "gs://bucket/object"
MINUTES = RetryPolicy(deadline_s=300, first_wait_s=1, longest_wait_s=30)


class Clock:
    """Time that goes by only where a test says so, and while the job waits."""

    def __init__(self):
        self.now, self.waits = 0.0, []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(retry, "time", clock)
    return clock


def busy(**headers: str) -> requests.HTTPError:
    return requests.HTTPError("busy", response=SimpleNamespace(status_code=503, headers=headers))


def test_a_slow_transfer_outlives_the_deadline(clock):
    """Each attempt takes 200 s and brings another part: the whole takes 1,000 s of 300."""
    received = Received(io.BytesIO())

    def receive() -> float:
        clock.now += 200
        received.write(b"part")
        if received.tell() < 20:
            raise ConnectionError("cut off")
        return clock.now

    assert retrying(URL, MINUTES, received=received)(receive)() > 1000


def test_what_comes_again_is_no_news(clock):
    """A transfer that starts anew and is always cut off at the same place is given up."""
    received = Received(io.BytesIO())

    def receive() -> None:
        clock.now += 200
        received.restart()
        received.write(b"the same part")
        raise ConnectionError("cut off")

    with pytest.raises(GaveUpError) as caught:
        retrying(URL, MINUTES, received=received)(receive)()
    assert caught.value.attempts == 3  # at 200 s something came, at 400 s and 600 s nothing new
    assert isinstance(caught.value.cause, ConnectionError)


def test_without_bytes_the_deadline_counts_from_the_start(clock):
    """And the sentence names it."""

    def ask() -> None:
        clock.now += 200
        raise busy()

    with pytest.raises(StorageError, match=r"HTTP 503, and the store did not recover within 300 s"):
        persist(URL, ask)
    assert 400 <= clock.now < 500


def test_so_many_attempts_in_a_row(clock):
    """A policy may count them; what arrives in between starts the count anew."""
    received = Received(io.BytesIO())
    asked = []

    def ask() -> None:
        asked.append(clock.now)
        clock.now += 1
        if len(asked) == 2:
            received.write(b"part")
        raise busy()

    with pytest.raises(GaveUpError):
        retrying(URL, RetryPolicy(attempts=3), received=received)(ask)()
    assert len(asked) == 4


def test_a_busy_server_says_how_long_to_wait(clock):
    """Up to the longest wait; a date is not heeded."""
    answers = iter([busy(**{"Retry-After": "7"}), busy(**{"Retry-After": "3600"}), busy(), "yes"])

    def ask() -> str:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    assert retrying(URL, MINUTES)(ask)() == "yes"
    assert clock.waits[:2] == [7, 30]
    assert 0 <= clock.waits[2] <= 4


def test_what_is_damaged_at_rest_is_not_asked_for_without_end(clock):
    """Damaged on the way, it comes right the next time: after three it does not."""
    asked = []

    def receive() -> None:
        asked.append(URL)
        raise CorruptedError("damaged")

    with pytest.raises(CorruptedError):
        persist(URL, receive)
    assert len(asked) == 3


def test_a_secret_of_an_address_is_not_logged(clock, caplog):
    """A key in a query does not get into the warning of a new attempt."""
    answers = iter([ConnectionError("cut off"), "yes"])

    def ask() -> str:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    assert retrying("https://me:pw@a.example/b?key=x")(ask)() == "yes"
    assert "https://(secret)@a.example/b?(secret): cut off; trying again" in caplog.text


@pytest.mark.parametrize(
    "fault", [{"drop_after": 700_000, "times": 3}, {"corrupt": "down"}], ids=str
)
def test_a_slow_object_of_a_bucket_outlives_the_deadline(gcs, monkeypatch, fault):
    """By this clock each request that fails takes 400 s, and a deadline is 300 s: be it a part
    that is asked for again, or the whole."""
    data = bytes(range(256)) * 10_000
    gcs.put("slow/object", data)
    said = gcs.fault("GET", "slow/object", **fault)
    clock = SimpleNamespace(monotonic=lambda: 400 * said.hits, sleep=lambda _: None)
    monkeypatch.setattr(retry, "time", clock)
    assert storage.read_bytes("gs://bucket/slow/object") == data
    assert said.hits == fault.get("times", 1)
