"""A run that was stopped, at any moment, ends with the weights of one that was not."""

import json
import re
import shutil
import signal

import pytest

from job.storage.manifest import sha256_of
from tests.support.runs import World, finish, start

# Dropout, worker processes, accumulation across a cut epoch and a schedule that moves each step.
OPTIONS = {
    "epochs": 4,
    "save_every_steps": 2,
    "gradient_accumulation": 2,
    "cpu_workers": 1,
    "lr_scheduler": "linear",
    "warmup_ratio": 0.1,
    "early_stopping_patience": 9,
    "monitor": "min val_loss",  # by which the last epoch is the best
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def untouched(world):
    """The files that say how an uninterrupted run ended."""
    code, log = finish(world.start("untouched", **OPTIONS))
    assert code == 0, log
    return outcome(world.folder / "untouched")


def outcome(output) -> dict[str, object]:
    metrics = json.loads((output / "report/metrics.json").read_text())
    times = ("seconds", "sentences_per_s")
    return {
        "weights": sha256_of(output / "model/model.safetensors"),
        "predictions": sha256_of(output / "report/predictions.jsonl"),
        "splits": metrics["splits"],
        "history": [{k: v for k, v in e.items() if k not in times} for e in metrics["history"]],
    }


def stop_after(process, saves: int, number: int) -> tuple[int, str]:
    """Sends a signal once so many checkpoints were announced."""
    log = ""
    for text in process.stdout:
        log += text
        saves -= "Saved" in text
        if not saves:
            process.send_signal(number)
            break
    code, rest = finish(process)
    return code, log + rest


@pytest.mark.parametrize("stops", [[(1, signal.SIGKILL), (4, signal.SIGKILL), (2, signal.SIGKILL)]])
def test_killed_at_any_moment_it_ends_bit_for_bit_the_same(world, untouched, stops):
    """Three times kill -9: weights, predictions, metrics and history are those of the other run."""
    for saves, number in stops:
        code, log = stop_after(world.start("killed", **OPTIONS), saves, number)
        assert code == -number, log
    code, log = finish(world.start("killed", **OPTIONS))
    assert code == 0, log
    assert re.search(r"Going on from .*: epoch \d, step \d+", log)
    assert outcome(world.folder / "killed") == untouched


@pytest.mark.parametrize(
    ("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["term", "int"]
)
def test_asked_to_stop_it_saves_and_says_so(world, untouched, number, expected):
    """One signal: one checkpoint, the documented exit code, and an exact end on the next start."""
    output = f"stopped-{expected}"
    code, log = stop_after(world.start(output, **OPTIONS), 1, number)
    assert code == expected, log
    assert "Traceback" not in log
    code, log = finish(world.start(output, **OPTIONS))
    assert code == 0, log
    assert "Going on from" in log
    assert outcome(world.folder / output) == untouched


def test_a_model_of_fewer_epochs_is_not_the_end(world, untouched):
    """Killed between the last checkpoint and the export, over an older export: it is made anew."""
    output = world.folder / "older-model"
    assert finish(world.start("older-model", **OPTIONS))[0] == 0
    manifest = output / "model/MANIFEST.json"
    old = json.loads(manifest.read_text())
    old["trained"]["steps"] -= 1
    manifest.write_text(json.dumps(old))
    code, log = finish(world.start("older-model", **OPTIONS))
    assert code == 0, log
    assert "Done already" not in log
    assert outcome(output) == untouched
    assert "Done already" in finish(world.start("older-model", **OPTIONS))[1]


def test_patience_can_be_set_on_the_way_and_is_final(world):
    """A run without it goes on with it; once it has stopped a run, no epoch is added later."""
    options = {"epochs": 1, "learning_rate": 1e-9}
    assert finish(world.start("patient", **options))[0] == 0
    options |= {"epochs": 9, "early_stopping_patience": 1}
    code, log = finish(world.start("patient", **options))
    assert code == 0, log
    output = world.folder / "patient"
    ended = outcome(output)
    assert len(ended["history"]) < 9
    shutil.rmtree(output / "model")
    code, log = finish(world.start("patient", **options))
    assert code == 0, log
    assert outcome(output) == ended


def test_a_finished_run_s_checkpoint_ends_in_a_new_output(world, untouched, tmp_path):
    """RESUME=<its last>: evaluated and exported there, a model that predicts; a second start says
    so, with RESUME and without; more EPOCHS go on."""
    [last] = (world.folder / "untouched/checkpoints").glob("step=*24")
    options = {**OPTIONS, "resume": last}
    code, log = finish(world.start("moved", **options))
    assert code == 0, log
    output = world.folder / "moved"
    assert outcome(output) == untouched
    texts, tagged = tmp_path / "texts.txt", tmp_path / "tagged.txt"
    texts.write_text("김철은 서울에서 만났다!\n", "utf-8")
    code, log = finish(start(["predict", str(texts), str(tagged), *world.flags("moved")]))
    assert code == 0, log
    assert tagged.read_text("utf-8").startswith("김철은 서울에서 만났다!␞<김철:PER>은")
    for resume in (last, "auto"):
        code, log = finish(world.start("moved", **OPTIONS | {"resume": resume}))
        assert (code, "Done already" in log) == (0, True), log
    assert outcome(output) == untouched
    code, log = finish(world.start("moved", **OPTIONS | {"epochs": 5}))
    assert code == 0, log
    assert len(outcome(output)["history"]) == 5


def test_what_a_run_began_from_may_stay_its_best(world, tmp_path):
    """RESUME=<another output's>, epochs left that make it worse: the model is that checkpoint's."""
    options = {"epochs": 1, "monitor": "max val_f1", "learning_rate": 1e-9}
    assert finish(world.start("before", **options))[0] == 0
    [first] = (world.folder / "before/checkpoints").iterdir()
    code, log = finish(world.start("after", **options | {"epochs": 2, "resume": first}))
    assert code == 0, log
    output = world.folder / "after"
    assert len(outcome(output)["history"]) == 2
    assert f"The best checkpoint by max val_f1 is {output}/checkpoints/{first.name}." in log
    assert outcome(output)["weights"] == outcome(world.folder / "before")["weights"]
    told = "it is the checkpoint that this run started from, and no epoch since was better"
    assert re.search(rf"Exported epoch 1: the highest val F1 .* of 2 epochs; {told}\.", log)
    metrics = json.loads((output / "report/metrics.json").read_text())
    assert metrics["facts"]["exported epoch"].startswith("1: the highest val F1")
    assert metrics["exported"]["reason"].endswith(told)


def test_fewer_epochs_than_a_run_had_come_are_done(world):
    """Killed in its second epoch and started with EPOCHS=1, with a checkpoint that no validation
    has judged: that one is evaluated and exported, and the next start says so."""
    process = world.start("fewer", epochs=40, save_every_steps=1)
    for text in process.stdout:
        if re.search("Saved .*step=0000001[3-9]", text):
            process.kill()
            break
    finish(process)
    committed = (world.folder / "fewer/checkpoints").glob("step=*/MANIFEST.json")
    [unjudged] = [m.parent for m in committed if not json.loads(m.read_bytes())["metrics"]]
    options = {"epochs": 1, "save_every_steps": 1, "resume": unjudged}
    code, log = finish(world.start("lowered", **options))
    assert code == 0, log
    assert "Done already" in finish(world.start("lowered", **options))[1]
