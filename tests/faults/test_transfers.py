"""Single transfers to and from a bucket that fails: done in the end, verified, or named.

After each the bucket holds the whole object or the old one, never a part of it.
"""

import gc
import random

import pytest

from job import storage
from job.errors import OutputError, PermissionDeniedError, StorageError
from job.storage import retry
from job.storage.faults import CorruptedError

pytestmark = [
    # A connection that was reset under requests is closed when its answer is collected.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]

URL = "gs://bucket/folder/object"
NAME = "folder/object"
SMALL = random.Random(1).randbytes(70_000)
LARGE = random.Random(2).randbytes(20_000_000)  # goes up in a session of its own
EVER = 10**6


@pytest.fixture
def server(gcs):
    """The session's server, empty: the clients of this process know no other."""
    for name in gcs.objects():
        gcs.delete(name)
    return gcs


@pytest.fixture(autouse=True)
def hurried():
    """Retries after a moment, and a fault is given up after a while."""
    retry.set_retry_policy(
        retry.RetryPolicy(timeout_s=1, deadline_s=3, first_wait_s=0.05, longest_wait_s=0.2)
    )
    yield
    retry.set_retry_policy(retry.RetryPolicy())
    gc.collect()  # while its sockets may be left open


@pytest.fixture
def patient(hurried):
    """For faults that pass: on a busy machine a good request may take seconds."""
    retry.set_retry_policy(
        retry.RetryPolicy(timeout_s=3, deadline_s=200, first_wait_s=0.05, longest_wait_s=0.2)
    )


@pytest.fixture
def file(tmp_path):
    def made(data: bytes):
        (tmp_path / "file").write_bytes(data)
        return tmp_path / "file"

    return made


# Name → the object's bytes, then the faults that are put in its way up, one after the other.
PASSING_UP = {
    "503 three times": (SMALL, [{"status": 503, "times": 3}]),
    "503 three times, in a session": (LARGE, [{"status": 503, "times": 3, "skip": 1}]),
    "429": (SMALL, [{"status": 429, "times": 2}]),
    "408, 500, 502, 504": (SMALL, [{"status": s} for s in (408, 500, 502, 504)]),
    "reset at once": (SMALL, [{"drop_after": 0, "times": 2}]),
    "reset mid-body": (SMALL, [{"drop_after": 30_000}]),
    "reset mid-chunk": (LARGE, [{"method": "PUT", "drop_after": 7_000_001, "times": 2}]),
    "stall": (SMALL, [{"stall_s": 600}]),
    "stall in a session": (LARGE, [{"method": "PUT", "stall_s": 600}]),
    "session gone": (LARGE, [{"method": "PUT", "status": 410}]),
    "corrupted": (SMALL, [{"corrupt": "up"}]),
    "corrupted in a session": (LARGE, [{"corrupt": "up"}]),
    "truncated": (SMALL, [{"truncate": 1000}]),
    "truncated in a session": (LARGE, [{"truncate": 10_000_000}]),
    "committed, then 503": (SMALL, [{"status": 503, "commit_first": True}]),
    "committed, then 503, in a session": (
        LARGE,
        [{"method": "PUT", "status": 503, "commit_first": True}],
    ),
    "committed, then reset": (SMALL, [{"drop_after": 0, "commit_first": True}]),
}


@pytest.mark.parametrize("case", PASSING_UP)
def test_an_upload_comes_through(server, file, patient, case):
    """A fault that passes is outlived, and what lies there then is what was sent."""
    data, ways = PASSING_UP[case]
    said = [server.fault(path="/upload/", **way) for way in ways]
    storage.upload_file(file(data), URL)
    assert all(fault.hits for fault in said)
    assert server.objects()[NAME] == data


PASSING_DOWN = {
    "503 three times": [{"status": 503, "times": 3}],
    "429": [{"status": 429}],
    "reset mid-body": [{"drop_after": 7_000_001, "times": 2}],
    "stall": [{"stall_s": 600}],
    "corrupted": [{"corrupt": "down"}],
    "truncated": [{"truncate": 5_000_000}],
}


@pytest.mark.parametrize("case", PASSING_DOWN)
def test_a_download_comes_through(server, tmp_path, patient, case):
    """What arrives is what lies there; a file appears whole or not at all."""
    server.put(NAME, LARGE)
    said = [server.fault("GET", "folder/object", **way) for way in PASSING_DOWN[case]]
    storage.download_file(URL, tmp_path / "got")
    assert all(fault.hits for fault in said)
    assert (tmp_path / "got").read_bytes() == LARGE
    assert [path.name for path in tmp_path.iterdir()] == ["got"]


@pytest.mark.parametrize("case", ["503 three times", "429", "reset mid-body", "stall"])
def test_a_stream_comes_through(server, case):
    """Read in parts, each of which is asked for again where it failed."""
    server.put(NAME, LARGE)
    with storage.open_read(URL) as stream:
        start = stream.read(10)
        way = {**PASSING_DOWN[case][0], **({"drop_after": 70_001} if "reset" in case else {})}
        said = server.fault("GET", "folder/object", **way)
        rest = b"".join(iter(lambda: stream.read(6 << 20), b""))
    assert said.hits
    assert start + rest == LARGE


def test_a_stream_is_of_one_version(server):
    """Replaced while it is read, an object is refused rather than mixed with the new one."""
    server.put(NAME, LARGE)

    def replace_within():
        with storage.open_read(URL) as stream:
            stream.read(10)
            server.put(NAME, SMALL + LARGE)
            stream.read()

    with pytest.raises(StorageError, match=f"^{URL} was replaced or deleted"):
        replace_within()


def test_a_stream_of_nothing_ends_at_once(server):
    """An object may be empty; one that is not there is told as such."""
    server.put(NAME, b"")
    with storage.open_read(URL) as stream:
        assert stream.read(10) == b""
    with pytest.raises(FileNotFoundError), storage.open_read(f"{URL}-not"):
        pytest.fail("it is there")


LISTED = {
    "503": {"status": 503, "times": 2},
    "429": {"status": 429},
    "reset": {"drop_after": 0},
    "stall": {"stall_s": 600},
}


@pytest.mark.parametrize("case", LISTED)
def test_looks_and_deletions_come_through(server, patient, case):
    """Listing, looking and deleting outlive the same faults as transfers."""
    for act, done in (
        (lambda: storage.list_names("gs://bucket/folder"), ["object"]),
        (lambda: storage.exists(URL), True),
        (lambda: storage.remove(URL, "gs://bucket/folder"), []),
    ):
        server.put(NAME, SMALL)
        server.clear_faults()
        fault = server.fault(**LISTED[case])
        assert act() == done
        assert fault.hits
    assert server.objects() == {}


LOST_ANSWERS = {
    "503": {"status": 503, "commit_first": True},
    "reset": {"drop_after": 0, "commit_first": True},
    "stall": {"stall_s": 600, "commit_first": True},
}


@pytest.mark.parametrize("case", LOST_ANSWERS)
def test_ones_own_write_is_not_taken_for_anothers(server, patient, case):
    """Done, but the answer lost: exclusive create and swap succeed, as they did."""
    for act, left in (
        (lambda: storage.create(URL, b"mine"), b"mine"),
        (lambda: storage.swap(URL, b"mine", b"new"), b"new"),
    ):
        fault = server.fault("POST", "/upload/", **LOST_ANSWERS[case])
        act()
        assert fault.hits
        assert server.objects()[NAME] == left


def test_anothers_write_is_seen_through_a_fault(server, patient):
    """The same fault, but another wrote: told, and the other's write stays."""
    server.put(NAME, b"theirs")
    server.fault("POST", "/upload/", status=503, commit_first=True)
    with pytest.raises(FileExistsError):
        storage.create(URL, b"mine")
    server.fault("POST", "/upload/", status=503, times=2)
    with pytest.raises(FileExistsError):
        storage.swap(URL, b"mine", b"new")
    assert server.objects()[NAME] == b"theirs"


LASTING_UP = {
    "503": ({"status": 503}, StorageError, r"503.*STORAGE_DEADLINE_S"),
    "429": ({"status": 429}, StorageError, r"429.*STORAGE_DEADLINE_S"),
    "reset": ({"drop_after": 0}, StorageError, "STORAGE_DEADLINE_S"),
    "stall": ({"stall_s": 600}, StorageError, "STORAGE_DEADLINE_S"),
    "corrupted": ({"corrupt": "up"}, StorageError, "CRC32C.*STORAGE_DEADLINE_S"),
    "truncated": ({"truncate": 1000}, StorageError, "CRC32C.*STORAGE_DEADLINE_S"),
    "403": ({"status": 403}, PermissionDeniedError, "Storage Object User"),
    "401": ({"status": 401}, PermissionDeniedError, "gcloud auth"),
    "no such bucket": ({"status": 404}, OutputError, "create it"),
}


@pytest.mark.parametrize("case", LASTING_UP)
def test_an_upload_that_never_comes_through_is_named(server, file, case):
    """A fault that lasts ends with one of the job's errors that names the URL, within the deadline
    and a request's time; the old object stays."""
    way, expected, message = LASTING_UP[case]
    server.put(NAME, b"old")
    server.fault("POST|PUT", "/upload/", times=EVER, **way)
    with pytest.raises(expected, match=message) as caught:
        storage.upload_file(file(SMALL), URL)
    assert URL in str(caught.value)
    assert server.objects()[NAME] == b"old"


@pytest.mark.parametrize(
    "way", [{"corrupt": "down"}, {"truncate": 1000}, {"status": 503}], ids=lambda w: next(iter(w))
)
def test_a_download_that_never_comes_through_leaves_no_file(server, tmp_path, way):
    """Damaged three times in a row, it is damaged at rest; no file appears."""
    server.put(NAME, SMALL)
    server.fault("GET", "folder/object", times=EVER, **way)
    with pytest.raises(StorageError, match="folder/object"):
        storage.download_file(URL, tmp_path / "got")
    assert list(tmp_path.iterdir()) == []


def test_a_bit_that_flipped_at_rest_is_seen(server, tmp_path):
    """The store's own checksum no longer matches: the bytes are not handed on."""
    server.put(NAME, LARGE)
    server.flip_bit(NAME)
    with pytest.raises(CorruptedError, match="folder/object"):
        storage.download_file(URL, tmp_path / "got")
    assert list(tmp_path.iterdir()) == []
