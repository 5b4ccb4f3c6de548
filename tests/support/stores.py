"""One scenario, each kind of store: a path, file://, memory:// and gs:// on loopback."""

import os
import uuid

import fsspec
import pytest

from job.storage.gcs import client_of
from job.storage.retry import RetryPolicy, set_retry_policy
from tests.support.gcs import GcsServer

KINDS = ["path", "file", "memory", "gs"]


@pytest.fixture(scope="session")
def gcs_server():
    """A bucket named `bucket`, for whoever asks; nobody may leave a fault behind."""
    client_of.cache_clear()  # it remembers the host that it first saw
    with GcsServer() as server:
        yield server
        if client_of.cache_info().currsize:
            client_of(os.getpid()).close()


@pytest.fixture
def gcs(gcs_server, monkeypatch):
    """The server, its log and faults empty, found by the clients of this process."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.url)
    gcs_server.clear_faults()
    yield gcs_server
    gcs_server.clear_faults()
    gcs_server.limit(0)


@pytest.fixture(params=KINDS)
def url(request, tmp_path):
    """The URL of an empty folder."""
    if request.param == "memory":
        yield f"memory://{uuid.uuid4().hex}/out"
        fsspec.filesystem("memory").store.clear()
    elif request.param == "gs":
        request.getfixturevalue("gcs")
        yield f"gs://bucket/{uuid.uuid4().hex}/out"
    else:
        yield f"{'file://' if request.param == 'file' else ''}{tmp_path}/out"


@pytest.fixture
def hurried():
    """A fault is given up after half a second."""
    set_retry_policy(RetryPolicy(timeout_s=1, deadline_s=0.5, first_wait_s=0.05))
    yield
    set_retry_policy(RetryPolicy())
