"""`make train`, as a newcomer sees it: the embedded sample, from nothing to a model."""

import ast
import json
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

from tests.support.runs import finish, start

ROOT = Path(__file__).parent.parent.parent
NAME = "실험 1 (새)"  # as people call their folders


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The output folder and the log of the default run on the sample."""
    folder = tmp_path_factory.mktemp("sample")
    process = start(
        [
            "--downstream_corpus_name=sample",
            f"--downstream_model_dir={folder / NAME}",
            f"--cache_dir={folder / 'cache'}",
        ],
        # Whatever asked for another host would wait for a proxy that is not there.
        HTTPS_PROXY="http://127.0.0.1:9",
        HTTP_PROXY="http://127.0.0.1:9",
    )
    code, log = finish(process)
    assert code == 0, log
    return folder / NAME, log


def json_lines_spans(file):
    return [span for line in file.read_text().splitlines() for span in json.loads(line)["gold"]]


def test_the_sample_is_learnt_without_a_network(run):
    """Entity F1 on exact characters is at least 0.90 on the validation split."""
    output, _ = run
    metrics = json.loads((output / "report" / "metrics.json").read_text())
    assert metrics["splits"]["val"]["characters"]["micro"]["f1"] >= 0.90


def test_the_last_screen_says_how_it_went_and_what_is_next(run):
    """F1 per type, seconds, sentences/s, the paths, and the command for the cloud."""
    output, log = run
    screen = log[log.index("exact characters") :]
    for type_ in [
        "PER",
        "LOC",
        "ORG",
        "DAT",
        "TIM",
        "DUR",
        "MNY",
        "PNT",
        "NOH",
        "POH",
        "micro",
        "macro",
    ]:
        assert re.search(rf"^{type_} +\d\.\d{{3}}", screen, re.MULTILINE), type_
    assert re.search(r"\d+ s in all, \d+ s of training at \d+ sentences/s", screen)
    for path in ("model", "report/index.html", "logs"):
        assert (output / path).exists()
        assert str(output / path) in screen
    assert "USD" not in log  # nobody said what an hour costs


def test_the_commands_of_the_last_screen_run_as_they_stand(run):
    """A shell in the folder of the run needs nothing else, whatever the output's name is: the same
    Python tags the sentences of the report, and lists what the cloud takes."""
    output, log = run
    tag, spec = [line for line in log.splitlines() if line.startswith("  ") and " -m job " in line]
    env = {"PATH": "/usr/bin:/bin", "HOME": str(output.parent)}
    for command in (tag, spec):
        done = subprocess.run(
            command, shell=True, cwd=ROOT, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert "vertex-gpu" in done.stdout
    reported = (output / "report" / "predictions.jsonl").read_text().splitlines()
    tagged = (output / "tagged.jsonl").read_text().splitlines()
    assert [json.loads(line)["text"] for line in tagged] == [
        json.loads(line)["text"] for line in reported
    ]


def test_tagger_py_tags_the_sentence_of_the_readme_far_from_the_job(run, tmp_path):
    """A copy of model/, and a Python that cannot import the job."""
    output, _ = run
    copied = shutil.copytree(output / "model", tmp_path / "model")
    code = (
        "import sys; sys.modules['job'] = None; sys.path.insert(0, sys.argv[1])\n"
        "from tagger import Tagger\n"
        "print([(e.text, e.type) for e in Tagger(sys.argv[1])(sys.argv[2])])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, copied, "김민수는 1995년 서울에서 태어났다."],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    found = [("김민수", "PER"), ("1995년", "DAT"), ("서울", "LOC")]
    assert ast.literal_eval(done.stdout) == found


def test_the_log_is_lines_in_a_file(run):
    """Into a file the progress comes as whole lines, without control characters."""
    _, log = run
    assert re.search(r"epoch \d+/\d+, step \d+/\d+ .*loss \d", log)
    assert not re.search(r"[\r\x1b]", log)


def test_nothing_of_the_sample_is_a_warning(run):
    """Scripts and a model lie beside its files; a newcomer's first lines speak of none of them."""
    _, log = run
    assert "WARNING" not in log
    assert "passed over" not in log


def test_the_log_names_the_device_once_and_each_epoch(run):
    """Device, precision, threads and versions; what each epoch brought; no word of a lease."""
    _, log = run
    assert len(re.findall(r"Computing on \d+ CPU threads?, precision \w+; job .*torch", log)) == 1
    ended = re.findall(r"epoch (\d+)/12: val_loss \d\.\d{3}, val F1 \d\.\d{3}, [\d.]+ s; best", log)
    assert ended == [str(number) for number in range(1, 13)]
    assert "lease" not in log.lower()


def test_the_report_opens_without_a_network(run):
    """The page names no other host."""
    output, _ = run
    page = (output / "report" / "index.html").read_text()
    loads = re.findall(r"""(?:src|href)=["']([^"'#]+)""", page)
    assert not [link for link in loads if urllib.parse.urlparse(link).scheme in ("http", "https")]
