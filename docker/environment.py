"""Makes a virtual environment from the locks, with the smallest build of torch within reach.

    python3 docker/environment.py .venv [dev] [container] [tpu]

Needs Python 3.11 or 3.12 and nothing else: where Debian's python3-venv is absent, pip is fetched
from the package index. With `tpu` it is the lock of a TPU host, 3.5 GB of downloads. Otherwise
torch's CPU build is taken from pip's own find-links folder or indexes when it lies there, else from
PyTorch's CPU index; where neither answers, from PyPI, with CUDA. Every file is checked against the
lock's sha256, wherever it came from. A stamp makes a second call free.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CPU_INDEX_TIMEOUT_S = 10
PIP_WHEEL = "pip-26.3-py3-none-any.whl"
PIP_SHA256 = "f3b60b20ffaadd4415ed7957212a38ac63fa4c5fa375bd0f4a797777940fad13"


def main(folder: Path, extras: list[str]) -> None:
    if not (3, 11) <= sys.version_info[:2] <= (3, 12):
        sys.exit(f"Python {sys.version.split()[0]}: 3.11 or 3.12 is needed; make PYTHON=python3.11")
    python, for_tpu = folder / "bin" / "python", "tpu" in extras
    locks = ("tpu.txt",) if for_tpu else ("torch-cpu.txt", "cpu.txt")
    with once(folder / ".job-installed", *locks) as is_due:
        if is_due:
            install_job(folder, python, for_tpu)
    if "dev" in extras:
        with once(folder / ".dev-installed", *locks, "dev.txt", "source.txt") as is_due:
            if is_due:
                say("installing what the tests need")
                install(python, "dev.txt")
                install(python, "source.txt", "--no-build-isolation")
    if "container" in extras:
        with once(folder / ".tools-installed", "tools.txt") as is_due:
            if is_due:
                say("installing what examines images")
                install(python, "tools.txt")


@contextmanager
def once(stamp: Path, *locks: str) -> Iterator[bool]:
    """Yields whether the block is to be done; afterwards the stamp says for which locks it was."""
    digest = hashlib.sha256(b"".join((HERE / lock).read_bytes() for lock in locks)).hexdigest()
    is_due = not stamp.exists() or stamp.read_text() != digest
    started_at = time.monotonic()
    yield is_due
    if is_due:
        stamp.write_text(digest)
        say(f"done in {time.monotonic() - started_at:.0f} s")


def install_job(folder: Path, python: Path, for_tpu: bool) -> None:
    if not python.exists():
        say(f"creating {folder} with Python {sys.version.split()[0]}")
        venv.create(folder, symlinks=True)
    install_pip(python)
    lock, options = ("tpu.txt", []) if for_tpu else choose_torch(python)
    say("installing the locked packages")
    install(python, lock, *options)


def say(message: str) -> None:
    print(f"set-up: {message}", flush=True)


def pip(python: Path, *arguments: str, **options) -> subprocess.CompletedProcess:
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, **options)


def install(python: Path, lock: str, *options: str) -> None:
    locked = ("install", "--require-hashes", "--no-deps", "--quiet", "-r", str(HERE / lock))
    if pip(python, *locked, *options).returncode:
        sys.exit(f"set-up: {lock} could not be installed; see pip's message above")


def package_index() -> str:
    """The index that pip would ask. An empty variable says nothing, to pip as well."""
    return (os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple").rstrip("/")


def install_pip(python: Path) -> None:
    """The pinned pip, by ensurepip's where there is one, else from the package index."""
    if not subprocess.run([python, "-c", "import pip"], capture_output=True).returncode:
        return
    request = urllib.request.Request(
        f"{package_index()}/pip/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = json.load(answer)["files"]
    url = next(file["url"] for file in files if file["filename"] == PIP_WHEEL)
    with urllib.request.urlopen(url, timeout=60) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != PIP_SHA256:
        sys.exit(f"set-up: {url} does not match the pinned sha256; nothing was installed")
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder, PIP_WHEEL)
        wheel.write_bytes(data)
        command = [python, f"{wheel}/pip", "install", "--quiet", "--no-index", wheel]
        subprocess.run(command, check=True)


def choose_torch(python: Path) -> tuple[str, list[str]]:
    """The lock to install and pip's options for it: the first of three places that answers."""
    probe = (
        "install",
        "--dry-run",
        "--ignore-installed",
        "--quiet",
        "--require-hashes",
        "--no-deps",
    )
    probe += ("--retries=0", f"--timeout={CPU_INDEX_TIMEOUT_S}", "-r", str(HERE / "torch-cpu.txt"))
    places = {
        "torch's CPU build lies where pip looks": [],
        f"torch's CPU build comes from {CPU_INDEX}": [f"--extra-index-url={CPU_INDEX}"],
    }
    for found, options in places.items():
        if not pip(python, *probe, *options, capture_output=True).returncode:
            say(found)
            return "cpu.txt", options
    say(f"{CPU_INDEX} does not answer: torch comes from PyPI, with 2.5 GB of CUDA that goes unused")
    return "gpu.txt", []


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
