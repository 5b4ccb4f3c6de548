"""The parts of the documents that follow from the code are what it says, in both languages."""

import re

import pytest
import yaml

from docs.generate import FOLDERS, PARTS, filled, sentence
from job import errors
from job.settings.field_types import SAMPLE_DEFAULTS
from job.settings.help import display, help_text
from job.settings.settings import Settings
from tests.support.documents import ROOT, read, rows

KOREAN = yaml.safe_load(read("docs/arguments.ko.yaml"))
ARGUMENTS = ("docs/arguments.md", "docs/arguments.ko.md")


@pytest.mark.parametrize("page", PARTS)
def test_the_pages_are_what_the_generator_writes(page):
    """`make docs` would change nothing."""
    assert read(page) == filled(page), "run `make docs`"


@pytest.mark.parametrize("page", ARGUMENTS)
def test_every_argument_is_listed_in_the_order_of_help(page):
    """None is missing, none is invented."""
    names = re.findall(r"^- \*\*`(\w+)`\*\*", read(page), re.M)
    assert names == [name.upper() for name in Settings.model_fields]


def test_the_english_page_says_what_help_says():
    """The meaning and the default of each argument stand in --help in the same words."""
    told = " ".join(help_text().split()).replace(" (named-entity-recognition).", ".")
    listed = re.findall(
        r"^- \*\*`\w+`\*\*, default: (.*)<br>(.*)$", read("docs/arguments.md"), re.M
    )
    assert len(listed) == len(Settings.model_fields)
    for default, meaning in listed:
        plain = meaning.replace("\\", "")
        assert f"{plain}. Default: {default.strip('`')}." in told


def test_every_argument_and_exit_code_has_a_korean_text():
    """The file with the Korean texts has a text for each, and for nothing else."""
    assert list(KOREAN["meanings"]) == list(Settings.model_fields)
    assert list(KOREAN["exit_codes"]) == list(errors.EXIT_CODES)
    said = [field.json_schema_extra or {} for field in Settings.model_fields.values()]
    assert list(KOREAN["groups"]) == [each["group"] for each in said if each.get("group")]
    assert all(re.search("[가-힣]", text) for text in KOREAN["meanings"].values())


def test_every_default_in_words_has_a_korean_text():
    """No English word is left in the column of defaults."""
    fields = Settings.model_fields.values()
    in_words = {(field.json_schema_extra or {}).get("default") for field in fields} - {None}
    assert set(KOREAN["defaults"]) == in_words | {"none"}


@pytest.mark.parametrize("page", ARGUMENTS)
def test_the_defaults_of_the_sample_are_stated(page):
    """What the embedded sample changes stands below the tables."""
    preset = ", ".join(f"`{name.upper()}={display(v)}`" for name, v in SAMPLE_DEFAULTS.items())
    assert preset in read(page)


@pytest.mark.parametrize("page", ["docs/outputs.md", "docs/outputs.ko.md"])
def test_exit_codes_are_those_of_the_code(page):
    """The table has every code of job/errors.py and 0, and no other."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.JobError)}
    codes |= {value for name, value in vars(errors).items() if re.match("EXIT_(?!CODES)", name)}
    assert [int(row[0]) for row in rows(page, r"\d+")] == sorted(codes | {0})


def test_the_tree_shows_every_module():
    """Each module that says what it is has a line in CONTRIBUTING.md, and each page has one."""
    shown = set(re.findall(r"^ *- \[`[^`]+`\]\(([^)]+)\)", read("CONTRIBUTING.md"), re.M))
    files = {path for name in FOLDERS for path in (ROOT / name).rglob("*") if path.is_file()}
    expected = {path for path in files if sentence(path) and path.name != "__init__.py"}
    expected |= {path.parent for path in files if path.name == "__init__.py"}
    assert {str(path.relative_to(ROOT)) for path in expected} <= shown
    assert {name for name in shown if not (ROOT / name).exists()} == set()
