"""A mistake in the arguments is told in a moment: what takes time to import comes later."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARIES = (
    "fsspec google.auth google.cloud.storage transformers torch numpy pytorch_lightning requests"
)
HEAVY = set(LIBRARIES.split())


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--help"], 0),
        (["spec", "--help"], 0),
        (["--epochs=0"], 64),
        (["--print_settings"], 0),
        (["convert", "in.txt"], 64),
    ],
)
def test_what_only_answers_imports_nothing_heavy(argv, code):
    """Neither the libraries that compute nor those that reach a store."""
    program = (
        "import sys; from job.__main__ import main; code = main(sys.argv[1:]); "
        f"print(code, sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *argv], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr.splitlines()[-1] == f"{code} []"
