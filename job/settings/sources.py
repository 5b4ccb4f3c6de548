"""Sources of a setting beside the command line: the environment, .env files, Vertex AI."""

import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream
from pydantic.fields import FieldInfo

from job.cloud import read_vertex
from job.errors import ArgumentError
from job.settings.command_line import ENVIRONMENT, Given
from job.settings.help import display
from job.settings.names.spelling import misspelt_variable
from job.settings.settings import FLAG_ONLY, SECRETS

# A token that was pasted where the name of a secret belongs is not shown either.
UNSHOWN = frozenset({*SECRETS, "hf_token_secret"})
NOWHERE = Given("", "Vertex AI")  # on Vertex AI, but without a base output directory


# The two ways to say where the corpus lies: a source that says one leaves nothing of the other.
CORPUS_WAYS = (("downstream_corpus",), ("downstream_corpus_name", "downstream_corpus_root_dir"))


def strongest(*sources: Mapping[str, Given]) -> dict[str, Given]:
    """Each setting from the strongest of the sources, which come from weak to strong."""
    merged: dict[str, Given] = {}
    for given in sources:
        for way, other in (CORPUS_WAYS, CORPUS_WAYS[::-1]):
            if any(name in given and given[name].text for name in way):
                merged = {name: each for name, each in merged.items() if name not in other}
        merged |= given
    return merged


def quoted(name: str, value: Any) -> str:
    """The value of a setting for a message: short, on one line, and no secret."""
    if name in UNSHOWN:
        return "(secret)"
    shown = display(value) if isinstance(value, str) else str(value)
    return repr(shown if len(shown) <= 80 else f"{shown[:77]}...")


def read_vertex_output(environ: Mapping[str, str], mistakes: list[str]) -> dict[str, Given]:
    """The output that Vertex AI gives a job, or NOWHERE where it gives none."""
    try:
        vertex = read_vertex(environ)
    except ArgumentError as error:
        mistakes.append(str(error))
        return {}
    if vertex.base_dir:
        return {"downstream_model_dir": Given(vertex.base_dir, "Vertex AI")}
    if vertex.in_cloud:
        # The default, ./output, would vanish with the machine after hours that cost money.
        return {"downstream_model_dir": NOWHERE}
    return {}


def read_environment(
    environ: Mapping[str, str], fields: Mapping[str, FieldInfo], mistakes: list[str]
) -> dict[str, Given]:
    """The settings among the variables, and into `mistakes` those that look like one of ours."""
    return _ours(((name, text, ENVIRONMENT) for name, text in environ.items()), fields, mistakes)


def read_dotenv(
    path: Path, fields: Mapping[str, FieldInfo], mistakes: list[str]
) -> dict[str, Given]:
    """The same of a file, which may be missing."""
    return _ours(_lines(path, fields, mistakes), fields, mistakes)


def _lines(
    path: Path, fields: Mapping[str, FieldInfo], mistakes: list[str]
) -> Iterator[tuple[str, str, str]]:
    try:
        text = path.read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return  # some keep a virtual environment in a folder of that name
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(f"{path} cannot be read ({error}); make it readable UTF-8, or remove it.")
        return
    ours = {name.upper() for name in fields}
    for binding in parse_stream(io.StringIO(text)):
        before = binding.original.string
        blank_lines = before[: len(before) - len(before.lstrip())].count("\n")
        line = binding.original.line + blank_lines
        if binding.error or (binding.key in ours and binding.value is None):
            mistakes.append(f"{path}:{line} is not a setting; write NAME=value, or # before it.")
        elif binding.key:
            yield binding.key, binding.value or "", f"{path.name} line {line}"


def _ours(
    said: Iterable[tuple[str, str, str]], fields: Mapping[str, FieldInfo], mistakes: list[str]
) -> dict[str, Given]:
    """Of (variable, text, source) those that name a field; empty text is none but where the field
    is text."""
    names, given = {name.upper(): name for name in fields if name not in FLAG_ONLY}, {}
    for variable, text, source in said:
        if name := names.get(variable):
            if text.strip() or fields[name].annotation is str:
                given[name] = Given(text.strip(), source)
        elif meant := misspelt_variable(variable, names):
            mistakes.append(
                f"{variable} = {quoted(names[meant], text)} ({source}): no such variable; "
                f"is {meant} meant? Rename it or unset it."
            )
    return given
