"""`make train` and `make check`: the words that they give the job."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from docker.make_train import MARK, main
from job.errors import IncompatibleError

ROOT = Path(__file__).parent.parent.parent
OUTPUT = "--downstream_model_dir=output/"
SAMPLE = "--downstream_corpus_name=sample"


def run_in(folder: Path, *, corpus="sample", model="sample", last=12, trained: int | None = 12):
    """What a run leaves: the newest checkpoint's manifest and, where it is done, the model's."""
    files = {f"checkpoints/step={last:08d}/MANIFEST.json": {"step": last}}
    if trained is not None:
        facts = {"corpus": corpus, "model": model}
        files["model/MANIFEST.json"] = {"facts": facts, "trained": {"steps": trained}}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, [SAMPLE, f"{OUTPUT}sample--sample"]),
        ({"DOWNSTREAM_MODEL_DIR": "gs://bucket/run"}, [SAMPLE]),
        ({"DOWNSTREAM_CORPUS": "corpora/my news"}, [f"{OUTPUT}my-news--kcbert-base"]),
        ({"DOWNSTREAM_CORPUS_NAME": "ner"}, [f"{OUTPUT}ner--kcbert-base"]),
        ({"PRETRAINED_MODEL_NAME": "klue/bert-base"}, [SAMPLE, f"{OUTPUT}sample--bert-base"]),
        ({"SEED": "wrong"}, []),
    ],
    ids=["nothing said", "an output", "a corpus", "by name", "a model", "a mistake"],
)
@pytest.mark.parametrize("by", ["environment", ".env"])
def test_the_environment_and_env_file_are_heard(tmp_path, environ, expected, by):
    """The sample, and the folder of corpus and model, only where nothing else is said."""
    if by == ".env":
        (tmp_path / ".env").write_text("".join(f"{n}={v}\n" for n, v in environ.items()))
        environ = {}
    assert main(["train"], environ, tmp_path) == ["train", *expected]


def test_a_run_that_is_done_starts_anew_and_one_that_is_not_goes_on(tmp_path):
    """Hours of a run that was stopped are not deleted; a RESUME of the user's holds."""
    folder = tmp_path / "output" / "sample--sample"
    words = ["train", SAMPLE, f"{OUTPUT}sample--sample"]
    run_in(folder, last=5, trained=None)
    assert main(["train"], {}, tmp_path) == words
    run_in(folder)
    assert main(["train"], {}, tmp_path) == [*words, "--resume=never"]
    assert main(["check"], {}, tmp_path)[-1] == "--resume=never"
    assert main(["train"], {"RESUME": "auto"}, tmp_path) == words
    run_in(folder, last=15)
    assert main(["train"], {}, tmp_path) == words


@pytest.mark.parametrize("other", [{"corpus": "news"}, {"model": "beomi/sample"}], ids=str)
def test_another_run_is_left_alone_with_two_ways_out(tmp_path, other):
    """Whether its manifest says so or this command's own mark: a folder is named, or deleted."""
    folder = tmp_path / "output" / "sample--sample"
    run_in(folder, **other)
    for _ in range(2):
        with pytest.raises(IncompatibleError, match=r"DOWNSTREAM_MODEL_DIR=.* or delete this one"):
            main(["train"], {}, tmp_path)
        run_in(folder, trained=None)
        (folder / "model" / "MANIFEST.json").unlink(missing_ok=True)
        (folder / MARK).write_text(json.dumps({"corpus": "sample", "model": "sample"} | other))
    assert (folder / "checkpoints/step=00000012/MANIFEST.json").exists()


def test_two_corpora_of_one_name_are_two(tmp_path):
    """The second finds the mark of the first in the folder that both would have."""
    main(["train"], {"DOWNSTREAM_CORPUS": "a/news"}, tmp_path)
    main(["train"], {"DOWNSTREAM_CORPUS": "a/news"}, tmp_path)
    with pytest.raises(IncompatibleError, match="holds the run of a/news"):
        main(["train"], {"DOWNSTREAM_CORPUS": "b/news"}, tmp_path)


def test_make_calls_it(tmp_path):
    """`make train` and `make check`, with the environment's Python."""
    python = tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$*"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "--silent", "train", "check", "PYTHON=true", f"VENV={tmp_path}"],
        cwd=ROOT,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == [
        "-m docker.make_train train",
        "-m docker.make_train check",
    ]
