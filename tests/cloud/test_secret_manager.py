"""A token that is named in Secret Manager is read when the job starts."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import google.auth
import pytest
from google.auth.exceptions import DefaultCredentialsError
from google.oauth2.credentials import Credentials
from pydantic import SecretStr

from job import commands, storage
from job.__main__ import main
from job.cloud.secret_manager import read_secret
from job.errors import PermissionDeniedError, UnavailableError
from tests.support.arguments import parse

NAME = "projects/p/secrets/hf-token"
CREDENTIALS = Credentials("of-the-account")


@pytest.fixture
def server():
    """Secret Manager on loopback: `answers` are (status, token), the last one for ever."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((self.path, self.headers["Authorization"]))
            answers = self.server.answers
            status, token = answers.pop(0) if len(answers) > 1 else answers[0]
            data = base64.b64encode(token.encode()).decode()
            sent = json.dumps({"payload": {"data": data}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked, server.answers = [], [(200, "hunter2\n")]
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def account(monkeypatch):
    """Credentials of the machine, and little patience."""
    monkeypatch.setattr(google.auth, "default", lambda scopes: (CREDENTIALS, "p"))
    before = storage.retry_policy()
    storage.set_retry_policy(storage.RetryPolicy(5, deadline_s=0.3, first_wait_s=0.01))
    yield
    storage.set_retry_policy(before)


def read(server, name: str = NAME) -> str:
    return read_secret("HF_TOKEN_SECRET", name, endpoint=server.url)


def test_the_newest_version_is_read_unless_one_is_named(server):
    """As the account of the machine; a line end of the file that it came from is no part of it."""
    assert read(server) == "hunter2"
    read(server, f"{NAME}/versions/3")
    assert server.asked == [
        (f"/v1/{NAME}/versions/latest:access", "Bearer of-the-account"),
        (f"/v1/{NAME}/versions/3:access", "Bearer of-the-account"),
    ]


def test_a_passing_fault_is_tried_again(server):
    """A busy server answers the second time."""
    server.answers = [(503, ""), (200, "hunter2")]
    assert read(server) == "hunter2"


@pytest.mark.parametrize(
    ("status", "kind", "code", "part"),
    [
        (403, PermissionDeniedError, 77, "Secret Manager Secret Accessor"),
        (401, PermissionDeniedError, 77, "Secret Manager Secret Accessor"),
        (404, UnavailableError, 69, "check that the secret exists"),
        (503, UnavailableError, 69, "did not recover within 0.3 s; see STORAGE_DEADLINE_S"),
    ],
)
def test_a_secret_that_cannot_be_read_ends_the_run(server, status, kind, code, part):
    """With a sentence that says what to do."""
    server.answers = [(status, "")]
    with pytest.raises(kind, match=part) as caught:
        read(server)
    assert caught.value.exit_code == code


def test_without_credentials_the_run_ends(monkeypatch, capsys):
    """Before anything is read or written: exit code 77."""

    def none(scopes):
        raise DefaultCredentialsError("none")

    monkeypatch.setattr(google.auth, "default", none)
    monkeypatch.setenv("HF_TOKEN_SECRET", NAME)
    assert main(["check", "--downstream_corpus_name=sample"]) == 77
    assert "HF_TOKEN_SECRET: there are no credentials" in capsys.readouterr().out


def test_a_token_that_is_given_is_not_looked_up(monkeypatch):
    """HF_TOKEN beats HF_TOKEN_SECRET."""

    def never(*_):
        raise AssertionError("a secret was asked for")

    def check(parsed, stop, handler):
        assert parsed.settings.hf_token == SecretStr("mine")
        return 0

    monkeypatch.setattr("job.cloud.secret_manager.read_secret", never)
    monkeypatch.setitem(
        commands.COMMANDS, "check", commands.Command("check", commands.Settings, check)
    )
    monkeypatch.setenv("HF_TOKEN", "mine")
    monkeypatch.setenv("HF_TOKEN_SECRET", NAME)
    assert main(["check"]) == 0


def test_the_token_takes_its_place_in_the_settings(server, monkeypatch):
    """Where it is a secret like any other: not shown, not written."""
    monkeypatch.setattr(read_secret, "__defaults__", (server.url,))
    settings = commands.with_secrets(parse([], {"HF_TOKEN_SECRET": NAME})).settings
    assert settings.hf_token == SecretStr("hunter2")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.public_values())
