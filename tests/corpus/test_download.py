"""A download is the whole file or a clear error; a server cannot send it where it likes."""

import errno
import functools
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from job.corpus.download import google_drive
from job.corpus.download.allowed_addresses import check_redirect, check_start
from job.corpus.download.cache import copy_object
from job.corpus.download.file import download, find_version
from job.corpus.download.http import MissingError
from job.errors import (
    ArgumentError,
    DataError,
    OutputError,
    PermissionDeniedError,
    UnavailableError,
)
from job.storage import RetryPolicy, retry
from tests.support.drive_server import (
    CONFIRM_PAGE,
    ERROR_PAGE,
    PERMISSION_PAGE,
    QUOTA_PAGE,
    Fault,
    drive_server,
)

DATA = "".join(f"김{i}은 왔다.␞<김{i}:PER>은 왔다.\n" for i in range(30_000)).encode()
POLICY = RetryPolicy(timeout_s=0.3, attempts=4, first_wait_s=0.01)


@pytest.fixture
def server():
    with drive_server() as running:
        running.files["train.txt"] = DATA
        yield running


@pytest.fixture
def target(tmp_path):
    return tmp_path / "cache" / "train.txt"


def fetch(server, target, path="/files/train.txt", max_bytes=10_000_000, **options):
    download(server.url + path, target, max_bytes=max_bytes, policy=POLICY, **options)
    return target.read_bytes()


def fetch_from_drive(server, target):
    url = google_drive.file_url("train.txt", server.url)
    next_url = functools.partial(google_drive.next_url, target=target)
    download(url, target, max_bytes=10_000_000, policy=POLICY, next_url=next_url)
    return target.read_bytes()


def assert_nothing_left(target):
    assert not target.exists()
    assert not list(target.parent.glob("*"))
    assert not list(target.parent.glob(".*"))


def test_a_small_drive_file_comes_through_its_redirect(server, target):
    assert fetch_from_drive(server, target) == DATA


def test_the_form_of_drives_confirm_page_is_sent_back_with_all_its_fields(server, target):
    server.pages["train.txt"] = CONFIRM_PAGE
    assert fetch_from_drive(server, target) == DATA
    confirmed = server.requests[-1][1]
    for pair in ("id=train.txt", "export=download", "confirm=t", "uuid=a%26b-1"):
        assert pair in confirmed


@pytest.mark.parametrize(
    ("page", "error", "words"),
    [
        (QUOTA_PAGE, UnavailableError, "quota of this file is used up; try again tomorrow"),
        (PERMISSION_PAGE, PermissionDeniedError, "ask its owner to share it"),
        (ERROR_PAGE, UnavailableError, "`Error 502`"),
    ],
)
def test_drives_other_pages_are_errors_that_say_where_to_put_the_file(
    server, target, page, error, words
):
    server.pages["train.txt"] = page
    with pytest.raises(error, match=words) as raised:
        fetch_from_drive(server, target)
    assert str(target) in str(raised.value)
    assert_nothing_left(target)


def test_a_page_of_a_refusing_status_is_read_for_its_reason(server, target):
    server.faults["/download"] = [Fault(status=403, page=QUOTA_PAGE)]
    with pytest.raises(UnavailableError, match="quota"):
        fetch_from_drive(server, target)


def test_a_confirm_page_without_end_is_an_error(server, target):
    server.faults["/download"] = [Fault(page=CONFIRM_PAGE)] * 5
    with pytest.raises(UnavailableError, match="page after page"):
        fetch_from_drive(server, target)


def test_a_form_may_not_lead_inside(server, target):
    server.pages["train.txt"] = CONFIRM_PAGE.replace("/download", "https://10.0.0.1/download")
    with pytest.raises(UnavailableError, match=r"redirects to .*address 10\.0\.0\.1"):
        fetch_from_drive(server, target)


def test_a_sign_in_page_is_a_permission_error(tmp_path):
    page = "<html><title>Google Drive</title></html>"
    with pytest.raises(PermissionDeniedError):
        google_drive.next_url(page, "https://accounts.google.com/v3/signin", tmp_path)


def test_a_dropped_connection_goes_on_where_it_broke(server, target):
    server.faults["/files/train.txt"] = [Fault(drop_after=300_000), Fault(drop_after=200_000)]
    assert fetch(server, target) == DATA
    ranges = [headers.get("Range") for _, _, headers in server.requests]
    assert ranges[0] is None
    starts = [int(asked.removeprefix("bytes=").removesuffix("-")) for asked in ranges[1:]]
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1] < len(DATA)


def test_a_drive_download_goes_on_behind_its_confirm_page(server, target):
    server.pages["train.txt"] = CONFIRM_PAGE
    server.faults["/download"] = [Fault(), Fault(drop_after=300_000)]
    assert fetch_from_drive(server, target) == DATA
    assert "Range" in server.requests[-1][2]


def test_a_file_that_changed_meanwhile_is_not_glued(server, target):
    server.faults["/files/train.txt"] = [Fault(drop_after=300_000)]
    first = DATA
    server.files["train.txt"] = changed = DATA.replace("김".encode(), "이".encode())
    server.faults["/files/train.txt"][0].headers["ETag"] = '"older"'
    assert fetch(server, target) == changed != first


def test_a_server_without_versions_is_asked_for_the_whole_again(server, target):
    server.has_versions = False
    server.faults["/files/train.txt"] = [Fault(drop_after=300_000)]
    assert fetch(server, target) == DATA
    assert all("Range" not in headers for _, _, headers in server.requests)


def test_a_part_that_was_not_asked_for_is_not_glued(server, target):
    wrong = {"Content-Range": f"bytes 0-{len(DATA) - 1}/{len(DATA)}"}
    server.faults["/files/train.txt"] = [
        Fault(drop_after=300_000),
        Fault(status=206, headers=wrong, body=DATA[:-300_000]),
    ]
    assert fetch(server, target) == DATA


def test_a_weak_tag_does_not_vouch_for_bytes(server, target):
    server.faults["/files/train.txt"] = [Fault(drop_after=300_000, headers={"ETag": 'W/"1"'})]
    assert fetch(server, target) == DATA
    assert not server.requests[-1][2].get("If-Range", "").startswith("W/")


def test_503_twice_is_survived(server, target, caplog):
    server.faults["/files/train.txt"] = [Fault(status=503), Fault(status=503, page=ERROR_PAGE)]
    assert fetch(server, target) == DATA
    assert "HTTP 503; trying again" in caplog.text


def test_503_for_ever_is_unavailable(server, target):
    server.faults["/files/train.txt"] = [Fault(status=503)] * 9
    with pytest.raises(UnavailableError, match=r"in 4 attempts \(HTTP 503\)"):
        fetch(server, target)
    assert len(server.requests) == 4
    assert_nothing_left(target)


def test_a_stalled_server_is_left_and_asked_again(server, target):
    server.faults["/files/train.txt"] = [Fault(stall_s=0.6)]
    assert fetch(server, target) == DATA
    assert len(server.requests) == 2


def test_a_slow_download_outlives_the_deadline(server, target, monkeypatch):
    """By this clock each answer takes 200 s and is cut off: in all 800 s, of which 300 may pass
    without a byte."""
    clock = SimpleNamespace(monotonic=lambda: 200 * len(server.requests), sleep=lambda _: None)
    monkeypatch.setattr(retry, "time", clock)
    policy = RetryPolicy(timeout_s=20, deadline_s=300)
    server.faults["/files/train.txt"] = [Fault(drop_after=200_000) for _ in range(3)]
    download(f"{server.url}/files/train.txt", target, max_bytes=10_000_000, policy=policy)
    assert target.read_bytes() == DATA
    assert len(server.requests) == 4
    server.has_versions = False
    server.requests.clear()
    server.faults["/files/train.txt"] = [Fault(drop_after=200_000) for _ in range(9)]
    with pytest.raises(UnavailableError, match="no whole answer in 3 attempts"):
        download(f"{server.url}/files/train.txt", target, max_bytes=10_000_000, policy=policy)


def test_a_server_that_never_answers_is_unavailable(server, target):
    server.faults["/files/train.txt"] = [Fault(stall_s=0.6)] * 9
    with pytest.raises(UnavailableError, match="timed out"):
        fetch(server, target)


def test_a_refused_connection_is_unavailable(server, target):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/train.txt"
        with pytest.raises(UnavailableError, match="check the network"):
            download(url, target, max_bytes=10, policy=POLICY)


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, PermissionDeniedError), (401, PermissionDeniedError), (404, MissingError)],
)
def test_a_refusal_is_not_repeated(server, target, status, error):
    server.faults["/files/train.txt"] = [Fault(status=status)]
    with pytest.raises(error):
        fetch(server, target)
    assert len(server.requests) == 1


@pytest.mark.parametrize("has_lengths", [True, False])
def test_a_file_over_the_cap_is_refused_and_nothing_stays(server, target, has_lengths):
    server.has_lengths = has_lengths
    with pytest.raises(DataError, match="MAX_DOWNLOAD_MB=1"):
        fetch(server, target, max_bytes=1_000_000)
    assert_nothing_left(target)


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream"])
def test_an_html_page_never_passes_as_data(server, target, content_type):
    server.files["train.txt"] = b"\n <!doctype HTML><html><body>Please sign in</body></html>"
    server.faults["/files/train.txt"] = [Fault(headers={"Content-Type": content_type})]
    with pytest.raises(UnavailableError, match="HTML page"):
        fetch(server, target)
    assert_nothing_left(target)


def test_concurrent_downloads_leave_one_whole_file(server, target):
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: fetch(server, target), range(16))) == {DATA}
    assert [file.name for file in target.parent.iterdir()] == ["train.txt"]


def test_a_full_disk_is_an_output_error(server, target, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        fetch(server, target)
    assert_nothing_left(target)


def test_a_failed_download_leaves_the_older_file_alone(server, target):
    target.parent.mkdir()
    target.write_bytes(b"older")
    server.faults["/files/train.txt"] = [Fault(status=404)]
    with pytest.raises(MissingError):
        fetch(server, target)
    assert target.read_bytes() == b"older"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/computeMetadata/v1/",
        "https://169.254.169.254/",
        "https://10.0.0.1/train.txt",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://[fe80::1]/",
        "https://0x0a000001/",
        "https://100.64.0.1/",
        "http://example.com/train.txt",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ],
)
def test_a_redirect_inside_or_off_https_is_refused(server, target, location):
    server.faults["/files/train.txt"] = [Fault(location=location)]
    with pytest.raises(UnavailableError, match="redirects to"):
        fetch(server, target)
    assert len(server.requests) == 1
    assert_nothing_left(target)


def test_a_redirect_to_a_name_that_lies_inside_is_refused(monkeypatch):
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.1.2.3", 0))]
    outside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: outside)
    check_redirect("https://corpus.example/train.txt", from_loopback=False)
    with pytest.raises(UnavailableError, match="not https"):
        check_redirect("http://corpus.example/train.txt", from_loopback=False)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: outside + inside)
    with pytest.raises(UnavailableError, match=r"10\.1\.2\.3"):
        check_redirect("https://corpus.example/train.txt", from_loopback=False)


def test_loopback_redirects_only_when_it_started_there():
    check_redirect("http://127.0.0.1:1/x", from_loopback=True)
    with pytest.raises(UnavailableError):
        check_redirect("https://127.0.0.1:1/x", from_loopback=False)


def test_redirects_on_loopback_are_followed_and_counted(server, target):
    server.faults["/a"] = [Fault(location="/files/train.txt")]
    assert fetch(server, target, "/a") == DATA
    server.faults["/a"] = [Fault(location="/a")] * 20
    with pytest.raises(UnavailableError, match="more than 10 redirects"):
        fetch(server, target, "/a")


def test_only_https_is_started_from():
    check_start("https://example.com/x")
    with pytest.raises(ArgumentError, match="downloads need https"):
        check_start("http://93.184.215.14/x")


@pytest.mark.parametrize("has_head", [True, False])
def test_a_version_is_known_for_what_exists_and_none_for_what_does_not(server, has_head):
    server.has_head = has_head
    first = find_version(f"{server.url}/files/train.txt", POLICY)
    assert first
    assert find_version(f"{server.url}/files/other.txt", POLICY) is None
    server.files["train.txt"] += b"more"
    assert find_version(f"{server.url}/files/train.txt", POLICY) not in (first, None)
    server.has_versions = False
    assert find_version(f"{server.url}/files/train.txt", POLICY) == ""


def test_an_object_of_a_store_is_copied_once_per_version(tmp_path, memory, monkeypatch):
    memory.pipe_file("/c/train.txt", DATA)
    options = {"max_bytes": 10_000_000, "force": False}
    first = copy_object("memory://c/train.txt", tmp_path, **options)
    assert first.read_bytes() == DATA
    written = first.stat().st_mtime_ns
    assert copy_object("memory://c/train.txt", tmp_path, **options) == first
    assert first.stat().st_mtime_ns == written
    copy_object("memory://c/train.txt", tmp_path, **options | {"force": True})
    assert first.stat().st_mtime_ns > written
    memory.pipe_file("/c/train.txt", DATA + b"more")
    second = copy_object("memory://c/train.txt", tmp_path, **options)
    assert second.read_bytes() == DATA + b"more"
    assert first.read_bytes() == DATA


def test_a_large_object_of_a_store_is_refused(tmp_path, memory):
    memory.pipe_file("/c/train.txt", DATA)
    with pytest.raises(DataError, match="MAX_DOWNLOAD_MB"):
        copy_object("memory://c/train.txt", tmp_path, max_bytes=1000, force=False)
