"""One way out for every client; what asking again cannot mend is one sentence, at once."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from job.errors import StorageError
from job.machine import networks
from job.storage import retry
from tests.support.gcs import GcsServer
from tests.support.hub import Hub
from tests.support.proxy import Proxy
from tests.support.tls import Tls, private, write_certificate

ROOT = Path(__file__).parent.parent.parent
ASK = """
import json, logging, os, socket, sys, time
from pathlib import Path
logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
logging.getLogger("httpx2").setLevel(logging.ERROR)
from job.machine import networks
networks.prepare(os.environ)
number = int(os.environ.get("FAILING_NAMES", "0"))
if number:
    asked = []
    def fail(*arguments, **options):
        asked.append(arguments)
        raise socket.gaierror(number, "Name or service not known")
    socket.getaddrinfo = fail
from job import storage
from job.model.pretrained import hub
from job.storage import retry
from job.errors import JobError
from job.corpus.download.file import download
retry.set_retry_policy(retry.RetryPolicy(timeout_s=5, deadline_s=3, first_wait_s=0.05))
cache, web_url = Path(sys.argv[1]), sys.argv[2]
policy = retry.RetryPolicy(attempts=3, first_wait_s=0.01)
ACTS = {
    "client": lambda: storage.write_bytes("gs://bucket/a/b.txt", b"data"),
    "names": lambda: [
        storage.write_bytes("memory://a", b""),
        storage.list_names("gs://bucket/a"),
        storage.exists("gs://bucket/a/b.txt"),
        storage.remove("gs://bucket/a/b.txt", "gs://bucket/a"),
    ],
    "web": lambda: download(web_url, cache / "file", max_bytes=1000, policy=policy),
    "hub": lambda: hub.fetch_snapshot("org/model", None, None, cache),
}
for name in sys.argv[3:]:
    try:
        ACTS[name]()
        print(json.dumps([name, 0, ""]))
    except JobError as error:
        print(json.dumps([name, error.exit_code, str(error)]))
"""
CLIENTS = ("client", "names", "web", "hub")
FILES = {"config.json": b"{}", "model.safetensors": b"w"}


def ask(folder: Path, url: str, *clients: str, **environ: str) -> tuple[dict, list[str]]:
    """What each client ends with, (code, sentence), and the warnings."""
    alone = ("PROXY", "HF_", "CERT", "BUNDLE", "GOOGLE", "STORAGE_EMULATOR")
    clean = {k: v for k, v in os.environ.items() if not any(word in k.upper() for word in alone)}
    clean |= {"PYTHONPATH": str(ROOT), "NO_GCE_CHECK": "true", "HOME": str(folder)}
    clean |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(folder), url, *clients],
        env=clean | environ,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    ends = {name: (code, said) for name, code, said in map(json.loads, done.stdout.splitlines())}
    assert set(ends) == set(clients)
    return ends, done.stderr.splitlines()


def port_of(url: str) -> int:
    return int(url.rsplit(":", 1)[1])


@pytest.fixture
def gcs():
    with GcsServer() as server:
        yield server


@pytest.fixture
def hub():
    with Hub() as server:
        server.add("org/model", FILES)
        yield server


@pytest.mark.parametrize(
    ("product", "given", "tries"),
    [
        ("Google Compute Engine\n", {}, None),
        ("Standard PC\n", {}, "1"),
        ("Standard PC\n", {"GCE_METADATA_DETECT_RETRIES": "5"}, "5"),
        (None, {}, None),
    ],
)
def test_a_metadata_server_is_looked_for_once_elsewhere(tmp_path, product, given, tries):
    """Google's library tries three times of 3 s each; where it may well be there, it may."""
    if product:
        (tmp_path / "product_name").write_text(product)
    environ = dict(given)
    networks.prepare(environ, tmp_path / "product_name")
    assert environ.get("GCE_METADATA_DETECT_RETRIES") == tries


def test_googles_library_reads_how_often_it_may_look(tmp_path):
    """The variable is its own, and it is set before the library is imported."""
    product = tmp_path / "product_name"
    product.write_text("Standard PC")
    code = f"""
import os, sys
from pathlib import Path
from job.machine import networks
networks.prepare(os.environ, Path({str(product)!r}))
assert "google.auth.compute_engine" not in sys.modules
from google.auth.compute_engine import _metadata
print(_metadata._METADATA_DETECT_RETRIES)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_a_proxy_is_a_way_out_for_every_client(gcs, hub, authority, tmp_path):
    """Writing, listing, asking and deleting in a bucket, the hub and a download go through it."""
    names = {"storage.test": port_of(gcs.url), "hub.test": port_of(hub.url)}
    with Tls(port_of(gcs.url), authority) as web, Proxy(names, user="me:secret") as proxy:
        names["web.test"] = port_of(web.url)
        ends, warnings = ask(
            tmp_path,
            "https://web.test/storage/v1/b/bucket",
            *CLIENTS,
            ALL_PROXY=f"me:secret@{proxy.address}",
            SSL_CERT_FILE=str(authority / "authority.pem"),
            STORAGE_EMULATOR_HOST="http://storage.test",
            HF_ENDPOINT="http://hub.test",
        )
    assert (ends, warnings) == (dict.fromkeys(CLIENTS, (0, "")), [])
    assert {host for _, host in proxy.asked} == set(names)
    assert ("CONNECT", "web.test") in proxy.asked


@pytest.mark.parametrize(
    ("address", "said"),
    [("", "wants a user and a password"), ("me:wrong@", "wants a user"), ("me:x@", "lets nobody")],
)
def test_a_proxy_that_refuses_is_told_at_once(address, said, tmp_path):
    """A password that is missing or wrong, and a server that it does not reach, mean 69."""
    with Proxy({}, user="me:x") as proxy:
        ends, warnings = ask(
            tmp_path,
            "https://web.test/file",
            *CLIENTS,
            HTTPS_PROXY=f"http://{address}{proxy.address}",
            STORAGE_EMULATOR_HOST="https://storage.test",
            HF_ENDPOINT="https://hub.test",
        )
    for code, sentence in ends.values():
        assert code == 69
        assert said in sentence
        assert len(sentence) <= 300
    assert not [line for line in warnings if "trying again" in line]


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Path:
    """A folder with the certificate of a company's authority, and its key."""
    folder = tmp_path_factory.mktemp("authority")
    write_certificate(folder, datetime.now(UTC))
    return folder


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE"])
def test_each_variable_alone_makes_every_client_trust_a_certificate(
    variable, gcs, hub, authority, tmp_path
):
    """What requests reads and what OpenSSL reads are one."""
    with Tls(port_of(gcs.url), authority) as store, Tls(port_of(hub.url), authority) as models:
        ends, warnings = ask(
            tmp_path,
            f"{store.url}/storage/v1/b/bucket",
            *CLIENTS,
            STORAGE_EMULATOR_HOST=store.url,
            HF_ENDPOINT=models.url,
            **{variable: str(authority / "authority.pem")},
        )
    assert (ends, warnings) == (dict.fromkeys(CLIENTS, (0, "")), [])


def test_a_certificate_that_nobody_knows_is_told_at_once(authority, tmp_path):
    """One handshake a client, and the two variables by name; a variable without a file is told."""
    with Tls(9, authority) as server:
        ends, warnings = ask(
            tmp_path,
            f"{server.url}/file",
            *CLIENTS,
            STORAGE_EMULATOR_HOST=server.url,
            HF_ENDPOINT=server.url,
            SSL_CERT_FILE=str(tmp_path / "none.pem"),
        )
        assert server.hands <= len(CLIENTS) + 1  # the hub's client asks for something of its own
    for code, sentence in ends.values():
        assert code == 69
        assert "set REQUESTS_CA_BUNDLE and SSL_CERT_FILE to the file" in sentence
        assert len(sentence) <= 300
    unused = f"SSL_CERT_FILE={tmp_path}/none.pem is not used: No such file or directory."
    assert warnings == [unused]


def test_a_certificate_of_another_time_speaks_of_the_clock(tmp_path):
    """An expired one is told with the time that this machine believes in."""
    write_certificate(tmp_path, datetime.now(UTC) - timedelta(days=100))
    trusted = {"SSL_CERT_FILE": str(tmp_path / "authority.pem")}
    with Tls(9, tmp_path) as server:
        ends, _ = ask(tmp_path, f"{server.url}/file", "web", **trusted)
    code, sentence = ends["web"]
    assert code == 69
    assert re.search(r"this machine's clock it is 20\d\d-\d\d-\d\d \d\d:\d\d UTC", sentence)
    assert len(sentence) <= 300


@pytest.mark.parametrize(
    ("number", "clients", "code", "said", "retries"),
    [
        (socket.EAI_NONAME, CLIENTS, {69}, "name does not exist", False),
        (socket.EAI_AGAIN, ("client", "web", "hub"), {69, 74}, "not known", True),
    ],
)
def test_a_name_that_does_not_exist_is_asked_for_once(
    number, clients, code, said, retries, tmp_path
):
    """One that cannot be resolved for the moment is tried again."""
    ends, warnings = ask(
        tmp_path,
        "https://web.test/file",
        *clients,
        FAILING_NAMES=str(number),
        STORAGE_EMULATOR_HOST="https://storage.test",
        HF_ENDPOINT="https://hub.test",
    )
    for ended, sentence in ends.values():
        assert ended in code
        assert said in sentence
        assert len(sentence) <= 300
    assert bool([line for line in warnings if "trying again" in line]) is retries


def test_a_name_that_was_there_before_is_waited_for(hurried):
    """In the hours of a run a network has moments without names."""
    failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    answers = iter([failure, "written"])

    def act() -> str:
        if isinstance(answer := next(answers), Exception):
            raise ConnectionError("broken") from answer
        return answer

    assert retry.persist("gs://known/before", lambda: "yes") == "yes"
    assert retry.persist("gs://known/object", act) == "written"

    def always() -> None:
        raise ConnectionError("broken") from failure

    with pytest.raises(StorageError, match="did not recover"):
        retry.persist("gs://known/object", always)


class Tokens(BaseHTTPRequestHandler):
    """Google's server for tokens, which refuses; its clock is an hour ahead."""

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(time.time() + 3600, usegmt=True)

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.end_headers()

    def do_POST(self) -> None:
        self.server.asked += 1
        body = json.dumps({"error": "invalid_grant", "error_description": self.server.said})
        self.send_response(400)
        self.end_headers()
        self.wfile.write(body.encode())


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
            "timeframe. Check your iat and exp values in the JWT claim.",
            r"this machine's clock is 3\d\d\d s behind the server's; set the clock",
        ),
        ("Token has been expired or revoked. " + "Long. " * 90, "refused .*expired.*renew them"),
        ("Invalid JWT Signature.", "refused .*Signature.*new key file"),
    ],
    ids=["clock", "expired", "another key"],
)
def test_credentials_that_are_refused_are_told_at_once(refusal, said, tmp_path):
    """77, the remedy, and by how much the clock is off."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Tokens) as server:
        server.said, server.asked = refusal, 0
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        key = {
            "type": "service_account",
            "project_id": "p",
            "private_key_id": "k",
            "private_key": private(rsa.generate_private_key(65537, 2048)).decode(),
            "client_email": "job@p.iam.gserviceaccount.com",
            "token_uri": f"http://127.0.0.1:{server.server_port}/token",
        }
        (tmp_path / "key.json").write_text(json.dumps(key))
        given = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "key.json")}
        ends, warnings = ask(tmp_path, "", "client", "names", **given)
        server.shutdown()
    for code, sentence in ends.values():
        assert code == 77
        assert re.search(said, sentence), sentence
        assert len(sentence) <= 300
    assert warnings == []
    assert server.asked <= 2


@pytest.mark.parametrize("key", ["", "none.json", "key.json"])
def test_no_credentials_are_told_with_what_to_do(key, tmp_path):
    """None at all, a file that is not there and one that is no key."""
    (tmp_path / "key.json").write_text("{")
    given = {"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / key)} if key else {}
    ends, warnings = ask(tmp_path, "", "client", **given)
    code, sentence = ends["client"]
    assert code == 77
    assert (
        "gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS" in sentence
    )
    assert len(sentence) <= 300
    assert not [line for line in warnings if "trying again" in line]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, {}),
        ({"NO_PROXY": "a"}, {"NO_PROXY": "a"}),
        ({"https_proxy": "", "HTTPS_PROXY": "b:1"}, {"https_proxy": "", "HTTPS_PROXY": "b:1"}),
        ({"HTTPS_PROXY": "b:1"}, {"https_proxy": "http://b:1", "HTTPS_PROXY": "http://b:1"}),
        ({"all_proxy": "http://c"}, {"https_proxy": "http://c", "HTTP_PROXY": "http://c"}),
        ({"ALL_PROXY": "c", "http_proxy": "d"}, {"http_proxy": "http://d", "HTTPS_PROXY": "http://c"}),
        ({"http_proxy": "d", "no_proxy": "x, y"}, {"NO_PROXY": "x,y,localhost,127.0.0.1,"}),
        ({"http_proxy": "d", "NO_PROXY": "*"}, {"no_proxy": "*"}),
    ],
)  # fmt: skip
def test_the_ways_to_name_a_proxy_are_one(given, found):
    """Either case, without a scheme, one for all; this machine's own servers need none."""
    environ = dict(given)
    networks.prepare(environ)
    for name, value in found.items():
        assert environ[name].startswith(value)
    if not any("PROXY" in name.upper() and value for name, value in found.items()):
        assert environ == given
