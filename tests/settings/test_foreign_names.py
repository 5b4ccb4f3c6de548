"""Arguments of Hugging Face's and Lightning's trainers are answered with ours."""

import pytest

from job.errors import ArgumentError
from job.launch.settings import LaunchSettings
from job.settings.names.foreign import CERTAIN, FOREIGN
from job.settings.settings import Settings
from tests.support.arguments import parse

NAMES = sorted(FOREIGN)


def refused(argv, environ=None):
    with pytest.raises(ArgumentError) as caught:
        parse(argv, environ)
    return str(caught.value)


def test_enough_names_are_known():
    """More than a hundred, those of the two best-known trainers among them."""
    assert len(NAMES) > 100
    assert {"num_train_epochs", "max_epochs", "output_dir", "n_gpu"} <= FOREIGN.keys()


@pytest.mark.parametrize("name", NAMES)
def test_each_leads_to_an_argument_that_there_is(name):
    """And is none of ours itself; without one there is a note that says why."""
    assert name not in LaunchSettings.model_fields
    assert FOREIGN[name].name in Settings.model_fields or FOREIGN[name].note
    assert not FOREIGN[name].note.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_of_another_trainer_is_answered_with_ours(name):
    """In the message that refuses it, with or without dashes for bars; its value is passed over."""
    for flag in (f"--{name}", f"--{name.replace('_', '-')}"):
        said = refused([flag, "3"])
        wanted = f"here it is --{FOREIGN[name].name}" if FOREIGN[name].name else "leave it out: "
        assert said.startswith(f"{flag}: unknown flag; {wanted}")
        assert "\n" not in said


def test_a_different_unit_is_said():
    """`max_steps` counts steps and EPOCHS passes: the number cannot be taken over."""
    said = refused(["--max_steps=1000"])
    assert said == (
        "--max_steps: unknown flag; here it is --epochs: it counts passes over train, not steps."
    )


@pytest.mark.parametrize("name", sorted(CERTAIN))
def test_a_variable_that_only_a_trainer_has_is_answered_too(name):
    """A run that ignored NUM_TRAIN_EPOCHS=20 would train three in silence."""
    assert FOREIGN[name].name
    meant = FOREIGN[name].name.upper()
    said = refused([], {name.upper(): "20"})
    assert said == (
        f"{name.upper()} = '20' (environment): no such variable; "
        f"is {meant} meant? Rename it or unset it."
    )


@pytest.mark.parametrize("name", ["OUTPUT_DIR", "DATA_DIR", "MODEL", "NUM_WORKERS", "TOKEN", "LR"])
def test_a_variable_that_anybody_may_have_is_left_alone(name):
    """It may be another program's."""
    parse([], {name: "20"})
