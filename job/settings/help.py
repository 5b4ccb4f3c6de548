"""Texts about the arguments: `--help`, `--print_settings`, and what a value may be."""

import textwrap
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from job import __version__
from job.errors import EXIT_CODES
from job.program import program
from job.settings.field_types import SAMPLE_DEFAULTS, in_help, said_in
from job.settings.settings import Settings
from job.storage import masked

COLUMNS = 100
_INDENT = 30
_NO_BREAK = "\0"  # a space at which no line ends

_TITLE = f"korean-ner-job {__version__}: fine-tunes a Korean named-entity model."
_COMMANDS = {
    "[train] [flags]": ["check everything, train, evaluate, export, report"],
    "check [flags]": ["the checks alone, before anything costs money"],
    "predict IN OUT [flags]": [
        "tag a text file of any URL, a sentence a line, with the",
        "model in DOWNSTREAM_MODEL_DIR",
    ],
    "evaluate FILES [flags]": [
        "score the model in DOWNSTREAM_MODEL_DIR on labelled files",
        "of any form and URL: table, report, errors",
    ],
    "convert IN OUT [flags]": [
        "write a corpus in another shape, or one that was corrected",
        "in another tool; the ending of OUT says which",
    ],
    "spec TARGET [flags]": ["print what gcloud or docker takes to run it"],
    "completion bash|zsh": ["print a script with which the shell completes all of this"],
}
_ANSWERS = {
    "COMMAND --help": ["print the help of one command, with an example"],
    "--help, --version": ["print this text, or the version"],
    "--print_settings": ["print every setting and where it came from"],
}
_ARGUMENTS = """\
Arguments
  Each one is an environment variable, a line in the file .env, and a flag in lower case:
  BATCH_SIZE=16, --batch_size=16 and --batch_size 16 are the same. A flag beats the environment,
  that beats .env, that beats the default. Of true-or-false arguments the flag alone means true."""
_PRESET = "The corpus 'sample' brings other defaults, for its tiny model: "


def display(value: Any) -> str:
    """A value as people write it; what may be a secret in a URL is left out."""
    if value is None:
        return "-"
    if isinstance(value, SecretStr):
        return "(secret)"
    if isinstance(value, bool):
        return str(value).lower()
    return masked(f"{value:g}".replace("e-0", "e-") if isinstance(value, float) else str(value))


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _bounds(field: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    found = [
        f"{text} {display(getattr(bound, name))}"
        for bound in field.metadata
        for name, text in words.items()
        if hasattr(bound, name)
    ]
    return " and ".join(found)


def allowed_values(field: FieldInfo) -> str:
    """The words that follow "must be" in a message about a setting."""
    given = [kind for kind in get_args(field.annotation) if kind is not NoneType]
    annotation = (
        given[0] if get_origin(field.annotation) in (Union, UnionType) else field.annotation
    )
    if annotation is bool:
        return "true or false"
    if get_origin(annotation) is Literal:
        return either([str(option) for option in get_args(annotation)])
    if annotation in (int, float):
        kind = "a whole number" if annotation is int else "a number"
        return ", ".join(filter(None, [kind, _bounds(field)]))
    return "text that is not empty"


def help_text() -> str:
    """Every argument with its meaning, unit and default, the commands and the exit codes."""
    preset = ", ".join(f"{name.upper()}={display(v)}" for name, v in SAMPLE_DEFAULTS.items())
    lines = [*_commands(), "", _ARGUMENTS, *_wrapped(f"{_PRESET}{preset}.", indent="  ")]
    lines += _arguments(Settings.model_fields)
    lines += ["", "Exit codes"]
    lines += [f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items()]
    return "\n".join(lines)


def _commands() -> list[str]:
    usages = {f"{program()} {words}": said for words, said in _COMMANDS.items()} | _ANSWERS
    width = max(map(len, usages)) + 3
    lines = [
        f"korean-ner-job {__version__}: fine-tunes a Korean named-entity model.",
        "",
        "Commands",
    ]
    for usage, (first, *more) in usages.items():
        lines += [f"  {usage:<{width}}{first}", *(f"  {'':<{width}}{line}" for line in more)]
    return lines


@dataclass(frozen=True)
class About:
    """The help of one command. `usage` begins after the program's name; `{program}` in the others
    stands for it."""

    usage: str
    text: str
    example: str
    fields: Mapping[str, FieldInfo]  # the arguments that it takes
    operands: tuple[tuple[str, str], ...] = ()  # name, and what it may be


def reworded(name: str, description: str, default: str | None = None) -> FieldInfo:
    """A field of `Settings` as one command means it; `default` where it has another one."""
    field = copy(Settings.model_fields[name])
    field.description = description
    field.json_schema_extra = in_help(default or said_in(field).get("default"))
    return field


def help_of_command(about: About) -> str:
    """How a command is called, with an example and the arguments that it takes."""
    lines = [f"{program()} {about.usage}", "", *_wrapped(about.text.format(program=program()))]
    entries = [line for name, said in about.operands for line in _entry(f"  {name}", said)]
    lines += ["", *entries] if entries else []
    example = about.example.format(program=program())
    return "\n".join([*lines, "", "Example", f"  {example}", *_arguments(about.fields)])


def _wrapped(text: str, indent: str = "") -> list[str]:
    # Indented text keeps as far from the right edge.
    width = COLUMNS - len(indent)
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _arguments(fields: Mapping[str, FieldInfo]) -> list[str]:
    lines: list[str] = []
    if fields and not said_in(next(iter(fields.values()))).get("group"):
        lines += ["", "Arguments"]  # some of those of a group
    for name, field in fields.items():
        said = said_in(field)
        if said.get("group"):
            lines += ["", str(said["group"])]
        default = said.get("default") or display(field.default)
        default = "none" if default == "-" else default
        is_choice = get_origin(field.annotation) is Literal
        choice = f" ({allowed_values(field)})" if is_choice else ""
        text = f"{field.description}{choice}. Default:{_NO_BREAK}{default}."
        lines += _entry(f"  {name.upper()}", text)
    return lines


def _entry(name: str, text: str) -> list[str]:
    width = COLUMNS - _INDENT
    first, *more = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    lines = [f"{name:<{_INDENT}}{first}", *(f"{'':<{_INDENT}}{line}" for line in more)]
    return [line.replace(_NO_BREAK, " ") for line in lines]


def settings_table(settings: Settings, sources: Mapping[str, str]) -> str:
    """One line for each setting: name, value, where it came from. Secrets are not shown."""
    rows = [
        (name.upper(), display(getattr(settings, name)), source) for name, source in sources.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{n:<{widths[0]}}  {v:<{widths[1]}}  {s}" for n, v, s in rows)
