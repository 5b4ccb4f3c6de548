"""The tutorial's corpus, with the very faults of its files, trains with nothing but defaults."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SAMPLE = ROOT / "job" / "sample"
BROKEN = (
    "문장만 있는 줄",
    "가 나␞<가:PER> 다",
    "가 나␞<가:PER 나",
    "가␞나␞다",
)


def with_faults(name: str, count: int) -> list[str]:
    """Lines of the sample, of which 2.4 % cannot be read."""
    lines = (SAMPLE / f"{name}.txt").read_text("utf-8").splitlines()[:count]
    for i in range(0, int(0.024 * count)):
        lines[i * 41 + 7] = BROKEN[i % len(BROKEN)]
    return lines


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The output and log of a run that is told its model alone, in an empty home."""
    home = tmp_path_factory.mktemp("home")
    corpus = home / ".cache" / "korean-ner-job" / "corpora" / "ner"
    corpus.mkdir(parents=True)
    train, val = with_faults("train", 600), with_faults("val", 250)
    val[100] = "그의 사명은 조선이다.␞그의 사명은 <조선:ORGH>이다."
    val[101], val[102] = train[0], train[1]
    for name, lines in (("train", train), ("val", val)):
        (corpus / f"{name}.txt").write_text("\n".join(lines) + "\n", "utf-8")
    environment = {k: v for k, v in os.environ.items() if k != "XDG_CACHE_HOME"}
    done = subprocess.run(
        [sys.executable, "-m", "job", "--pretrained_model_name=sample"],
        cwd=home,
        env={**environment, "HOME": str(home), "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return home / "output", done.returncode, done.stdout + done.stderr


def test_the_default_run_ends_with_a_model(run):
    """The sentence with a type that train lacks is left out, and the run ends with 0."""
    output, code, log = run
    assert code == 0, log
    assert (output / "model" / "MANIFEST.json").is_file()
    assert "ORGH" not in (output / "label_map.txt").read_text("utf-8")
    assert "val has entity types that train lacks: ORGH (1 ×)" in log
    assert "val.txt:101" in log


def test_what_was_left_out_is_counted_by_reason_and_line(run):
    """Broken lines and the unseen type are one figure, each with a place; duplicates are said."""
    _, _, log = run
    assert "val: rejected 1 × an entity type that train lacks" in log
    assert "train: rejected 4 × no ␞ in the line" in log
    assert "train.txt:8" in log
    assert "2 of 243 sentences of val are in train too" in log


def test_three_sentences_of_each_split_are_shown_as_they_were_read(run):
    """Marked as the tutorial does, before the first step."""
    _, _, log = run
    before = log[: log.index("epoch 1")] if "epoch 1" in log else log
    for name in ("train", "val"):
        shown = [line for line in before.splitlines() if f" {name}, line " in line]
        assert len(shown) == 3
        assert all(":PER>" in line or (":" in line and ">" in line) for line in shown)


def test_the_scores_are_of_the_sentences_that_were_kept(run):
    """No sentence with the odd type is evaluated."""
    output, _, _ = run
    rows = (output / "report" / "predictions.jsonl").read_text("utf-8").splitlines()
    val = [json.loads(row) for row in rows]
    assert len([row for row in val if row.get("split", "val") == "val"]) == 243
    assert "ORGH" not in "".join(rows)
