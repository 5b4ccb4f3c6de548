"""Flags, environment and .env file → one `Settings`, or every mistake at once.

A flag beats the environment, the environment beats `.env`, that beats the default, which may be an
image's own. Of a flag given twice the last counts, because hyperparameter tuning appends its own.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic import ValidationError

from job.cloud import LOST, is_lost, read_vertex
from job.errors import ArgumentError
from job.launch import OPERANDS, TAKEN_BY, TARGETS, LaunchSettings
from job.settings.command_line import Given, read_words
from job.settings.conflicts import Combination
from job.settings.field_types import cache_home, judge_files
from job.settings.help import allowed_values, display, help_text, settings_table
from job.settings.quotation import ENVIRONMENT, leftovers
from job.settings.settings import SAMPLE_DEFAULTS, SECRETS, Settings
from job.settings.spelling import closest_flag, misspelt_variable

__all__ = ["Parsed", "help_text", "parse", "settings_table"]

COMMANDS = ("train", "check", "predict", "spec", "help", "version")
VARIABLES = {name.upper(): name for name in Settings.model_fields}
LAUNCH_VARIABLES = {n.upper(): n for n in LaunchSettings.model_fields if n not in OPERANDS}
# A token that was pasted where the name of a secret belongs is not shown either.
UNSHOWN = frozenset({*SECRETS, "hf_token_secret"})


@dataclass(frozen=True)
class Parsed:
    """What to do and with which settings. `sources` says in words where each setting came from."""

    command: str  # train, check, predict, spec, help or version
    operands: tuple[str, ...]
    settings: Settings  # LaunchSettings where the command is spec
    sources: Mapping[str, str]
    print_settings: bool


# The container image has this file, to train the sample where nothing is said.
IMAGE_DEFAULTS = Path(__file__).parents[2] / "image.env"
_AUTO = Given("auto", "default")
_NOWHERE = Given("", "Vertex AI")  # on Vertex AI, but without a base output directory


def parse(argv: Sequence[str], environ: Mapping[str, str], cwd: Path) -> Parsed:
    """`argv` is without the program's name. Raises ArgumentError with one mistake on each line."""
    words = read_words(argv)
    command, *operands = words.positional or ["train"]
    for asked in ("help", "version"):
        if asked in words.switches or command == asked:
            return Parsed(asked, tuple(words.positional), Settings(), {}, False)
    kind = LaunchSettings if command == "spec" else Settings
    variables = LAUNCH_VARIABLES if command == "spec" else VARIABLES
    mistakes = [*words.mistakes, *_judge_command(command, operands, words.has_unknown_flag)]
    target = operands[0] if command == "spec" and operands else ""
    mistakes += _judge_flags(words.given, kind, target)
    given: dict[str, Given] = {"cache_dir": Given(str(cache_home(environ)), "default")}
    given |= _read_dotenv(IMAGE_DEFAULTS, variables, mistakes)
    given |= _read_vertex(environ, mistakes)
    given |= _read_dotenv(cwd / ".env", variables, mistakes)
    given |= _read_environment(environ, variables, mistakes)
    given |= {name: each for name, each in words.given.items() if name in kind.model_fields}
    is_on_tpu = environ.get("PJRT_DEVICE") == "TPU" and command != "spec"
    if is_on_tpu and given.get("accelerator", _AUTO).text == "auto":  # so four sentences a core
        given["accelerator"] = Given("tpu", "PJRT_DEVICE")
    if target in TARGETS:
        given = {n: each for n, each in given.items() if target in TAKEN_BY.get(n, TARGETS)}
        given["target"] = Given(target, "command line")
    if given.get("downstream_model_dir") == _NOWHERE:
        del given["downstream_model_dir"]
        mistakes.append(
            "DOWNSTREAM_MODEL_DIR is not set, and a machine of Vertex AI loses what it wrote; set "
            "it to gs://BUCKET/FOLDER, or give the job a base output directory."
        )
    left = leftovers(given)
    mistakes += [f"{_received(name, given)}: {why}." for name, why in left.items()]
    settings, found = _validate(
        kind, {name: each for name, each in given.items() if name not in left}, frozenset(left)
    )
    mistakes += found
    output = given.get("downstream_model_dir", _NOWHERE)
    writes = command in ("train", "check") and output.source != _NOWHERE.source
    if writes and is_lost(output.text, environ, cwd):
        mistakes.append(f"{_received('downstream_model_dir', given)}: {LOST}.")
    if settings is None or mistakes:
        raise ArgumentError("\n".join(mistakes))
    print_settings = words.switches.get("print_settings", "no") in ("", "true", "1", "yes", "on")
    sources = {name: _source(name, given, settings) for name in kind.model_fields}
    return Parsed(command, tuple(operands), settings, sources, print_settings)


def _received(name: str, given: Mapping[str, Given]) -> str:
    return f"{name.upper()} = {_show(name, given[name].text)} ({given[name].source})"


def _source(name: str, given: Mapping[str, Given], settings: Settings) -> str:
    if name in given:
        return given[name].source
    is_preset = settings.downstream_corpus_name == "sample" and name in SAMPLE_DEFAULTS
    return "sample preset" if is_preset else "default"


def _judge_command(command: str, operands: list[str], has_unknown_flag: bool) -> list[str]:
    if command not in COMMANDS:
        guess = closest_flag(command, COMMANDS)
        known = "the commands are train, check, predict and spec."
        hint = f"is {guess!r} meant?" if guess else known
        return [f"{command!r}: unknown command; {hint}"]
    if has_unknown_flag:
        return []  # a word may be the value of that flag
    if command == "predict" and len(operands) != 2:
        return [f"predict: needs IN and OUT, received {len(operands)} words; see --help."]
    if command == "predict":
        return judge_files(*operands)
    if command == "spec":
        return _judge_target(operands)
    if operands:
        return [f"{operands[0]!r}: {command} takes flags only; see --help."]
    return []


def _judge_target(operands: list[str]) -> list[str]:
    if len(operands) == 1 and operands[0] in TARGETS:
        return []
    received = repr(" ".join(operands)) if operands else "none"
    return [f"spec: needs one target of {', '.join(TARGETS)}; received {received}."]


def _judge_flags(given: Mapping[str, Given], kind: type[Settings], target: str) -> list[str]:
    """Flags that do nothing here: those of `spec` for the job, those of one target for another."""
    mistakes = []
    for name, each in given.items():
        takers = TAKEN_BY.get(name, TARGETS)
        if name not in kind.model_fields:
            mistakes.append(f"{each.source[5:]}: is for `spec` only; leave it out.")
        elif target in TARGETS and target not in takers:
            mistakes.append(f"{each.source[5:]}: is for {', '.join(takers)} only; leave it out.")
    return mistakes


def _read_vertex(environ: Mapping[str, str], mistakes: list[str]) -> dict[str, Given]:
    try:
        vertex = read_vertex(environ)
    except ArgumentError as error:
        mistakes.append(str(error))
        return {}
    if vertex.base_dir:
        return {"downstream_model_dir": Given(vertex.base_dir, "Vertex AI")}
    if vertex.in_cloud:
        # The default, ./output, would vanish with the machine after hours that cost money.
        return {"downstream_model_dir": _NOWHERE}
    return {}


def _read_environment(
    environ: Mapping[str, str], variables: Mapping[str, str], mistakes: list[str]
) -> dict[str, Given]:
    given = {}
    for variable, text in environ.items():
        _take(variable, text, ENVIRONMENT, variables, given, mistakes)
    return given


def _read_dotenv(path: Path, variables: Mapping[str, str], mistakes: list[str]) -> dict[str, Given]:
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}  # some keep a virtual environment in a folder of that name
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{path}: cannot be read ({error}); make it readable UTF-8, or remove it.")
        return {}
    given: dict[str, Given] = {}
    for binding in parse_stream(io.StringIO(text)):
        before = binding.original.string
        blank_lines = before[: len(before) - len(before.lstrip())].count("\n")
        line = binding.original.line + blank_lines
        if binding.error or (binding.key in variables and binding.value is None):
            mistakes.append(f"{path}:{line}: is not a setting; write NAME=value, or # before it.")
        elif binding.key:
            source = f"{path.name} line {line}"
            _take(binding.key, binding.value or "", source, variables, given, mistakes)
    return given


def _take(
    variable: str,
    text: str,
    source: str,
    variables: Mapping[str, str],
    given: dict[str, Given],
    mistakes: list[str],
) -> None:
    """Puts a variable that is ours into `given`, or says which of ours it looks like."""
    name = variables.get(variable)
    if name is None:
        if meant := misspelt_variable(variable, variables):
            value = _show(variables[meant], text)
            mistakes.append(
                f"{variable} = {value} ({source}): no such variable; is {meant} meant? "
                f"Rename it or unset it."
            )
    elif text.strip() or LaunchSettings.model_fields[name].annotation is str:
        given[name] = Given(text.strip(), source)


def _show(name: str, text: Any) -> str:
    if name in UNSHOWN:
        return "(secret)"
    shown = display(text) if isinstance(text, str) else str(text)
    return repr(shown if len(shown) <= 80 else f"{shown[:77]}...")


def _validate(
    kind: type[Settings], given: Mapping[str, Given], ignored: frozenset[str] = frozenset()
) -> tuple[Settings | None, list[str]]:
    """The settings, or what is wrong with them: single values, and combinations of the good ones.

    `ignored` are the fields that were found bad before: their defaults are nobody's mistake.
    """
    try:
        return kind(**{name: each.text for name, each in given.items()}), []
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    if errors[0]["type"] == "combination":
        found, settings = errors[0]["ctx"]["found"], errors[0]["ctx"]["of"]
        described = [_describe(each, given, settings) for each in found if not ignored & {*each[0]}]
        return None, described
    mistakes = {
        str(each["loc"][0]): str(each.get("ctx", {}).get("error", ""))
        for each in errors
        if each["type"] != "default_factory_not_called"  # it only follows from another one
    }
    good = {name: each for name, each in given.items() if name not in mistakes}
    sentences = [
        f"{_received(name, given)}: must be {allowed or allowed_values(name)}."
        for name, allowed in mistakes.items()
    ]
    return None, sentences + _validate(kind, good, frozenset(mistakes))[1]


def _describe(combination: Combination, given: Mapping[str, Given], settings: Settings) -> str:
    names = [name for name in combination.names if name in given or len(combination.names) <= 2]
    values = " with ".join(_value(name, given, settings) for name in names)
    return f"{values}: {combination.remedy}."


def _value(name: str, given: Mapping[str, Given], settings: Settings) -> str:
    value = getattr(settings, name)
    if value is None:
        return f"{name.upper()} is not set"
    return f"{name.upper()} = {_show(name, display(value))} ({_source(name, given, settings)})"
