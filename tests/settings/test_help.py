"""What people read about the arguments is complete, fits the screen and shows no secret."""

from pathlib import Path

from job import __version__
from job.settings.help import help_text, settings_table
from job.settings.settings import Settings
from tests.support.arguments import parse

NOWHERE = Path("/nonexistent")
VARIABLES = [name.upper() for name in Settings.model_fields]


def test_help_fits_the_screen_and_names_every_argument_with_its_default():
    """100 columns, every argument once, the commands and the exit codes."""
    text = help_text()
    assert max(map(len, text.split("\n"))) <= 100
    entries = text.split("\n\n", 2)[2]
    for name in VARIABLES:
        assert f"\n  {name} " in text, name
    assert entries.count("Default: ") == len(VARIABLES)
    for part in ("train, evaluate", "check [flags]", "predict IN OUT", " 64  ", "143  ", "5e-5."):
        assert part in text
    assert "Default: .\n" not in text
    assert "PRETRAINED_MODEL_NAME=sample" in text


def test_the_table_of_settings_shows_values_and_sources_but_no_secret():
    """A row for each argument; tokens and passwords in URLs are masked."""
    environ = {"HF_TOKEN": "hunter2", "DOWNSTREAM_CORPUS_ROOT_DIR": "https://me:hunter2@h/c"}
    parsed = parse(["--seed=3"], environ, NOWHERE)
    table = settings_table(parsed.settings, parsed.sources)
    rows = {line.split()[0]: line.split(maxsplit=1)[1] for line in table.split("\n")}
    assert list(rows) == VARIABLES
    assert rows["SEED"].split() == ["3", "flag", "--seed"]
    assert rows["HF_TOKEN"].split() == ["(secret)", "environment"]
    assert rows["LEARNING_RATE"].split() == ["5e-5", "default"]
    assert "https://(secret)@h/c" in table
    assert "hunter2" not in table


def test_the_version_is_in_the_help():
    """In its first line."""
    assert __version__ in help_text().split("\n")[0]
