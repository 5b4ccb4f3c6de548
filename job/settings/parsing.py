"""Flags, environment and .env file → one `Settings`, or every mistake at once.

A flag beats the environment, the environment beats `.env`, that beats the default, which may be an
image's own. Of a flag given twice the last counts, because hyperparameter tuning appends its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from job.cloud import LOST, is_lost
from job.errors import ArgumentError
from job.settings.command_line import Given, Words, read_words
from job.settings.conflicts import Conflict
from job.settings.field_types import SAMPLE_DEFAULTS, cache_home
from job.settings.help import allowed_values, display
from job.settings.names.words import (
    ANSWERS,
    Asked,
    SettingsClasses,
    judge_command,
    judge_flags,
    takers,
)
from job.settings.quotation import leftovers
from job.settings.settings import EvaluateSettings, Settings
from job.settings.sources import (
    NOWHERE,
    quoted,
    read_dotenv,
    read_environment,
    read_vertex_output,
    strongest,
)

# Of settings with an operand, the name of that field → what it may be: {"target": {"docker": …}}
# for `spec docker`.
Choices = Mapping[str, Mapping[str, object]]

# The container image has this file, to train the sample where nothing is said.
IMAGE_DEFAULTS = Path(__file__).parents[2] / "image.env"
_AUTO = Given("auto", "default")
DEFAULT_OUTPUT = Given(EvaluateSettings.model_fields["output"].default, "default")
_YES = ("", "true", "1", "yes", "on")


@dataclass(frozen=True)
class Parsed:
    """The command and its settings. `sources` says in words where each setting came from."""

    command: str  # one that has settings, or an answer
    operands: tuple[str, ...]
    settings: Settings  # of the command's class
    sources: Mapping[str, str]
    print_settings: bool


def parse(
    argv: Sequence[str] | Words,
    environ: Mapping[str, str] | None,
    cwd: Path,
    settings_classes: SettingsClasses,
    choices: Choices,
) -> Parsed:
    """`argv` is without the program's name. Without `environ` neither variables, nor .env, nor the
    image's defaults count. Raises ArgumentError with one mistake on each line."""
    fields = {n: each for c in settings_classes.values() for n, each in c.model_fields.items()}
    words = argv
    if not isinstance(words, Words):
        words = read_words(words, {name: fields[name] for name in fields if name not in choices})
    command, *operands = words.positional or [next(iter(settings_classes))]
    for answer in ANSWERS:
        if answer in words.switches or command == answer:
            return Parsed(answer, tuple(words.positional), Settings(), {}, False)
    settings_class = settings_classes.get(command, Settings)
    operand = next((name for name in choices if name in settings_class.model_fields), "")
    asked = Asked(command, operands, settings_class, operand, choices.get(operand, {}))
    mistakes = [*words.mistakes, *judge_command(asked, settings_classes, words)]
    if asked.has_unknown_word and not words.has_unknown_flag:
        raise ArgumentError("\n".join(mistakes))  # what else is missing depends on that word
    mistakes += judge_flags(asked, words, settings_classes)
    given = _merge(asked, words, environ, cwd, mistakes)
    left = leftovers(given)
    mistakes += [f"{_received(name, given)} {why}." for name, why in left.items()]
    good = {name: each for name, each in given.items() if name not in left}
    settings, found = _validate(asked, good, frozenset(left))
    mistakes += [*found, *_judge_output(command, given, environ, cwd)]
    if settings is None or mistakes:
        raise ArgumentError("\n".join(mistakes))
    sources = {n: _source(n, given, settings) for n in settings_class.taken() if n != operand}
    print_settings = words.switches.get("print_settings", "no") in _YES
    return Parsed(command, tuple(operands), settings, sources, print_settings)


def _merge(
    asked: Asked, words: Words, environ: Mapping[str, str] | None, cwd: Path, mistakes: list[str]
) -> dict[str, Given]:
    """The value of each setting from its strongest source, without those that this target does not
    take."""
    if environ is None:
        return strongest(words.given)
    fields = {n: field for n, field in asked.settings_class.taken().items() if n != asked.operand}
    given = strongest(
        {"cache_dir": Given(str(cache_home(environ)), "default")},
        read_dotenv(IMAGE_DEFAULTS, fields, mistakes),
        read_vertex_output(environ, mistakes),
        read_dotenv(cwd / ".env", fields, mistakes),
        read_environment(environ, fields, mistakes),
        {name: each for name, each in words.given.items() if name in fields},
    )
    given = {name: each for name, each in given.items() if name in fields}
    # A specification is for another machine; here it means four sentences a core.
    is_on_tpu = environ.get("PJRT_DEVICE") == "TPU" and not asked.operand
    if is_on_tpu and given.get("accelerator", _AUTO).text == "auto":
        given["accelerator"] = Given("tpu", "PJRT_DEVICE")
    if asked.chosen:
        given = {n: each for n, each in given.items() if asked.chosen in takers(n, asked)}
        given[asked.operand] = Given(asked.chosen, "command line")
    elif asked.operand:
        given[asked.operand] = Given(next(iter(asked.choices)), "default")
    if given.get("downstream_model_dir") == NOWHERE:
        del given["downstream_model_dir"]
        mistakes.append(
            "DOWNSTREAM_MODEL_DIR is not set, and a machine of Vertex AI loses what it wrote; set "
            "it to gs://BUCKET/FOLDER, or give the job a base output directory."
        )
    return given


def _received(name: str, given: Mapping[str, Given]) -> str:
    return f"{name.upper()} = {quoted(name, given[name].text)} ({given[name].source})"


def _source(name: str, given: Mapping[str, Given], settings: Settings) -> str:
    if name in given:
        return given[name].source
    is_preset = settings.is_sample and name in SAMPLE_DEFAULTS
    return "sample preset" if is_preset else "default"


def _judge_output(
    command: str, given: Mapping[str, Given], environ: Mapping[str, str] | None, cwd: Path
) -> list[str]:
    name = "output" if command == "evaluate" else "downstream_model_dir"
    otherwise = DEFAULT_OUTPUT if command == "evaluate" else NOWHERE
    output = given.get(name, otherwise)
    writes = command in ("train", "check", "evaluate") and output.source != NOWHERE.source
    if writes and environ and is_lost(output.text, environ, cwd):
        return [f"{_received(name, {name: output})}: {LOST}."]
    return []


def _validate(
    asked: Asked, given: Mapping[str, Given], ignored: frozenset[str]
) -> tuple[Settings | None, list[str]]:
    """The settings, or what is wrong with them: single values, and combinations of the good ones.

    `ignored` are the fields that were found bad before: their defaults are nobody's mistake.
    """
    values: dict[str, object] = {name: each.text for name, each in given.items()}
    if asked.operand:
        values[asked.operand] = asked.choices[given[asked.operand].text]
    try:
        settings = asked.settings_class.model_validate(values)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False)
    else:
        found = [each for each in settings.conflicts() if not ignored & {*each.names}]
        return settings, [_describe(each, given, settings) for each in found]
    mistakes = {
        str(each["loc"][0]): str(each.get("ctx", {}).get("error", ""))
        for each in errors
        if each["type"] != "default_factory_not_called"  # it only follows from another one
    }
    good = {name: each for name, each in given.items() if name not in mistakes}
    fields = asked.settings_class.model_fields
    sentences = [
        f"{_received(name, given)}: must be {allowed or allowed_values(fields[name])}."
        for name, allowed in mistakes.items()
    ]
    return None, sentences + _validate(asked, good, frozenset(mistakes))[1]


def _describe(conflict: Conflict, given: Mapping[str, Given], settings: Settings) -> str:
    names = [name for name in conflict.names if name in given or len(conflict.names) <= 2]
    values = " with ".join(_value(name, given, settings) for name in names)
    return f"{values}: {conflict.remedy}."


def _value(name: str, given: Mapping[str, Given], settings: Settings) -> str:
    value = getattr(settings, name)
    if value is None:
        return f"{name.upper()} is not set"
    return f"{name.upper()} = {quoted(name, display(value))} ({_source(name, given, settings)})"
