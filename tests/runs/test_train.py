"""Whole runs: what they leave behind, and how they end."""

import json
import re

import pytest
import torch
from safetensors.torch import load_file

from job.__main__ import main
from tests.support.runs import World, finish, line, start


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def own_world(tmp_path):
    return World(tmp_path)


@pytest.fixture(scope="module")
def trained(world):
    """A finished run, and its log."""
    code, log = finish(world.start("trained"))
    assert code == 0, log
    return world.folder / "trained", log


def names_in(output, step) -> list[str]:
    """What the manifest of a checkpoint names, and itself."""
    manifest = json.loads((output / "checkpoints" / step / "MANIFEST.json").read_text())
    return [manifest["files"]["state.pt"]["object"], "MANIFEST.json"]


def test_a_run_leaves_what_is_promised(trained):
    """Checkpoints with manifests, label map, model, report and logs; nothing else."""
    output, _ = trained
    found = {str(f.relative_to(output)) for f in output.rglob("*") if f.is_file()}
    logs = {name for name in found if name.startswith("logs/")}
    assert any("tfevents" in name for name in logs)
    model = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    model |= {"label_map.txt", "metrics.json", "README.md", "MANIFEST.json", "tagger.py"}
    report = {"index.html", "predictions.jsonl", "errors.jsonl", "metrics.json"}
    steps = {p.name for p in (output / "checkpoints").iterdir()}
    assert found - logs == {
        "label_map.txt",
        *(f"model/{name}" for name in model),
        *(f"report/{name}" for name in report),
        *(f"checkpoints/{step}/{name}" for step in steps for name in names_in(output, step)),
    }
    assert "step=00000036" in steps
    assert (output / "label_map.txt").read_bytes() == (output / "model/label_map.txt").read_bytes()


def test_the_run_learns_and_says_so(trained):
    """F1 in the log's last table is that of metrics.json, and the toy corpus is learnt."""
    output, log = trained
    metrics = json.loads((output / "report/metrics.json").read_text())
    f1 = metrics["splits"]["val"]["characters"]["micro"]["f1"]
    assert f1 > 0.9
    assert f"{f1:.3f}" in log.split("micro")[1].splitlines()[0]
    assert len(metrics["history"]) == 3
    assert metrics["history"][-1]["train_loss"] < metrics["history"][0]["train_loss"]


def test_the_exported_model_is_the_best_checkpoint(trained):
    """The weights in model/ are those of the highest val_f1, and of equal ones the first."""
    output, _ = trained
    manifests = [json.loads(f.read_text()) for f in output.glob("checkpoints/*/MANIFEST.json")]
    best = max(manifests, key=lambda m: (m["metrics"]["val_f1"], -m["step"]))
    state = torch.load(
        output / f"checkpoints/step={best['step']:08d}" / best["files"]["state.pt"]["object"],
        weights_only=True,
    )
    exported = load_file(output / "model/model.safetensors")
    assert exported.keys() == state["network"].keys()
    assert all(torch.equal(exported[name], state["network"][name]) for name in exported)


def test_the_pipeline_of_transformers_tags_as_the_report_says(trained):
    """Anyone who loads the directory gets the spans of predictions.jsonl."""
    from transformers import pipeline

    output, _ = trained
    tag = pipeline("token-classification", str(output / "model"), aggregation_strategy="simple")
    lines = (output / "report/predictions.jsonl").read_text().splitlines()
    for record in map(json.loads, lines[:10]):
        spans = [[e["start"], e["end"], e["entity_group"]] for e in tag(record["text"])]
        assert spans == record["predicted"]


def test_predict_gives_the_predictions_of_the_report(trained, tmp_path, capsys):
    """`python -m job predict` on the validation text returns what the run reported."""
    output, _ = trained
    lines = (output / "report/predictions.jsonl").read_text().splitlines()
    records = [json.loads(text) for text in lines]
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("".join(f"{record['text']}\n" for record in records))
    assert main(["predict", str(source), str(target), f"--downstream_model_dir={output}"]) == 0
    spans = [json.loads(text)["spans"] for text in target.read_text().splitlines()]
    assert spans == [record["predicted"] for record in records]


def test_a_finished_run_is_not_run_again(trained, world):
    """The same command again is a no-op with exit 0; nothing is written anew."""
    output, _ = trained
    before = {f: f.stat().st_mtime_ns for f in output.rglob("*") if f.is_file()}
    code, log = finish(world.start("trained"))
    assert code == 0
    assert "Done already" in log
    assert {f: f.stat().st_mtime_ns for f in output.rglob("*") if f.is_file()} == before


def test_more_epochs_continue_a_finished_run(own_world, capsys):
    """Raising EPOCHS trains the missing ones and ends as if they had been asked for at once."""
    assert own_world.run(capsys, "a", epochs=1)[0] == 0
    code, log = own_world.run(capsys, "a", epochs=2)
    assert code == 0
    assert "Going on from" in log
    assert own_world.run(capsys, "b", epochs=2)[0] == 0
    weights = [load_file(own_world.folder / o / "model/model.safetensors") for o in "ab"]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"learning_rate": 0.02}, "learning_rate was 0.01 and is 0.02"),
        ({"batch_size": 4, "seed": 8}, "seed was 7 and is 8"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_by_difference(trained, world, changed, found):
    """Exit 78 names what differs; the other run's checkpoints stay."""
    output, _ = trained
    code, log = finish(world.start("trained", epochs=4, **changed))
    assert code == 78, log
    assert found in log
    assert (output / "checkpoints/step=00000036/MANIFEST.json").exists()


@pytest.mark.parametrize(
    "changed",
    [
        {"long_sentences": "truncate", "max_seq_length": 8},
        {"lr_scheduler": "linear", "warmup_ratio": 0.1, "weight_decay": 0.01},
        {"lr_scheduler": "constant", "gradient_clip": 0},
        {"gradient_accumulation": 3},
        {"cpu_workers": 1},
        {"precision": "bf16"},
        {"batch_size": 0},
        {"save_top_k": 3, "monitor": "'max val_f1'".strip("'"), "early_stopping_patience": 1},
        {"test_mode": "true"},
        {"entity_ends": "false"},
    ],
    ids=lambda changed: ",".join(changed),
)
def test_every_way_to_train_ends_well(own_world, capsys, changed):
    """Each option runs through to a proven model."""
    code, log = own_world.run(capsys, **({"epochs": 2} | changed))
    assert code == 0, log
    assert (own_world.folder / "out/model/MANIFEST.json").exists()


def test_a_gradient_is_clipped_to_the_norm_that_was_asked_for(own_world, capsys):
    """So small a one is nothing beside AdamW's epsilon: the weights stay where they were."""
    options = {"epochs": 1, "gradient_clip": 1e-14, "weight_decay": 0}
    code, log = own_world.run(capsys, **options)
    assert code == 0, log
    before = load_file(own_world.model / "model.safetensors")
    torch.testing.assert_close(load_file(own_world.folder / "out/model/model.safetensors"), before)


def test_early_stopping_ends_the_run_and_stays_ended(own_world, capsys):
    """A run that stopped early is finished: the next start does not train on."""
    options = {"epochs": 30, "early_stopping_patience": 1, "learning_rate": 1.0}
    code, log = own_world.run(capsys, **options)
    assert code == 0, log
    metrics = json.loads((own_world.folder / "out/report/metrics.json").read_text())
    epochs = len(metrics["history"])
    assert epochs < 30
    assert f"; training stopped early, after epoch {epochs} of 30." in log
    code, log = own_world.run(capsys, **options)
    assert code == 0
    assert "Done already" in log


def test_resume_never_starts_anew(own_world, capsys):
    """RESUME=never trains from the beginning into the same folder."""
    assert own_world.run(capsys, epochs=1)[0] == 0
    code, log = own_world.run(capsys, epochs=1, resume="never", seed=8)
    assert code == 0
    assert "Going on" not in log
    manifests = list(own_world.folder.glob("out/checkpoints/*/MANIFEST.json"))
    assert [json.loads(m.read_text())["settings"]["seed"] for m in manifests] == [8]


def test_another_val_ratio_is_another_run(own_world, capsys):
    """With code 78 and its name: train would have sentences that val was judged by."""
    (own_world.corpus / "val.txt").unlink()
    assert own_world.run(capsys, epochs=1)[0] == 0
    code, log = own_world.run(capsys, epochs=2, val_ratio=0.3)
    assert code == 78
    assert "val_ratio was 0.1 and is 0.3" in log
    assert own_world.run(capsys, epochs=2, val_ratio=0.1)[0] == 0


def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_step(own_world, capsys):
    """No checkpoint is saved after it, and the exit code is 65."""
    weights = load_file(own_world.model / "model.safetensors")
    weights["bert.embeddings.LayerNorm.weight"][0] = float("nan")
    from safetensors.torch import save_file

    save_file(weights, own_world.model / "model.safetensors", {"format": "pt"})
    code, log = own_world.run(capsys)
    assert code == 65
    assert "epoch 1, step 1" in log
    assert not list(own_world.folder.glob("out/checkpoints/*/MANIFEST.json"))


def test_wrong_arguments_are_told_at_once_before_torch():
    """Every mistake in one go, exit 64, without importing what takes seconds."""
    code, log = finish(
        start(
            ["--epochs=x", "--learning_rat=1", "--max_seq_length=3", "--tpu_cores=5"],
            BATCH_SIZ="4",
            PYTHONPROFILEIMPORTTIME="1",
        )
    )
    assert code == 64
    for word in ("EPOCHS", "--learning_rate", "MAX_SEQ_LENGTH", "TPU_CORES", "BATCH_SIZE"):
        assert word in log
    imported = set(re.findall(r"\| +(\w+)", log))
    assert "pydantic" in imported
    slow = {"torch", "pytorch_lightning", "transformers", "numpy", "fsspec", "gcsfs", "google"}
    assert imported.isdisjoint(slow | {"requests", "aiohttp"})


BAD_RUNS = {
    "longer than the model's positions": (
        {"max_seq_length": 41},
        64,
        "MAX_SEQ_LENGTH=41: this model has 40 positions",
    ),
    "no such model directory": ({"pretrained_model_name": "./nowhere"}, 64, "nowhere"),
    "no gpu": ({"accelerator": "gpu"}, 69, "finds no GPU"),
    "no tpu": ({"accelerator": "tpu"}, 69, "no TPU"),
    "16 bits on a cpu": ({"precision": 16}, 64, "need a GPU"),
    "no such corpus": ({"downstream_corpus_name": "nothing"}, 65, "nothing"),
    "no such checkpoint": ({"resume": "/nowhere/step=1"}, 78, "there is no intact checkpoint"),
}


@pytest.mark.parametrize(("changed", "code", "said"), BAD_RUNS.values(), ids=BAD_RUNS)
def test_bad_input_is_one_sentence_and_its_exit_code(own_world, capsys, changed, code, said):
    """Each ends with the documented code and says what to do; no traceback."""
    found, log = own_world.run(capsys, **changed)
    assert (found, said in log, "Traceback" in log) == (code, True, False), log
    assert not (own_world.folder / "out/model").exists()


BAD_CORPORA = {
    "all O": (["가 왔다.␞가 왔다."] * 5, 65, "all O"),
    "empty": ([], 65, "train"),
    "unlabelled": (["가 왔다."] * 5, 65, "no format"),
    "too much malformed": ([line(n) for n in range(10)] + ["가␞나"] * 3, 65, "MAX_REJECTED_RATIO"),
}


@pytest.mark.parametrize(("lines", "code", "said"), BAD_CORPORA.values(), ids=BAD_CORPORA)
def test_a_bad_corpus_is_one_sentence_and_exit_65(own_world, capsys, lines, code, said):
    """A corpus that cannot be learnt from is refused before anything is written."""
    own_world.write("train", lines)
    found, log = own_world.run(capsys)
    assert (found, said in log, "Traceback" in log) == (code, True, False), log
    assert not (own_world.folder / "out/checkpoints").exists()


def test_one_sentence_is_enough_to_train_on(own_world, capsys):
    """A corpus of one sentence is accepted, with a note."""
    own_world.write("train", [line(1)])
    code, log = own_world.run(capsys, epochs=1)
    assert code == 0, log
    assert "one sentence only" in log


def test_a_sentence_of_100000_characters_is_left_out_and_named(own_world, capsys):
    """Such a line is a file without line breaks: rejected by file and line, not trained on."""
    lines = [line(n) for n in range(90)]
    long = "김철은 왔다. " * 12500
    own_world.write("train", [*lines, f"{long}␞{long.replace('김철은', '<김철:PER>은')}"])
    code, log = own_world.run(capsys, epochs=1)
    assert code == 0, log
    assert "train.txt:91" in log


def test_a_type_with_a_dash_trains(own_world, capsys):
    """`PS-X` is a type like any other, through labels, report and export."""
    for split, numbers in (("train", range(40)), ("val", range(40, 50))):
        own_world.write(split, [line(n).replace(":PER>", ":PS-X>") for n in numbers])
    code, log = own_world.run(capsys, epochs=1)
    assert code == 0, log
    assert "B-PS-X" in (own_world.folder / "out/label_map.txt").read_text()


def test_an_output_that_is_a_file_is_exit_73(own_world, capsys):
    """The output's name is taken: told before training, and the file stays."""
    (own_world.folder / "out").write_text("mine")
    code, log = own_world.run(capsys)
    assert code == 73, log
    assert (own_world.folder / "out").read_text() == "mine"


def test_check_tells_of_every_failure(own_world, capsys):
    """The pre-flight check goes on after a failure and exits with the first one's code."""
    own_world.write("train", ["가 왔다.␞가 왔다."])
    flags = own_world.flags(pretrained_model_name=str(own_world.folder / "nowhere"))
    assert main(["check", *flags]) == 65
    log = capsys.readouterr().out
    assert "corpus and labels: FAILED" in log
    assert "model and tokenizer: FAILED" in log
    assert "write, read and delete" in log
    assert list((own_world.folder / "out").iterdir()) == []


def test_check_passes_where_a_run_would(own_world, capsys):
    """Every check is ok, and no checkpoint or model was written."""
    assert main(["check", *own_world.flags()]) == 0
    log = capsys.readouterr().out
    assert log.count(": ok") == 9
    assert list((own_world.folder / "out").iterdir()) == []
