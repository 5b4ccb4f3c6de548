"""The wheel, installed in an environment of its own, in an empty home folder without a network."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "colab.ipynb"


def pip(*words, cwd):
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(list(map(str, command)), cwd=cwd, check=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The bin folder of an environment that has the wheel, and the libraries of this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"  # a build leaves things lying about
    shutil.copytree(ROOT / "job", source / "job", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip("wheel", ".", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, cwd=source)
    venv.create(folder / "venv", with_pip=False)
    (wheel,) = folder.glob("*.whl")
    python = folder / "venv" / "bin" / "python"
    pip("--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    libraries = next((folder / "venv" / "lib").iterdir()) / "site-packages"
    (libraries / "of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
    shutil.rmtree(source)
    return python.parent


def run(words, home, **more):
    """In an empty folder; whatever asked for another host would wait for a proxy that is not."""
    (home / "here").mkdir(parents=True, exist_ok=True)
    environ = {
        "HOME": str(home),
        "PATH": os.defpath,
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        **more,
    }
    return subprocess.run(
        list(map(str, words)), cwd=home / "here", env=environ, capture_output=True, text=True
    )


def test_the_command_trains_from_any_folder(installed, tmp_path):
    """With the sample and the templates, which the wheel holds; the report's page is one."""
    command = installed / "korean-ner"
    checked = run([command, "check", "--downstream_corpus_name=sample"], tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    trained = run([command, "--downstream_corpus_name=sample"], tmp_path, TEST_MODE="true")
    assert trained.returncode == 0, trained.stdout + trained.stderr
    assert (tmp_path / "here" / "output" / "report" / "index.html").is_file()
    assert "python -m job" not in trained.stdout


def test_the_texts_call_it_as_it_was_called(installed, tmp_path):
    """`korean-ner` where that was typed, `python -m job` where that was."""
    command = installed / "korean-ner"
    python = installed / "python"
    version = run([command, "--version"], tmp_path).stdout
    assert version == run([python, "-m", "job", "--version"], tmp_path).stdout
    said = run([command, "--help"], tmp_path).stdout
    assert "  korean-ner predict IN OUT" in said
    assert "python -m job" not in said
    assert "  python -m job predict IN OUT" in run([python, "-m", "job", "--help"], tmp_path).stdout
    refused = run([command, "predict"], tmp_path)
    assert refused.returncode == 64
    assert "`korean-ner predict --help` lists its arguments." in refused.stderr


def test_it_writes_each_specification(installed, tmp_path):
    """Their scripts are in the wheel, too."""
    words = ["spec", "tpu-vm", "--image=us-docker.pkg.dev/p/r/i:1", "--project=my-project"]
    places = ["--downstream_model_dir=gs://bucket/o", "--downstream_corpus_root_dir=gs://bucket/c"]
    done = run([installed / "korean-ner", *words, *places], tmp_path)
    assert done.stdout.startswith("#!"), done.stderr


def test_the_notebook_runs_from_its_first_cell_to_its_last(installed, tmp_path):
    """Where neither Drive nor a network is there: on the embedded sample."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    program = tmp_path / "cells.py"
    program.write_text(
        "import sys\nscope = {'__name__': '__main__'}\n"
        f"for cell in {code!r}:\n    exec(cell, scope)\n",
        "utf-8",
    )
    done = run([installed / "python", program], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("F1 ")
    assert '"text": "이순신은 서울에 갔다."' in done.stdout


def test_the_notebook_is_one_that_colab_opens():
    """Version 4.5: each cell has an id of its own, and no output of a run is kept."""
    notebook = json.loads(NOTEBOOK.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
    assert notebook["metadata"]["accelerator"] == "GPU"


def test_the_notebook_installs_the_wheel_that_was_uploaded(tmp_path, monkeypatch):
    """Of several the newest; without one it says what to do before pip is asked."""
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    first = "".join(next(cell["source"] for cell in cells if cell["cell_type"] == "code"))
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(subprocess, "run", lambda words, **_: asked.append(words[-1]))
    with pytest.raises(SystemExit, match="upload it, or set SOURCE to the repository's address"):
        exec(first, {})
    assert not asked
    for version in ("0.2.0", "0.1.0"):
        (tmp_path / f"korean_ner_job-{version}-py3-none-any.whl").touch()
    exec(first, {})
    assert asked == ["korean_ner_job-0.2.0-py3-none-any.whl"]
