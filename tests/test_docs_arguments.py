"""The tables of arguments and exit codes are those of the code, in both languages."""

import re
import sys
from typing import get_origin

import pytest

from job import errors
from job.settings.field_types import SAMPLE_DEFAULTS, said_in
from job.settings.help import allowed_values, display
from job.settings.settings import Settings
from tests.support.documents import READMES, read, rows

VARIABLES = [name.upper() for name in Settings.model_fields]
KOREAN = {  # of the defaults that are words
    "none": "없음",
    "the cache directory": "캐시 폴더",
    "not checked": "검사하지 않음",
    "found by themselves": "스스로 찾음",
    "the newest": "최신",
    "16, less where MAX_SEQ_LENGTH is below 34": "16, MAX_SEQ_LENGTH가 34보다 작으면 더 작게",
    "./output; on Vertex AI its base directory": "./output, Vertex AI에서는 기본 출력 폴더",
    "32; on a TPU 4": "32, TPU에서는 4",
    "$XDG_CACHE_HOME/korean-ner-job or ~/.cache/korean-ner-job": (
        "$XDG_CACHE_HOME/korean-ner-job 또는 ~/.cache/korean-ner-job"
    ),
}


def argument_rows(document: str) -> list[tuple[str, ...]]:
    names = {f"`{name}`" for name in VARIABLES}
    return [row for row in rows(document, r"`[A-Z][A-Z0-9_]+`") if row[0] in names or len(row) == 3]


def expected_arguments() -> list[tuple[str, str, str]]:
    """Variable, default and meaning of every argument, as README.md's tables have them."""
    expected = []
    for name, field in Settings.model_fields.items():
        default = said_in(field).get("default") or display(field.default)
        default = "none" if default == "-" else default
        choice = (
            f" ({allowed_values(field)})" if "Literal" in str(get_origin(field.annotation)) else ""
        )
        meaning = re.sub(r"([<*])", r"\\\1", f"{field.description}{choice}")
        expected.append((f"`{name.upper()}`", default, meaning))
    return expected


@pytest.mark.parametrize("document", READMES)
def test_every_argument_is_in_the_tables_with_its_default(document):
    """None is missing, none is invented, the order is that of --help, and so are the defaults."""
    words = KOREAN if document == "README.ko.md" else {}
    expected = [(name, words.get(default, default)) for name, default, _ in expected_arguments()]
    assert [row[:2] for row in argument_rows(document)] == expected


def test_the_english_tables_are_what_help_says():
    """The meanings in README.md are those of --help, word for word."""
    found = [row[2] for row in argument_rows("README.md")]
    assert found == [meaning for _, _, meaning in expected_arguments()]


@pytest.mark.parametrize("document", READMES)
def test_the_groups_of_arguments_are_those_of_help(document):
    """Each group that --help starts has a table of its own."""
    starts = [n.upper() for n, f in Settings.model_fields.items() if said_in(f).get("group")]
    first = re.findall(r"^\|[-:| ]+\|\n\| `([A-Z][A-Z0-9_]+)` \|", read(document), re.M)
    assert first == starts


@pytest.mark.parametrize("document", READMES)
def test_the_defaults_of_the_sample_are_stated(document):
    """What the embedded sample changes is written next to the tables."""
    preset = ", ".join(f"`{name.upper()}={display(v)}`" for name, v in SAMPLE_DEFAULTS.items())
    assert preset in read(document)


@pytest.mark.parametrize("document", READMES)
def test_exit_codes_are_those_of_the_code(document):
    """The table has every code of job/errors.py and 0, and no other."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    kinds = [kind for kind in kinds if issubclass(kind, errors.JobError)]
    codes = {value for value in vars(errors).values() if isinstance(value, int)}
    assert errors.EXIT_CODES.keys() == {0, *codes, *(kind.exit_code for kind in kinds)}
    table = rows(document, r"\d+")
    assert [int(row[0]) for row in table] == list(errors.EXIT_CODES)
    if document == "README.md":
        assert {int(code): meaning for code, meaning in table} == errors.EXIT_CODES


if __name__ == "__main__":  # prints README.md's tables anew
    for row in expected_arguments():
        sys.stdout.write(f"| {' | '.join(row)} |\n")
