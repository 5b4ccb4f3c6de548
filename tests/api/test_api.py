"""The functions for other programs do what the commands do, and leave the process as it was."""

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
import torch

from job.api import convert, predict, train
from job.errors import ArgumentError, DataError
from job.storage import retry_policy

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


def state():
    """What a guest may not change."""
    root = logging.getLogger()
    return {
        "environment": dict(os.environ),
        "signals": [signal.getsignal(number) for number in SIGNALS],
        "handlers": list(root.handlers),
        "levels": [logging.getLogger(n).level for n in ("", "job", "pytorch_lightning")],
        "hooks": (sys.excepthook, threading.excepthook, sys.unraisablehook),
        "warnings": (warnings.showwarning, list(warnings.filters)),
        "retrying": retry_policy(),
        "random": torch.get_rng_state().tolist(),
        "folder": Path.cwd(),
        "streams": (sys.stdout, sys.stderr),
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small run on the sample, and the state of the process before and after it."""
    folder = tmp_path_factory.mktemp("api")
    before = state()
    result = train(
        downstream_corpus_name="sample",
        test_mode=True,
        downstream_model_dir=folder / "output",
        cache_dir=folder / "cache",
        storage_deadline_s=7,
    )
    return result, before, state()


def test_training_returns_the_scores_and_where_the_model_is(trained):
    """The same numbers as in the report."""
    result, *_ = trained
    report = json.loads(Path(result.report).with_name("metrics.json").read_text())
    assert result.metrics == report
    assert result.f1 == report["splits"]["val"]["characters"]["micro"]["f1"]
    assert Path(result.model_dir, "MANIFEST.json").is_file()


@pytest.mark.parametrize("what", state())
def test_nothing_is_left_behind_by_training(trained, what):
    """Signals, log, variables, hooks, warnings, retrying and random numbers are the caller's."""
    _, before, after = trained
    assert before[what] == after[what]


def test_a_text_gives_a_list_of_entities_and_texts_give_lists(trained):
    """Each entity is a slice of the text that was given."""
    result, *_ = trained
    text = "이순신은 서울에 갔다."
    (alone,) = predict([text], result.model_dir)
    assert predict(text, result.model_dir) == alone
    assert all(text[each.start : each.end] == each.text for each in alone)
    assert all(0 < each.score <= 1 for each in alone)
    assert len(predict([text, "", text], result.model_dir)) == 3


def test_a_corpus_is_converted(tmp_path):
    """By the ending of the name; bad ones are refused by an exception."""
    source, out = tmp_path / "a.txt", tmp_path / "b.jsonl"
    source.write_text("이순신은 왔다␞<이순신:PER>은 왔다\n", "utf-8")
    convert(source, out)
    assert json.loads(out.read_text("utf-8"))["text"] == "이순신은 왔다"
    with pytest.raises(ArgumentError, match="ending"):
        convert(source, tmp_path / "b.xyz")
    source.write_text("", "utf-8")
    with pytest.raises(DataError):
        convert(source, tmp_path / "c.jsonl")


def test_mistakes_are_raised_all_at_once():
    """As the command tells them, with the name as it was written."""
    with pytest.raises(ArgumentError) as caught:
        train(epochs=0, num_train_epochs=3, batchsize=8)
    assert str(caught.value).split("\n") == [
        "num_train_epochs: unknown argument; here it is epochs.",
        "batchsize: unknown argument; is batch_size meant?",
        "EPOCHS = '0' (argument epochs): must be a whole number, at least 1 and at most 100000.",
    ]


def test_a_text_that_is_none_is_refused():
    """With its number, before a model is loaded."""
    with pytest.raises(ArgumentError, match=r"texts\[1\] = None: must be a text"):
        predict(["가", None], "nowhere")


def test_variables_count_only_where_they_are_given(monkeypatch, tmp_path):
    """EPOCHS=0 of the environment, and a .env, are nobody's mistake until they are asked for."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EPOCHS", "0")
    Path(".env").write_text("SEED=-1\n")
    with pytest.raises(ArgumentError) as caught:
        train(downstream_corpus_root_dir="x", batch_size=-1)
    assert "EPOCHS" not in str(caught.value)
    assert "SEED" not in str(caught.value)
    with pytest.raises(ArgumentError) as caught:
        train(batch_size=-1, environ=os.environ)
    assert "EPOCHS = '0' (environment)" in str(caught.value)
    assert "SEED = '-1' (.env line 1)" in str(caught.value)


def test_an_interrupt_ends_a_run_as_an_exception():
    """Ctrl-C in a notebook stops the cell after a checkpoint, not the kernel."""
    program = (
        "import os, signal, sys, threading\n"
        "from job.api import guest\n"
        "from job.settings import Settings\n"
        "before = signal.getsignal(signal.SIGINT)\n"
        "try:\n"
        "    with guest.as_guest(Settings()) as g:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        threading.Event().wait(5)\n"
        "except KeyboardInterrupt as error:\n"
        "    assert signal.getsignal(signal.SIGINT) is before\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "Stopped by SIGINT\n", done.stderr
