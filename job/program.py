"""The command `korean-ner`, which an installation brings, and the name this program has here."""

import runpy
import shlex
import shutil
import sys
from pathlib import Path

COMMAND = "korean-ner"
MODULE = "python -m job"


def program() -> str:
    """What a person types to start it once more: `korean-ner` or `python -m job`."""
    return COMMAND if Path(sys.argv[0]).stem == COMMAND else MODULE


def command_line(*words: str) -> str:
    """A line that a shell of this machine runs in this folder: the program as it was started, by
    the same Python, and the words, quoted."""
    if program() == COMMAND:
        return shlex.join([_as_typed(sys.argv[0], COMMAND), *words])
    return shlex.join([_as_typed(sys.executable, "python"), *MODULE.split()[1:], *words])


def _as_typed(path: str, name: str) -> str:
    """`name` where a shell finds `path` by it, else the path, from this folder where it is in it.

    Links stay: the Python of a virtual environment is one.
    """
    if shutil.which(name) == path:
        return name
    file, here = Path(path), Path.cwd()
    return str(file.relative_to(here)) if file.is_relative_to(here) else path


def run_as_command() -> None:
    """`korean-ner`: the same as `python -m job`, signals in the first lines included."""
    runpy.run_module("job", run_name="__main__")
