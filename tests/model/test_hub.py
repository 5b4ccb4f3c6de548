"""The real download code against a hub on loopback, in a process with HF_ENDPOINT set."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hub import Fault, Hub

CONFIG = b'{"model_type": "bert"}'
FILES = {
    "config.json": CONFIG,
    "tokenizer_config.json": b"{}",
    "vocab.txt": b"[PAD]\n",
    "model.safetensors": b"weights " * 1000,
    "pytorch_model.bin": b"the same weights, pickled",
    "tf_model.h5": b"never asked for",
    "onnx/model.safetensors": b"never asked for",
    "older/spiece.model": b"never asked for",
    "README.md": b"never asked for",
}
ROOT = Path(__file__).parent.parent.parent
TOKEN = "hf_secretNeverShown"
CLIENT = """
import json, logging, sys
from pathlib import Path
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from job.model.pretrained import hub
from job.errors import JobError
from job.storage import RetryPolicy, set_retry_policy
name, revision, token, cache, timeout = json.loads(sys.argv[1])
hub.REQUEST_TIMEOUT_S = timeout
set_retry_policy(RetryPolicy(first_wait_s=0.01))
try:
    print(hub.fetch_snapshot(name, revision, token, Path(cache)))
except JobError as error:
    print(f"{type(error).__name__} {error.exit_code} {error}")
"""


def fetch(url, cache, name="org/model", revision=None, token=None, timeout=20.0, **environment):
    """What the client printed: the folder or the error. Its log is kept in `fetch.log`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    clean |= {"HF_ENDPOINT": url, "HF_HOME": str(cache / "home"), "PYTHONPATH": str(ROOT)}
    arguments = json.dumps([name, revision, token, str(cache), timeout])
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, arguments],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    fetch.log = done.stderr
    return done.stdout.strip()


@pytest.fixture
def hub():
    with Hub() as running:
        yield running


def names(folder):
    return {file.relative_to(folder).as_posix() for file in Path(folder).rglob("*")}


def test_only_the_files_that_training_reads_are_downloaded(hub, tmp_path):
    """Configuration, tokenizer and one set of weights, out of all that a repository has."""
    hub.add("org/model", FILES)
    folder = fetch(hub.url, tmp_path)
    assert names(folder) == {
        "config.json",
        "tokenizer_config.json",
        "vocab.txt",
        *["model.safetensors"],
    }
    assert Path(folder, "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_pickled_weights_are_taken_where_there_are_no_safetensors(hub, tmp_path):
    """Models of 2020 have nothing else."""
    hub.add("org/model", {k: v for k, v in FILES.items() if k != "model.safetensors"})
    assert "pytorch_model.bin" in names(fetch(hub.url, tmp_path))


def test_a_pinned_revision_is_the_one_downloaded_and_needs_no_network_again(hub, tmp_path):
    """A commit does not change, so nobody is asked about it twice."""
    pinned = hub.add("org/model", FILES)
    newest = hub.add("org/model", FILES | {"vocab.txt": b"[PAD]\nnew\n"})
    folder = fetch(hub.url, tmp_path, revision=pinned)
    assert Path(folder, "vocab.txt").read_bytes() == FILES["vocab.txt"]
    assert any(f"/resolve/{pinned}/" in path for path in hub.paths("GET"))
    assert not any(newest in path for path in hub.paths("GET"))
    hub.requests.clear()
    assert fetch(hub.url, tmp_path, revision=pinned) == folder
    assert hub.requests == []


def test_without_a_pin_the_newest_commit_is_taken(hub, tmp_path):
    """Even where an older one lies in the cache."""
    hub.add("org/model", FILES)
    fetch(hub.url, tmp_path)
    newest = hub.add("org/model", FILES | {"vocab.txt": b"[PAD]\nnew\n"})
    assert Path(fetch(hub.url, tmp_path)).name == newest


def test_the_token_goes_to_the_hub_only_and_is_never_logged(hub, tmp_path):
    """Not to the host that serves the files, and not into the debug log of any library."""
    hub.tokens.add(TOKEN)
    hub.add("org/model", FILES, gated=True, private=True)
    folder = fetch(hub.url, tmp_path, token=TOKEN)
    assert "model.safetensors" in names(folder)
    sent = {request.headers.get("authorization") for request in hub.requests}
    to_cdn = [r.headers for r in hub.requests if r.path.startswith("/cdn/")]
    assert f"Bearer {TOKEN}" in sent
    assert to_cdn
    assert not any("authorization" in headers for headers in to_cdn)
    assert len(fetch.log) > 100
    assert TOKEN not in fetch.log


def test_a_dropped_download_is_resumed_where_it_broke(hub, tmp_path):
    """From the last whole chunk of 10 MiB, with the right bytes in the end."""
    weights = random.Random(1).randbytes(24 << 20)
    hub.add("org/model", FILES | {"model.safetensors": weights})
    hub.faults.append(Fault("GET /cdn/", drop_after=15 << 20))
    folder = fetch(hub.url, tmp_path)
    ranges = [r.headers.get("range") for r in hub.requests if r.path.startswith("/cdn/")]
    assert Path(folder, "model.safetensors").read_bytes() == weights
    assert ranges == [None, f"bytes={10 << 20}-"]  # it keeps whole chunks of 10 MiB


def test_a_hub_that_fails_now_and_then_is_asked_again(hub, tmp_path):
    """HTTP 503 and a dropped connection are met with another attempt."""
    hub.add("org/model", FILES)
    hub.faults.append(Fault("GET /api/models/", status=503, times=2))
    hub.faults.append(Fault("GET /org/model/resolve/.*/vocab", drop_after=0, times=1))
    assert "vocab.txt" in names(fetch(hub.url, tmp_path))
    assert "HTTP 503; trying again" in fetch.log


@pytest.mark.parametrize(
    ("arguments", "kind", "says"),
    [
        ({"name": "org/nope"}, "ArgumentError 64", "knows no such model"),
        ({"name": "a/b/c"}, "ArgumentError 64", "owner/name"),
        ({"revision": "v9"}, "ArgumentError 64", "PRETRAINED_MODEL_REVISION=v9"),
        ({"revision": "0" * 40}, "ArgumentError 64", "no such commit, branch or tag"),
        ({"name": "org/gated"}, "PermissionDeniedError 77", "accept the model's terms"),
        ({"name": "org/private"}, "ArgumentError 64", "HF_TOKEN is not set"),
        ({"token": "hf_wrong"}, "PermissionDeniedError 77", "rejected the token"),
        ({"token": f"{TOKEN}\n"}, "ArgumentError 64", "HF_TOKEN (not shown)"),
        ({"name": "org/other"}, "ArgumentError 64", "has no config.json"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_a_wrong_name_revision_or_permission_is_one_clear_sentence(
    hub, tmp_path, arguments, kind, says
):
    """Each with its exit code and the argument to change; no token is shown."""
    hub.tokens.add(TOKEN)
    hub.add("org/model", FILES)
    hub.add("org/gated", FILES, gated=True)
    hub.add("org/private", FILES, private=True)
    hub.add("org/other", {"README.md": b"a data set"})
    message = fetch(hub.url, tmp_path, **arguments)
    assert message.startswith(kind)
    assert says in message
    assert "\n" not in message
    assert "hf_wrong" not in message + fetch.log
    assert TOKEN not in message + fetch.log


def test_an_unreachable_hub_is_one_clear_sentence(tmp_path):
    """Exit code 69, the hub's address and the way without it."""
    message = fetch("http://127.0.0.1:9", tmp_path)
    assert message.startswith("UnavailableError 69 PRETRAINED_MODEL_NAME=org/model: the hub at")
    assert "name a folder with the model's files" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "fault",
    [Fault("GET /api", status=503, times=99), Fault("GET /api", stall_s=3.0, times=99)],
    ids=["503", "stalled"],
)
def test_a_hub_that_stays_ill_is_given_up(hub, tmp_path, fault):
    """After its retries the run ends with 69, whether the hub fails or falls silent."""
    hub.add("org/model", FILES)
    hub.faults.append(fault)
    assert fetch(hub.url, tmp_path, timeout=0.2).startswith("UnavailableError 69")


def test_a_cached_copy_serves_without_the_hub_and_a_warning_says_so(hub, tmp_path):
    """The warning has the commit; HF_HUB_OFFLINE takes the copy as well."""
    hub.add("org/model", FILES)
    folder = fetch(hub.url, tmp_path)
    assert fetch("http://127.0.0.1:9", tmp_path) == folder
    assert "the copy of commit" in fetch.log
    assert fetch(hub.url, tmp_path, HF_HUB_OFFLINE="1") == folder


def test_offline_without_a_copy_is_one_clear_sentence(hub, tmp_path):
    """Nothing is asked of the hub, and the sentence names HF_HUB_OFFLINE."""
    message = fetch(hub.url, tmp_path, HF_HUB_OFFLINE="1")
    assert message.startswith("UnavailableError 69")
    assert "HF_HUB_OFFLINE is set" in message
    assert "unset it, or name a folder with the model's files" in message
    assert len(message) < 350
    assert hub.requests == []


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_an_incomplete_copy_is_not_taken_for_a_model(hub, tmp_path, weights):
    """A cache without the weights is no copy."""
    hub.add("org/model", {"config.json": CONFIG, weights: b"weights"})
    Path(fetch(hub.url, tmp_path), weights).unlink()
    assert fetch("http://127.0.0.1:9", tmp_path).startswith("UnavailableError 69")


def test_a_cache_that_cannot_be_written_is_named_and_done_without(hub, tmp_path):
    """HF_HOME, where a token may lie, cannot be read here either."""
    hub.add("org/model", FILES)
    (tmp_path / "file").write_text("")
    folder = Path(fetch(hub.url, tmp_path / "file", TMPDIR=str(tmp_path)))
    assert folder.is_relative_to(tmp_path)
    assert not folder.exists()  # it went with the process
    [warning] = [line for line in fetch.log.splitlines() if "CACHE_DIR" in line]
    assert f"CACHE_DIR={tmp_path / 'file'} cannot be written (Not a directory)" in warning


def test_a_whole_copy_is_used_without_asking_for_its_files(hub, tmp_path):
    """What lies in a cache that may be read-only needs no writing: only the commit is asked for."""
    hub.add("org/model", FILES)
    first = fetch(hub.url, tmp_path)
    asked = len(hub.requests)
    assert fetch(hub.url, tmp_path) == first
    assert not [request for request in hub.requests[asked:] if "/resolve/" in request.path]
