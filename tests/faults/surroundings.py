"""Surroundings in which the sample is started: what wraps its command, and its environment."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LIMIT_S = 280
# Another user, whom limits of processes bind, and who may still read this Python.
AS_ANOTHER = (
    *("setpriv", "--reuid=65533", "--regid=65534", "--clear-groups"),
    *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
)


@dataclass(frozen=True)
class Surroundings:
    """`wrapped` stands before the command; `mounts` are shell commands of a mount namespace of its
    own, with $FOLDER for an empty folder; `code` is the exit code, `said` is in the log."""

    wrapped: Sequence[str] = ()
    mounts: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    flags: Sequence[str] = ()
    code: int = 0
    said: str = ""


def start(around: Surroundings, folder: Path) -> tuple[int, str]:
    """Runs the sample; exit code and log."""
    (folder / "spare").mkdir()
    (folder / "out").mkdir()
    for each in (folder, folder / "out"):
        each.chmod(0o777)
    command = [
        *(sys.executable, "-m", "job", "--downstream_corpus_name=sample", "--test_mode"),
        *("--epochs=1", f"--downstream_model_dir={folder / 'out'}"),
        *(f"--cache_dir={folder / 'cache'}", *around.flags),
    ]
    if around.mounts:
        script = f'set -e; FOLDER={folder / "spare"}; {around.mounts}; exec "$@"'
        command = ["unshare", "--mount", "bash", "-c", script, "bash", *command]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "HOME": str(folder), **around.environ}
    environ.pop("RUST_BACKTRACE", None)
    done = subprocess.run(
        [*around.wrapped, *command],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT_S,
    )
    return done.returncode, done.stdout
