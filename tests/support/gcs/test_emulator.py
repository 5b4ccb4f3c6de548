"""The GCS on loopback behaves as the service does."""

import base64
import hashlib

import pytest
import requests
from google.api_core.exceptions import NotFound, PreconditionFailed

from tests.support.gcs.by_hand import (
    CHUNK,
    CONTENTS,
    DATA,
    LARGE,
    crc32c,
    send_chunk,
    start_upload,
    url_of,
)

# gcsfs hands aiohttp more than aiohttp likes.
pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


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
