"""Set-up takes the smallest build of torch that it can reach, checked against the lock."""

import hashlib
import importlib.util
import sys
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

DOCKER = Path(__file__).parent.parent.parent / "docker"
WHEEL = "torch-2.13.0+cpu-py3-none-any.whl"


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(tmp_path):
    """A package index on loopback, empty at first; yields its URL and its folder."""
    folder = tmp_path / "index"
    folder.mkdir()
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=folder))
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_address[1]}", folder
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def wheel(tmp_path) -> Path:
    """An installable package that calls itself torch's CPU build."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    info = "torch-2.13.0+cpu.dist-info"
    with zipfile.ZipFile(folder / WHEEL, "w") as archive:
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: torch\nVersion: 2.13.0+cpu\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return folder / WHEEL


@pytest.fixture
def environment(tmp_path, monkeypatch, server, wheel):
    """docker/environment.py over a lock of that package, with no index but the loopback one."""
    spec = importlib.util.spec_from_file_location("environment", DOCKER / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (tmp_path / "torch-cpu.txt").write_text(f"torch==2.13.0+cpu --hash=sha256:{digest}\n")
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "CPU_INDEX", f"{server[0]}/cpu")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{server[0]}/pypi")
    return module


def choose(environment):
    return environment.choose_torch(Path(sys.executable))


def serve_cpu_index(folder: Path, wheel: Path) -> None:
    place = folder / "cpu" / "torch"
    place.mkdir(parents=True)
    (place / WHEEL).write_bytes(wheel.read_bytes())
    href = WHEEL.replace("+", "%2B")
    (place / "index.html").write_text(f'<!DOCTYPE html><a href="{href}">{WHEEL}</a>')


def test_a_wheel_at_hand_is_taken_first(environment, server, wheel, monkeypatch, capsys):
    """pip's own find-links folder comes before any index."""
    serve_cpu_index(server[1], wheel)
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert choose(environment) == ("cpu.txt", [])
    assert "where pip looks" in capsys.readouterr().out


def test_the_cpu_index_comes_next(environment, server, wheel, capsys):
    """Without a wheel at hand PyTorch's CPU index is asked, and named."""
    serve_cpu_index(server[1], wheel)
    assert choose(environment) == ("cpu.txt", [f"--extra-index-url={server[0]}/cpu"])
    assert f"{server[0]}/cpu" in capsys.readouterr().out


def test_the_package_index_comes_last_and_brings_cuda(environment, capsys):
    """Where neither has it, the lock with CUDA is installed, and that is said."""
    assert choose(environment) == ("gpu.txt", [])
    assert "CUDA" in capsys.readouterr().out


def test_a_wheel_of_other_bytes_is_not_taken(environment, wheel, monkeypatch):
    """A file that does not match the lock's sha256 counts as absent."""
    wheel.write_bytes(wheel.read_bytes() + b"x")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert choose(environment) == ("gpu.txt", [])


@pytest.mark.parametrize("given", [None, "", "https://example.test/simple/"])
def test_an_index_that_is_empty_is_none(given, monkeypatch, environment):
    """As for pip, to which an empty variable says nothing."""
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    if given is not None:
        monkeypatch.setenv("PIP_INDEX_URL", given)
    assert environment.package_index() == (given or "https://pypi.org/simple").rstrip("/")


def test_every_lock_pins_every_file_by_hash():
    """No requirement without a version and a sha256."""
    for lock in (
        "cpu.txt",
        "gpu.txt",
        "tpu.txt",
        "dev.txt",
        "source.txt",
        "tools.txt",
        "torch-cpu.txt",
    ):
        entries = (DOCKER / lock).read_text().replace("\\\n", " ").splitlines()
        pinned = [e for e in entries if e and not e.startswith(("#", "-r "))]
        assert pinned, lock
        assert all("==" in entry and "--hash=sha256:" in entry for entry in pinned), lock


def test_the_locks_agree_on_versions():
    """cpu.txt is gpu.txt without CUDA: the same versions on a laptop and in the cloud."""
    entries = [set((DOCKER / f"{n}.txt").read_text().split("\n")) for n in ("cpu", "gpu")]
    pins = [{line.split()[0] for line in e if "==" in line} for e in entries]
    cuda = ("torch==", "triton==", "nvidia-", "cuda-")
    assert pins[0] == {pin for pin in pins[1] if not pin.startswith(cuda)}
