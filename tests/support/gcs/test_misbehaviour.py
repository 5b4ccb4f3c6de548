"""The GCS on loopback misbehaves as it is told."""

import json
import math
import random
import re
import signal
import subprocess
import sys
import time

import pytest
import requests
from google.api_core.exceptions import GoogleAPICallError
from google.cloud.storage.exceptions import DataCorruption
from requests.exceptions import ChunkedEncodingError

from tests.support.gcs.by_hand import (
    DATA,
    LARGE,
    crc32c,
    post_media,
    send_chunk,
    start_upload,
    url_of,
)

# gcsfs hands aiohttp more than aiohttp likes.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.mark.parametrize("status", [400, 401, 403, 408, 410, 429, 500, 503])
def test_a_status_is_answered(server, status):
    """The wanted requests have it, in the JSON format, and nothing is done; then all is well."""
    fault = server.fault("POST", "name=a$", times=2, status=status, skip=1)
    replies = [post_media(server, str(n).encode()) for n in range(4)]
    assert [reply.status_code for reply in replies] == [200, status, status, 200]
    assert replies[1].json()["error"]["code"] == status
    assert ("Retry-After" in replies[1].headers) == (status == 429)
    assert (server.objects(), fault.hits) == ({"a": b"3"}, 2)
    assert [request.status for request in server.log] == [200, status, status, 200]


def test_a_fault_lasts_until_it_is_cleared(server):
    """times=inf is for ever; clear_faults ends it."""
    server.fault(times=math.inf, status=503)
    assert {post_media(server, b"1").status_code for _ in range(9)} == {503}
    server.clear_faults()
    assert post_media(server, b"1").status_code == 200


def test_work_is_done_though_the_answer_is_lost(server):
    """commit_first stores the object, and answers 503, or nothing."""
    server.fault("POST", status=503, commit_first=True)
    assert post_media(server, b"1").status_code == 503
    assert server.objects() == {"a": b"1"}
    server.fault("POST", drop_after=0, commit_first=True)
    with pytest.raises(requests.ConnectionError):
        post_media(server, b"2")
    assert server.objects() == {"a": b"2"}
    session = start_upload(server, query="&ifGenerationMatch=0", name="b")
    server.fault("PUT", status=503, commit_first=True)
    assert [send_chunk(session, b"3", "0-0/1").status_code for _ in range(2)] == [503, 200]


def test_downloads_break_off(server):
    """drop_after resets the connection; truncate ends it; the length was promised."""
    server.put("a", DATA)
    for fault in ({"drop_after": 1_000_000}, {"truncate": 1_000_000}):
        server.fault("GET", "alt=media", **fault)
        address = url_of(server, "a") + "?alt=media"
        with requests.get(address, stream=True, timeout=9) as reply:
            assert reply.headers["Content-Length"] == str(len(DATA))
            with pytest.raises((requests.ConnectionError, ChunkedEncodingError)):
                _ = reply.content
    assert [request.bytes_down for request in server.log] == [1_000_000] * 2
    assert [request.status for request in server.log] == [0, 200]


def test_a_server_stalls(server):
    """A client's timeout comes first; a stall that outlives the block does not hold it up."""
    server.fault(stall_s=60)
    with pytest.raises(requests.ReadTimeout):
        requests.get(url_of(server, "a"), timeout=0.2)
    server.fault(stall_s=0.2)
    started_at = time.monotonic()
    assert requests.get(url_of(server, "a"), timeout=9).status_code == 404
    assert time.monotonic() - started_at >= 0.2


@pytest.mark.parametrize("harm", [{"corrupt": "up"}, {"truncate": 99}], ids=["bit", "truncated"])
def test_harm_on_the_way_up(server, bucket, gcsfs_, harm):
    """Without a checksum it is stored, with hashes of its own; with one it is refused."""
    server.fault(**harm)
    gcsfs_.pipe_file("bucket/a", DATA)
    stored = server.objects()["a"]
    assert stored != DATA
    assert bucket.get_blob("a").crc32c == crc32c(stored)
    assert (len(stored) == len(DATA)) == ("corrupt" in harm)
    for name, data in (("b", DATA), ("c", LARGE)):
        server.fault(**harm)
        blob = bucket.blob(name)
        with pytest.raises((DataCorruption, GoogleAPICallError), match=r"400|crc32c"):
            blob.upload_from_string(data, checksum="crc32c")
    assert set(server.objects()) == {"a"}


def test_a_bit_flips_on_the_way_down_and_at_rest(server, bucket):
    """The hashes are the true ones, so that a client that verifies sees it."""
    server.put("a", DATA)
    server.fault("GET", corrupt="down")
    with pytest.raises(DataCorruption):
        bucket.blob("a").download_as_bytes()
    assert bucket.blob("a").download_as_bytes() == DATA == server.objects()["a"]
    server.flip_bit("a", at=5)
    assert [i for i, (x, y) in enumerate(zip(server.objects()["a"], DATA, strict=True)) if x != y]
    with pytest.raises(DataCorruption):
        bucket.blob("a").download_as_bytes()
    server.delete("a")
    assert server.objects() == {}


def test_the_line_has_one_rate(server):
    """What goes up and down together takes its time; 0 lifts the limit."""
    server.limit(10)
    started_at = time.monotonic()
    post_media(server, DATA)
    requests.get(url_of(server, "a") + "?alt=media", timeout=9)
    assert time.monotonic() - started_at >= 2 * len(DATA) / 10e6 * 0.95
    up, down = server.log
    assert (up.bytes_up, down.bytes_down) == (len(DATA), len(DATA))
    server.limit(1e-6)  # at which it would take for days
    server.limit(0)
    post_media(server, DATA)


def test_it_is_fast(server, bucket, tmp_path):
    """google-cloud-storage moves 80 MB and more each way in a second that this process computes,
    which holds both ends; the best of five tries counts."""
    size = 64_000_000
    file = tmp_path / "data"
    file.write_bytes(random.Random(1).randbytes(size))
    rates = {"up": 0.0, "down": 0.0}
    blob = bucket.blob("a")
    for _ in range(5):
        for way, move in (("up", blob.upload_from_filename), ("down", blob.download_to_filename)):
            began_s = time.process_time()
            move(file)
            rates[way] = max(rates[way], size / 1e6 / (time.process_time() - began_s))
        if min(rates.values()) >= 80:
            break
    assert min(rates.values()) >= 80, rates


def test_it_serves_by_hand():
    """Started as a module, it says where it is, takes faults over HTTP and ends with Ctrl-C."""
    command = [sys.executable, "-m", "tests.support.gcs", "--port=0", "--bucket=one", "--limit=50"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        said = "".join(process.stdout.readline() for _ in range(4))
        [url] = re.findall(r"export STORAGE_EMULATOR_HOST=(\S+)", said)
        assert "DOWNSTREAM_MODEL_DIR=gs://one/run make train" in said
        address = f"{url}/storage/v1/b/one/o"
        fault = {"path": "/o", "status": 503, "times": "inf"}
        assert requests.post(f"{url}/_control/fault", json=fault, timeout=9).ok
        assert requests.get(address, timeout=9).status_code == 503
        assert requests.post(f"{url}/_control/fault", json={"x": 1}, timeout=9).status_code == 400
        assert requests.post(f"{url}/_control/clear", timeout=9).ok
        speed = json.dumps({"megabytes_per_s": 0})
        assert requests.post(f"{url}/_control/limit", data=speed, timeout=9).ok
        assert requests.get(address, timeout=9).status_code == 200
        log = requests.get(f"{url}/_control/log", timeout=9).json()
        assert [request["status"] for request in log] == [503, 200]
        process.send_signal(signal.SIGINT)
        assert process.wait(9) == 0
