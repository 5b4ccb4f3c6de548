"""A new target is a `Target` in the table, and nothing else."""

import pytest

from job.__main__ import main
from job.launch import TARGETS
from job.launch.conflicts import of_the_job
from job.launch.settings import Target
from job.settings import Conflict

IMAGE = "--image=registry.example.com/korean-ner-job:1"


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """A machine under a desk, which takes no more than two epochs."""

    def conflicts(s):
        yield from of_the_job(s)
        if s.epochs > 2:
            yield Conflict(("epochs", "target"), "it gets too hot; lower it")

    def render(s, env):
        return f"{s.image} on {s.target} with {' '.join(f'{n}={v}' for n, v in env.items())}\n"

    monkeypatch.setitem(TARGETS, "desk", Target("desk", conflicts, render))


def test_it_is_rendered(capsys):
    """With the variables that were given, and no others."""
    assert main(["spec", "desk", IMAGE, "--epochs=2"]) == 0
    assert capsys.readouterr().out == (
        "registry.example.com/korean-ner-job:1 on desk with DOWNSTREAM_CORPUS_NAME=ner EPOCHS=2\n"
    )


def test_its_conflicts_are_told(capsys):
    """Beside those of the job, in the sentence that all of them have."""
    assert main(["spec", "desk", IMAGE, "--epochs=3", "--fp16", "--precision=bf16"]) == 64
    said = capsys.readouterr().err
    assert "with TARGET = 'desk' (command line): it gets too hot; lower it." in said
    assert "FP16 means PRECISION=16" in said


def test_a_flag_that_is_not_for_it_is_refused(capsys):
    """A field says which targets it is for."""
    assert main(["spec", "desk", IMAGE, "--epochs=2", "--zone=us-central1-a"]) == 64
    assert "--zone is for tpu-vm only; leave it out." in capsys.readouterr().err


def test_the_help_names_it(capsys):
    """And so does the refusal of a target that is none."""
    main(["spec", "--help"])
    assert "or desk " in " ".join(capsys.readouterr().out.split())
    main(["spec", "cloud"])
    assert ", desk; received 'cloud'." in capsys.readouterr().err
