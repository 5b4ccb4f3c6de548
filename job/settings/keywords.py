"""Settings that a program gives as keyword arguments: read and judged as a command line is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from job.settings.command_line import Given, Words
from job.settings.names.spelling import hint
from job.settings.parsing import Parsed, parse
from job.settings.settings import Settings


def parse_keywords(
    command: Sequence[str],
    values: Mapping[str, object],
    environ: Mapping[str, str] | None,
    settings_class: type[Settings] = Settings,
) -> Parsed:
    """`command` has its operands with it; `values` are those of its settings, None for what is not
    said. Only with `environ` variables and .env count, too. Raises ArgumentError with one mistake
    on each line."""
    words = Words(list(command))
    for name, value in values.items():
        if name not in settings_class.taken():
            meant = hint(name, settings_class.taken(), else_="docs/arguments.md lists them.")
            words.mistakes.append(f"{name}: unknown argument; {meant}")
        elif value is not None:
            words.given[name] = Given(_text(value), f"argument {name}")
    return parse(words, environ, Path(), {command[0]: settings_class}, {})


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip()
