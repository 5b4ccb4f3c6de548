"""The locks are what `make lock` would write, and can be installed where they are for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.container.containers import ROOT

TOOLS = Path(sys.executable).parent
# uv trusts the CAs that it brings, unless it is told to trust the system's.
ENVIRONMENT = {**os.environ, "UV_SYSTEM_CERTS": "1", "PATH": f"{TOOLS}:{os.environ['PATH']}"}
# torch-cpu.txt is installed in every build of the CPU image; source.txt is built by `make test`.
LOCKS = sorted(
    {file.name for file in (ROOT / "docker").glob("*.txt")}
    - {"torch-cpu.txt", "cpu.txt", "source.txt"}
)


def test_the_locks_are_current(tmp_path):
    """Locking anew, with the versions that are pinned, changes nothing."""
    shutil.copytree(ROOT / "docker", tmp_path / "docker")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    done = subprocess.run(
        [sys.executable, "docker/lock.py"],
        cwd=tmp_path,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for lock in (ROOT / "docker").glob("*.txt"):
        made = (tmp_path / "docker" / lock.name).read_text()
        assert made == lock.read_text(), f"{lock.name} is out of date: run `make lock`"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_can_be_installed_on_its_platform(lock, tmp_path):
    """Every pinned file exists for Python 3.11 on x86-64, with its hash: for glibc 2.28, a TPU's
    library for 2.31; the image's Debian 12 has 2.36."""
    glibc = "2_31" if lock == "tpu.txt" else "2_28"
    command = ["uv", "pip", "install", "--dry-run", "--require-hashes", "--no-deps", "--no-build"]
    command += [f"--python-platform=x86_64-manylinux_{glibc}", "--python-version=3.11"]
    done = subprocess.run(
        [*command, f"--target={tmp_path}", f"--requirement={ROOT / 'docker' / lock}"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stderr
