"""What people read about the arguments: `--help`, `--print_settings`, and what a value may be."""

import textwrap
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from job import __version__
from job.errors import EXIT_HANGUP, EXIT_INTERRUPTED, EXIT_PIPE, EXIT_TERMINATED
from job.launch import OPERANDS, TARGETS, LaunchSettings
from job.settings.settings import SAMPLE_DEFAULTS, Settings
from job.storage import masked

if TYPE_CHECKING:
    from job.settings.parsing import Parsed

COLUMNS = 100
_INDENT = 30
_NO_BREAK = "\0"  # a space at which no line ends

_HEAD = f"""\
korean-ner-job {__version__}: fine-tunes a Korean named-entity model.

Commands
  python -m job [train] [flags]          check everything, train, evaluate, export, report
  python -m job check [flags]            the checks alone, before anything costs money
  python -m job predict IN OUT [flags]   tag a text file of any URL, a sentence a line, with the
                                         model in DOWNSTREAM_MODEL_DIR
  python -m job spec TARGET [flags]      print what gcloud or docker takes to run it;
                                         `python -m job spec --help` lists the targets and flags
  --help, --version                      print this text, or the version
  --print_settings                       print every setting and where it came from

Arguments
  Each one is an environment variable, a line in the file .env, and a flag in lower case:
  BATCH_SIZE=16, --batch_size=16 and --batch_size 16 are the same. A flag beats the environment,
  that beats .env, that beats the default. Of true-or-false arguments the flag alone means true."""
_PRESET = "The corpus 'sample' brings other defaults, for its tiny model: "
_SPEC = (
    "Prints what gcloud or docker takes to run the job on that machine. Every argument of the job "
    "that is given as flag, variable or line of .env goes with it; `python -m job --help` lists "
    "those. DOWNSTREAM_MODEL_DIR is the folder in a bucket where all is kept, and secrets go by "
    "their names in Secret Manager. Below is what only this command takes, in the same three ways."
)
_INDENTED = {"initial_indent": "  ", "subsequent_indent": "  "}

_EXIT_CODES = {
    0: "done, or it had been done before",
    64: "an argument is wrong",
    65: "the corpus or its labels cannot be used",
    69: "a hub, server, device or machine did not answer, or memory, files or processes ran out",
    70: "a fault of this program",
    73: "the output cannot be written",
    74: "a storage fault that outlived its retries",
    77: "a permission is missing",
    78: "a checkpoint or configuration does not fit this run",
    EXIT_HANGUP: "the terminal went away; stopped after saving",
    EXIT_INTERRUPTED: "interrupted from the keyboard",
    EXIT_PIPE: "the reader of the output left early, as `head` does",
    EXIT_TERMINATED: "stopped by SIGTERM, after saving",
}


def display(value: Any) -> str:
    """A value as people write it; what may be a secret in a URL is left out."""
    if value is None:
        return "-"
    if isinstance(value, SecretStr):
        return "(secret)"
    if isinstance(value, bool):
        return str(value).lower()
    return masked(f"{value:g}".replace("e-0", "e-") if isinstance(value, float) else str(value))


def _either(words: list[str]) -> str:
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


def allowed_values(name: str) -> str:
    """What follows "must be" in a message about the setting `name`."""
    field = LaunchSettings.model_fields[name]
    if field.annotation is bool:
        return "true or false"
    if get_origin(field.annotation) is Literal:
        return _either([str(option) for option in get_args(field.annotation)])
    if field.annotation in (int, float):
        kind = "a whole number" if field.annotation is int else "a number"
        return ", ".join(filter(None, [kind, _bounds(field)]))
    return "text that is not empty"


def help_text(command: str = "train") -> str:
    """Every argument with its meaning, unit and default, the commands and the exit codes.

    For `spec`: its targets, and what it takes beside the arguments of the job.
    """
    if command == "spec":
        return "\n".join([*_spec_head(), *_arguments(LaunchSettings, skipped=Settings)])
    preset = ", ".join(f"{name.upper()}={display(v)}" for name, v in SAMPLE_DEFAULTS.items())
    lines = [_HEAD, *textwrap.wrap(_PRESET + preset + ".", COLUMNS - 2, **_INDENTED)]
    lines += _arguments(Settings)
    lines += ["", "Exit codes"]
    lines += [f"  {code:>3}  {meaning}" for code, meaning in _EXIT_CODES.items()]
    return "\n".join(lines)


def _spec_head() -> list[str]:
    return [
        "python -m job spec TARGET [flags]",
        "",
        *textwrap.wrap(f"TARGET is {_either(list(TARGETS))}. {_SPEC}", COLUMNS),
    ]


def _arguments(kind: type[Settings], skipped: type[Settings] | None = None) -> list[str]:
    lines = []
    unwanted = OPERANDS | set(skipped.model_fields if skipped else ())
    for name, field in kind.model_fields.items():
        if name in unwanted:
            continue
        extra = field.json_schema_extra or {}
        if extra.get("group"):
            lines += ["", str(extra["group"])]
        default = extra.get("default") or display(field.default)
        default = "none" if default == "-" else default
        is_choice = get_origin(field.annotation) is Literal
        choice = f" ({allowed_values(name)})" if is_choice else ""
        text = f"{field.description}{choice}. Default:{_NO_BREAK}{default}."
        lines += _entry(f"  {name.upper()}", text)
    return lines


def _entry(name: str, text: str) -> list[str]:
    width = COLUMNS - _INDENT
    first, *more = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    lines = [f"{name:<{_INDENT}}{first}", *(f"{'':<{_INDENT}}{line}" for line in more)]
    return [line.replace(_NO_BREAK, " ") for line in lines]


def settings_table(parsed: "Parsed") -> str:
    """One line for each setting: name, value, where it came from. Secrets are not shown."""
    rows = [
        (name.upper(), display(getattr(parsed.settings, name)), parsed.sources[name])
        for name in type(parsed.settings).model_fields
        if name not in OPERANDS
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "\n".join(f"{n:<{widths[0]}}  {v:<{widths[1]}}  {s}" for n, v, s in rows)
