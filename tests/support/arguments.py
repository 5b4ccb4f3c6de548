"""The command line as the program parses it: with its commands and targets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from job.commands import CHOICES, SETTINGS_CLASSES
from job.settings import Parsed, parsing

NOWHERE = Path("/nonexistent")


def parse(
    argv: Sequence[str], environ: Mapping[str, str] | None = None, cwd: Path = NOWHERE
) -> Parsed:
    """What `python -m job ARGV` would do. Raises ArgumentError."""
    return parsing.parse(argv, environ or {}, cwd, SETTINGS_CLASSES, CHOICES)
