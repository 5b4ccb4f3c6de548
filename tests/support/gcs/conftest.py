"""A running store, and three clients of it: Google's own, gcsfs and gcloud."""

import os
import shutil
import subprocess

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.support.gcs import GcsServer


@pytest.fixture
def server(monkeypatch):
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
