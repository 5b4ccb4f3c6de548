"""The first hour of a newcomer, in an empty home folder, by the commands that the README has."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.runs import line

ROOT = Path(__file__).parent.parent.parent
SENTENCES = 60


def entities(number: int) -> tuple[str, list[tuple[int, int, str]]]:
    """A text and its entities, which are [start, end, type]."""
    tagged = line(number).split("␞")[1]
    text, found = "", []
    for plain, mention, type_ in re.findall(r"([^<]*)(?:<([^:]+):(\w+)>)?", tagged):
        text += plain
        if mention:
            found.append((len(text), len(text) + len(mention), type_))
        text += mention
    return text, found


def label_studio() -> str:
    """An export of it: a task for each sentence, annotated once."""
    tasks = []
    for number in range(SENTENCES):
        text, found = entities(number)
        result = [
            {
                "from_name": "label",
                "to_name": "text",
                "type": "labels",
                "value": {"start": start, "end": end, "text": text[start:end], "labels": [type_]},
            }
            for start, end, type_ in found
        ]
        annotation = {"id": number, "was_cancelled": False, "result": result}
        tasks.append({"id": number, "data": {"text": text}, "annotations": [annotation]})
    return json.dumps(tasks, ensure_ascii=False)


@pytest.fixture
def home(tmp_path):
    """An empty home with a clone of this tree in it; yields it and what runs a command there."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(tmp_path / "job")], check=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}

    def run(*command: str, **environ: str) -> str:
        done = subprocess.run(
            command,
            cwd=tmp_path / "job",
            env={**kept, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1", **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return tmp_path / "job", run


def test_the_first_hour(home):
    """Clone, train, a corpus from a Label Studio export, tags for doccano, the corrected ones
    trained on, a specification for the cloud: each command works at once, and says what it did."""
    clone, run = home
    make = ("make", "--silent", "train", "PYTHON=true", f"VENV={sys.prefix}")
    own = {"PRETRAINED_MODEL_NAME": "sample", "TEST_MODE": "true"}
    job = (f"{sys.prefix}/bin/python", "-m", "job")

    log = run(*make, TEST_MODE="true")
    assert (clone / "output/sample--sample/model/MANIFEST.json").exists()
    [command] = [each for each in log.splitlines() if " predict " in each]
    run("sh", "-c", command)

    (clone / "export.json").write_text(label_studio(), "utf-8")
    run(*make, DOWNSTREAM_CORPUS="export.json", **own)
    model = clone / "output/export--sample"
    assert (model / "label_map.txt").read_text("utf-8").count("B-") == 2

    texts = [entities(number)[0] for number in range(SENTENCES)]
    (clone / "new.txt").write_text("".join(f"{text}\n" for text in texts), "utf-8")
    flag = f"--downstream_model_dir={model.relative_to(clone)}"
    run(*job, "predict", "new.txt", "tagged.jsonl", "--to=doccano", flag)
    tagged = [json.loads(each) for each in (clone / "tagged.jsonl").read_text().splitlines()]
    assert [row["text"] for row in tagged] == texts

    for number, row in enumerate(tagged):  # what a person does in doccano
        row["label"] = entities(number)[1]
    corrected = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in tagged)
    (clone / "corrected.jsonl").write_text(corrected, "utf-8")
    run(*make, DOWNSTREAM_CORPUS="corrected.jsonl", **own)
    assert (clone / "output/corrected--sample/model/MANIFEST.json").exists()
    assert (model / "model/MANIFEST.json").exists()

    spec = run(*job, "spec", "docker", "--image=korean-ner-job:cpu", "--epochs=5")
    assert "docker run" in spec
    assert "EPOCHS=5" in spec or "--epochs=5" in spec
