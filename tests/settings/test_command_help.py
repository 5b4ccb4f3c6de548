"""Each command has a help of its own: operands, an example that works, and only what it takes."""

import re
import shlex

import pytest

from job import program
from job.commands import COMMANDS
from job.settings import Settings, help_text
from tests.support.arguments import parse

WITH_HELP = [name for name, command in COMMANDS.items() if command.about]


def arguments(text):
    """The names in capitals that begin an entry."""
    return re.findall(r"^  ([A-Z][A-Z0-9_]+) ", text, re.MULTILINE)


def test_all_but_training_have_one():
    """That of training is the help of the whole program."""
    assert [name for name in COMMANDS if name != "train"] == WITH_HELP
    assert COMMANDS["train"].help == help_text()
    for name in WITH_HELP:
        assert f" {name} " in COMMANDS["train"].help


@pytest.mark.parametrize("name", WITH_HELP)
def test_it_fits_the_screen_and_shows_one_example(name):
    """100 columns; the usage first, in at most three lines what it does, then the operands."""
    text = COMMANDS[name].help
    assert max(map(len, text.split("\n"))) <= 100
    assert text.startswith(f"python -m job {name} ")
    assert len(text.split("\n\n")[1].split("\n")) <= 3
    assert text.count("\nExample\n") == 1
    for operand in re.findall(r"\b[A-Z]+\b", text.split("\n", 1)[0]):
        assert operand in arguments(text)


@pytest.mark.parametrize("name", WITH_HELP)
def test_the_example_is_read_without_a_mistake(name):
    """As it stands, but for what it names in capitals."""
    line = COMMANDS[name].about().example.format(program=program.program())
    words = shlex.split(line.replace("\\\n", "").replace("<(", "").rstrip(")").split(" > ")[0])
    words = words[words.index(name) :]
    names = {"REGION": "us", "PROJECT": "my-project", "REPOSITORY": "r", "BUCKET": "bucket"}
    words = [re.sub("|".join(names), lambda found: names[found[0]], word) for word in words]
    assert parse(words).command == name


@pytest.mark.parametrize("name", WITH_HELP)
def test_it_lists_what_the_command_takes(name):
    """No argument of training where nothing is trained."""
    shown = {each.lower() for each in arguments(COMMANDS[name].help)}
    taken = {each for each in COMMANDS[name].settings_class.taken() if each != "target"}
    operands = {"in", "out", "target", "shell", "files"}
    if name == "predict":
        assert shown < taken | operands
        assert {"downstream_model_dir", "to"} < shown
        assert not {"epochs", "batch_size", "downstream_corpus"} & shown
    elif name == "spec":
        assert shown - operands == taken - set(Settings.model_fields)
    else:
        assert shown - operands == taken


def test_the_texts_begin_with_what_was_typed(monkeypatch):
    """`korean-ner`, where an installation was started."""
    monkeypatch.setattr("sys.argv", ["/usr/bin/korean-ner"])
    for name, command in COMMANDS.items():
        assert "python -m job" not in command.help, name
    assert COMMANDS["check"].help.startswith("korean-ner check [flags]\n")
