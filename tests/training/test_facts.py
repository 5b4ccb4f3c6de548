"""The facts of a run: its command trains the same again."""

import shlex

from job.settings.settings import Settings
from job.training.facts import command_of


def test_the_command_has_what_was_given_and_gives_the_same_settings():
    """Also where a value has blanks or is no text; what was not given is left to the defaults."""
    given = {"downstream_corpus": "my corpus/", "seed": 3, "test_mode": True, "learning_rate": 3e-5}
    words = shlex.split(command_of(Settings(**given)))
    flags = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    assert flags.keys() == given.keys()
    assert Settings(**flags) == Settings(**given)
    assert flags["test_mode"] == "true"


def test_no_secret_stands_in_the_command():
    """A report is shown to others."""
    settings = Settings(
        hf_token="hunter2", pretrained_model_name="https://me:hunter2@h/m?k=hunter2"
    )
    assert "hunter2" not in command_of(settings)
    assert "--pretrained_model_name=" in command_of(settings)
