"""The command line, taken apart into words and flags, before anything is judged.

Flags are `--x=v` or `--x v`, `--lower_case` or `--lower-case`, and a true-or-false flag may stand
alone. argparse stops at the first mistake.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic.fields import FieldInfo

from job.settings.names.spelling import hint
from job.settings.settings import SECRETS

_YES_OR_NO = frozenset({"true", "false", "1", "0", "yes", "no", "on", "off", "t", "f", "y", "n"})
SWITCHES = frozenset({"help", "version", "print_settings"})


ENVIRONMENT = "environment"  # as source


class Given(NamedTuple):
    text: str
    source: str  # "flag --epochs", "environment", ".env line 3", "Vertex AI", "default"


@dataclass
class Words:
    """The command line, taken apart but not yet judged."""

    positional: list[str] = field(default_factory=list)
    given: dict[str, Given] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)
    mistakes: list[str] = field(default_factory=list)
    has_unknown_flag: bool = False


def read_words(argv: Sequence[str], fields: Mapping[str, FieldInfo]) -> Words:
    """`fields` are those of all commands; `job.settings.parsing` judges which of them one takes."""
    words, rest = Words(), list(argv)
    while rest:
        word = rest.pop(0)
        if word == "-h":
            word = "--help"
        if word.startswith("--") and len(word) > 2:
            _read_flag(word, rest, fields, words)
        elif re.match(r"-[A-Za-z]", word):
            words.mistakes.append(f"{word.partition('=')[0]}: unknown flag; see --help.")
            words.has_unknown_flag = True
        else:
            words.positional.append(word)
    return words


def _read_flag(word: str, rest: list[str], fields: Mapping[str, FieldInfo], words: Words) -> None:
    """Takes the flag's value from `word` (`--x=v`) or from the front of `rest` (`--x v`)."""
    spelling, equals, value = word.partition("=")
    name = spelling[2:].lower().replace("-", "_")
    if name in SWITCHES:
        words.switches[name] = value.lower()
    elif name in SECRETS:
        words.mistakes.append(
            f"{spelling}: anyone can read a command line; set the environment variable "
            f"{name.upper()} in its place."
        )
        _drop_value(equals, rest)
    elif name not in fields:
        meant = hint(name, [*fields, *SWITCHES], "--")
        words.mistakes.append(f"{spelling}: unknown flag; {meant}")
        words.has_unknown_flag = True
        _drop_value(equals, rest)
    elif equals:
        words.given[name] = Given(value.strip(), f"flag {spelling}")
    elif fields[name].annotation is bool:
        is_value = bool(rest) and rest[0].lower() in _YES_OR_NO
        words.given[name] = Given(rest.pop(0) if is_value else "true", f"flag {spelling}")
    elif not rest or rest[0].startswith("--"):
        words.mistakes.append(f"{spelling} has no value; write {spelling}=VALUE.")
    else:
        words.given[name] = Given(rest.pop(0).strip(), f"flag {spelling}")


def _drop_value(equals: str, rest: list[str]) -> None:
    if not equals and rest and not rest[0].startswith("--"):
        rest.pop(0)
