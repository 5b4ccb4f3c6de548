"""The command `korean-ner` of an installation, and the name that this program was started by."""

import runpy
import sys
from pathlib import Path

COMMAND = "korean-ner"
MODULE = "python -m job"


def program() -> str:
    """What a person types to start it once more: `korean-ner` or `python -m job`."""
    return COMMAND if Path(sys.argv[0]).stem == COMMAND else MODULE


def run_as_command() -> None:
    """`korean-ner`: the same as `python -m job`, signals in the first lines included."""
    runpy.run_module("job", run_name="__main__")
