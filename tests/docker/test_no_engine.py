"""What needs docker says in one line that there is none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NO_ENGINE = '#!/bin/sh\necho "Cannot connect to the Docker daemon." >&2\nexit 1\n'
COMMANDS = {
    "image": [sys.executable, "docker/image.py", "cpu", "korean-ner-job:none"],
    "sbom": ["make", "--silent", "sbom", "PYTHON=true", f"VENV={Path(sys.prefix)}"],
    "test-container": ["docker/test.sh", sys.executable],
}


@pytest.mark.parametrize("has_docker", [True, False], ids=["no engine", "no docker"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_without_an_engine_there_is_one_line(tmp_path, command, has_docker):
    """It names the remedy, exits with a failure, and no traceback or message of another program
    stands beside it."""
    tools = (
        "sh",
        "bash",
        "env",
        "dirname",
        "mktemp",
        "rm",
        "true",
        "make",
        "tail",
        "docker",
        "sed",
    )
    for tool in (*tools, "xargs", "git"):
        if tool == "docker":
            if has_docker:
                (tmp_path / tool).write_text(NO_ENGINE)
                (tmp_path / tool).chmod(0o755)
        else:
            found = next(p for f in ("/usr/bin", "/bin") if (p := Path(f, tool)).exists())
            (tmp_path / tool).symlink_to(found)
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    environ = {
        "PATH": str(tmp_path),
        "HOME": str(tmp_path),
        "TMPDIR": os.environ.get("TMPDIR", "/tmp"),
    }
    [version] = re.findall(r"^torch==(\S+)", (ROOT / "docker/torch-cpu.txt").read_text(), re.M)
    (tmp_path / f"torch-{version}-cp311-linux.whl").write_bytes(bytes(1 << 20))
    environ["PIP_FIND_LINKS"] = str(tmp_path)  # what the engine would be given first
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(said) == 1, done.stderr
    assert "docker" in said[0]
