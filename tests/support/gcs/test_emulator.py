"""The GCS on loopback behaves as the service does, and misbehaves as it is told."""

import base64
import hashlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import google_crc32c
import pytest
import requests
from google.api_core.exceptions import GoogleAPICallError, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption
from requests.exceptions import ChunkedEncodingError

from tests.support.gcs import GcsServer

# gcsfs hands aiohttp more than aiohttp likes.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")

DATA = random.Random(7).randbytes(3_000_000)
LARGE = DATA * 3  # more than the clients send in one request
CHUNK = 256 * 1024
CONTENTS = [b"", b"\r", b"a\n", b"a\r\n", b"\r\n--==1==--\r\n", b"\0" * 9, DATA[:100_001]]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    with GcsServer(buckets=("bucket", "other")) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        yield running
    assert running.errors == []


@pytest.fixture
def bucket(server):
    with storage.Client(project="p", credentials=AnonymousCredentials()) as client:
        yield client.bucket("bucket")


@pytest.fixture
def gcsfs_(server):
    import gcsfs

    filesystem = gcsfs.GCSFileSystem(
        token="anon", use_listings_cache=False, skip_instance_cache=True
    )
    yield filesystem
    gcsfs.GCSFileSystem.close_session(filesystem.loop, filesystem.session)


@pytest.fixture
def gcloud(server, tmp_path):
    """Runs the real command against the server."""
    if not shutil.which("gcloud"):
        message = "gcloud is not installed: it is NOT tested against the GCS of the tests"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    environ = os.environ | {
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_CORE_PROJECT": "test",
        "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
        "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK": "true",
        "CLOUDSDK_CORE_DISABLE_FILE_LOGGING": "true",
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE": f"{server.url}/storage/v1/",
    }

    def run(*words: object) -> str:
        command = ["gcloud", "storage", *map(str, words)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def url_of(server: GcsServer, name: str, start: str = "/storage/v1") -> str:
    return f"{server.url}{start}/b/bucket/o/{name}"


def start_upload(server: GcsServer, name: str = "a", query: str = "", **metadata: str) -> str:
    """The URL of a new resumable session."""
    address = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=resumable&name={name}{query}"
    reply = requests.post(address, json=metadata, timeout=9)
    reply.raise_for_status()
    return reply.headers["Location"]


def send_chunk(session: str, data: bytes, span: str, **headers: str) -> requests.Response:
    headers = {"Content-Range": f"bytes {span}", **headers}
    return requests.put(session, data=data, headers=headers, timeout=9)


def post_media(server: GcsServer, data: bytes, name: str = "a") -> requests.Response:
    address = f"{server.url}/upload/storage/v1/b/bucket/o?uploadType=media&name={name}"
    return requests.post(address, data=data, timeout=9)


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def test_gcsfs_reads_what_it_wrote(server, gcsfs_):
    """Every content comes back as it is, under every kind of name, by gcsfs."""
    names = ["a", "a/b", "한글 #?%.txt", "x//y", "acl", "o/b/c+d", "'quoted'"]
    for name, content in zip(names, CONTENTS, strict=True):
        gcsfs_.pipe_file(f"bucket/{name}", content)
    assert server.objects() == dict(zip(names, CONTENTS, strict=True))
    for name, content in zip(names, CONTENTS, strict=True):
        assert gcsfs_.cat_file(f"bucket/{name}") == content
    with gcsfs_.open("bucket/long", "wb", block_size=CHUNK) as stream:
        stream.write(DATA)
    assert server.objects()["long"] == gcsfs_.cat_file("bucket/long") == DATA
    gcsfs_.mv("bucket/long", "bucket/moved")
    assert gcsfs_.cat_file("bucket/moved", start=5, end=70) == DATA[5:70]
    gcsfs_.rm("bucket/a", recursive=True)
    assert sorted(server.objects()) == sorted(["moved", *names[2:]])


def test_the_python_client_reads_what_it_wrote(server, bucket, tmp_path):
    """Every content comes back by google-cloud-storage, which checks it; metadata is true."""
    for i, content in enumerate(CONTENTS):
        blob = bucket.blob(f"{i}/나")
        blob.upload_from_string(content)
        assert blob.download_as_bytes() == content == server.objects()[blob.name]
    (tmp_path / "data").write_bytes(LARGE)
    blob = bucket.blob("resumable", chunk_size=4 * CHUNK)
    blob.upload_from_filename(tmp_path / "data")
    assert blob.crc32c == crc32c(LARGE)
    assert blob.md5_hash == base64.b64encode(hashlib.md5(LARGE).digest()).decode()
    assert blob.size == len(LARGE)
    assert blob.time_created == blob.updated
    blob.download_to_filename(tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == LARGE
    blob.metadata = {"step": "5"}
    blob.patch()
    assert bucket.get_blob("resumable").metadata == {"step": "5"}
    assert bucket.get_blob("resumable").metageneration == 2
    assert bucket.get_blob("absent") is None


def test_gcloud_reads_what_it_wrote(server, gcloud, tmp_path):
    """`gcloud storage` copies a folder and a large file there and back, lists, moves, removes."""
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "cr").write_bytes(b"abc\r")
    (tmp_path / "d" / "e" / "large").write_bytes(LARGE)
    gcloud("cp", "-r", tmp_path / "d", "gs://bucket/")
    assert server.objects() == {"d/cr": b"abc\r", "d/e/large": LARGE}
    assert gcloud("ls", "gs://bucket/d").split() == ["gs://bucket/d/cr", "gs://bucket/d/e/"]
    gcloud("mv", "gs://bucket/d/cr", "gs://other/cr")
    assert server.objects("other") == {"cr": b"abc\r"}
    gcloud("cp", "gs://bucket/d/e/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == LARGE
    gcloud("rm", "-r", "gs://bucket/d")
    assert server.objects() == {}


@pytest.mark.parametrize("size", [9, 9_000_000], ids=["multipart", "resumable"])
def test_only_one_creates(server, bucket, size):
    """With ifGenerationMatch=0 the second upload is refused and changes nothing."""
    bucket.blob("a").upload_from_string(b"1" * size, if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        bucket.blob("a").upload_from_string(b"2" * size, if_generation_match=0)
    assert server.objects() == {"a": b"1" * size}


def test_conditions_hold_everywhere(server, bucket):
    """Reads, deletes, copies, rewrites and moves are refused under a wrong generation."""
    server.put("a", b"1")
    old = bucket.get_blob("a").generation
    server.put("a", b"2")
    new, other = bucket.get_blob("a"), bucket.client.bucket("other")
    for refused in (
        lambda: new.delete(if_generation_match=old),
        lambda: new.delete(if_metageneration_match=2),
        lambda: new.download_as_bytes(if_generation_match=old),
        lambda: bucket.copy_blob(new, other, if_source_generation_match=old),
        lambda: bucket.copy_blob(new, bucket, "a", if_generation_match=0),
        lambda: bucket.blob("a").rewrite(new, if_generation_match=old),
        lambda: bucket.blob("b").upload_from_string(b"", if_generation_not_match=0),
        lambda: bucket.move_blob(new, "b", if_source_generation_match=old),
    ):
        with pytest.raises(PreconditionFailed):
            refused()
    address = f"{url_of(server, 'a')}?ifGenerationNotMatch={new.generation}"
    assert requests.get(address, timeout=9).status_code == 304
    assert requests.get(f"{url_of(server, 'a')}?generation={old}", timeout=9).status_code == 404
    assert (server.objects(), server.objects("other")) == ({"a": b"2"}, {})
    bucket.copy_blob(new, other, if_source_generation_match=new.generation)
    bucket.move_blob(new, "b", if_generation_match=0)
    assert (server.objects(), server.objects("other")) == ({"b": b"2"}, {"a": b"2"})
    bucket.blob("c").compose([bucket.blob("b"), bucket.blob("b")])
    bucket.blob("b").delete(if_generation_match=bucket.get_blob("b").generation)
    assert server.objects() == {"c": b"22"}


def test_generations_increase(server, bucket):
    """Each write of a name has a higher generation than the one before, a copy too."""
    seen = []
    for _ in range(20):
        blob = bucket.blob("a")
        blob.upload_from_string(b"1")
        seen += [blob.generation, bucket.copy_blob(blob, bucket, "a").generation]
    assert seen == sorted(set(seen))


def test_a_resumable_upload_is_checked_when_it_ends(server):
    """A name that was taken between the first request and the last is not overwritten."""
    session = start_upload(server, query="&ifGenerationMatch=0")
    server.put("a", b"first")
    assert send_chunk(session, b"second", "0-5/6").status_code == 412
    assert server.objects() == {"a": b"first"}
    with pytest.raises(requests.HTTPError, match="412"):
        start_upload(server, query="&ifGenerationMatch=0")


def test_downloads_say_what_clients_verify_by(server):
    """Whole or in ranges, the headers have the hashes, generation and length of the object."""
    server.put("a", DATA)
    md5 = base64.b64encode(hashlib.md5(DATA).digest()).decode()
    for asked, status, start, stop in [
        (None, 200, 0, len(DATA)),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=7-", 206, 7, len(DATA)),
        ("bytes=-7", 206, len(DATA) - 7, len(DATA)),
        ("bytes=9-99999999", 206, 9, len(DATA)),
    ]:
        headers = {"Range": asked} if asked else {}
        reply = requests.get(url_of(server, "a") + "?alt=media", headers=headers, timeout=9)
        assert (reply.status_code, reply.content) == (status, DATA[start:stop]), asked
        assert reply.headers["x-goog-hash"] == f"crc32c={crc32c(DATA)},md5={md5}"
        assert reply.headers["x-goog-stored-content-length"] == str(len(DATA))
        assert int(reply.headers["x-goog-generation"]) > 0
        if asked:
            assert reply.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(DATA)}"
    beyond = {"Range": f"bytes={len(DATA)}-"}
    reply = requests.get(url_of(server, "a") + "?alt=media", headers=beyond, timeout=9)
    assert reply.status_code == 416


def test_a_wrong_checksum_is_refused(server):
    """In the metadata or in the last chunk's header, one that does not match stores nothing."""
    wrong, right = crc32c(b"abd"), crc32c(b"abc")
    reply = send_chunk(start_upload(server, crc32c=wrong), b"abc", "0-2/3")
    assert reply.status_code == 400
    assert f'Provided CRC32C "{wrong}" doesn\'t match' in reply.json()["error"]["message"]
    header = {"X-Goog-Hash": f"crc32c={wrong}"}
    assert send_chunk(start_upload(server), b"abc", "0-2/3", **header).status_code == 400
    assert server.objects() == {}
    header = {"X-Goog-Hash": f"crc32c={right}"}
    reply = send_chunk(start_upload(server, crc32c=right), b"abc", "0-2/3", **header)
    assert (reply.status_code, server.objects()) == (200, {"a": b"abc"})


def test_listings_have_prefixes_and_pages(server, bucket, gcsfs_):
    """Prefix, delimiter and pages of any size give the same names, in order."""
    names = ["a", "a/", "a/1", "a/2/x", "a/2/y", "a/3/z", "b", "나"]
    for name in names:
        server.put(name, b"1")
    for size in (1, 2, 3, None):
        assert [blob.name for blob in bucket.list_blobs(page_size=size)] == names
        listing = bucket.list_blobs(prefix="a/", delimiter="/", page_size=size)
        assert [blob.name for blob in listing] == ["a/", "a/1"]
        assert listing.prefixes == {"a/2/", "a/3/"}
    assert gcsfs_.ls("bucket/a/2", detail=False) == ["bucket/a/2/x", "bucket/a/2/y"]
    assert sorted(gcsfs_.find("bucket/a/")) == [f"bucket/{name}" for name in names[1:6]]
    assert [blob.name for blob in bucket.client.list_buckets()] == ["bucket", "other"]


def test_batches_delete(server, bucket, gcsfs_):
    """Both clients' batches remove what is there and tell what is not."""
    from fsspec.asyn import sync

    for name in ("a/b", "c", "d e", "f"):
        server.put(name, b"1")
    removed = sync(gcsfs_.loop, gcsfs_._rm_files, ["bucket/a/b", "bucket/absent", "bucket/d e"])
    assert [path for path in removed if isinstance(path, str)] == ["bucket/a/b", "bucket/d e"]
    assert set(server.objects()) == {"c", "f"}
    with bucket.client.batch():
        bucket.blob("c").delete()
        bucket.blob("f").delete(if_metageneration_match=1)
    assert server.objects() == {}
    with pytest.raises(NotFound), bucket.client.batch():
        bucket.blob("c").delete()


def test_a_broken_upload_resumes(server):
    """After a cut the session says how far it came, and goes on from there or from before."""
    session = start_upload(server, "a")
    server.fault("PUT", "name=a&", drop_after=2 * CHUNK + 5)
    with pytest.raises(requests.ConnectionError):
        send_chunk(session, DATA, f"0-{len(DATA) - 1}/{len(DATA)}")
    reply = send_chunk(session, b"", f"*/{len(DATA)}")
    assert (reply.status_code, reply.headers["Range"]) == (308, f"bytes=0-{2 * CHUNK - 1}")
    assert server.objects() == {}
    assert send_chunk(session, DATA[-9:], f"{len(DATA) - 9}-{len(DATA) - 1}/*").status_code == 400
    reply = send_chunk(session, DATA[CHUNK:], f"{CHUNK}-{len(DATA) - 1}/{len(DATA)}")
    assert (reply.status_code, server.objects()["a"]) == (200, DATA)
    assert send_chunk(session, b"", f"*/{len(DATA)}").json() == reply.json()


def test_clients_resume_by_themselves(server, bucket, gcsfs_, tmp_path):
    """A 503 and a cut in the middle of an upload do not show in what arrives."""
    (tmp_path / "data").write_bytes(LARGE)
    server.fault("PUT", "upload_id", status=503, skip=1)
    server.fault("PUT", "upload_id", drop_after=CHUNK, skip=3)
    bucket.blob("a", chunk_size=4 * CHUNK).upload_from_filename(tmp_path / "data")
    server.fault("POST", "upload_id", status=503)
    gcsfs_.put_file(str(tmp_path / "data"), "bucket/b", chunksize=4 * CHUNK)
    assert server.objects() == {"a": LARGE, "b": LARGE}
    statuses = [request.status for request in server.log]
    assert (statuses.count(503), statuses.count(0)) == (2, 1)
    assert sum(request.bytes_up for request in server.log) < 2.6 * len(LARGE)


def test_an_upload_is_cancelled(server):
    """DELETE of a session answers 499, and the session is gone."""
    session = start_upload(server)
    assert requests.delete(session, timeout=9).status_code == 499
    assert send_chunk(session, b"abc", "0-2/3").status_code == 404


def test_what_is_not_there_is_not_found(server, bucket):
    """A missing bucket or object is a 404 in the service's format."""
    missing = f"{server.url}/storage/v1/b/nowhere"
    for address in (missing, f"{missing}/o", f"{missing}/o/a", url_of(server, "a")):
        for query in ("", "?alt=media"):
            reply = requests.get(address + query, timeout=9)
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, 404)
            assert reply.json()["error"]["errors"][0]["reason"] == "notFound"
    for refused in (
        bucket.blob("a").delete,
        lambda: bucket.client.bucket("nowhere").blob("a").upload_from_string(b"1"),
        lambda: bucket.copy_blob(bucket.blob("a"), bucket, "b"),
    ):
        with pytest.raises(NotFound):
            refused()


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
