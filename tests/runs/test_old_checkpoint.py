"""A checkpoint that version 0.1.0 wrote is gone on from, and ends where that version would have."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file
from torch.testing import assert_close

from job.__main__ import main

OLD = Path(__file__).parent / "data/old_checkpoint"
# Names without a folder: the model's name is a part of what a checkpoint is compared by.
ARGUMENTS = [
    "--downstream_corpus_root_dir=corpus",
    "--downstream_corpus_name=toy",
    "--pretrained_model_name=model",
    "--downstream_model_dir=out",
    "--cache_dir=cache",
    "--max_seq_length=24",
    "--batch_size=8",
    "--epochs=6",
    "--learning_rate=0.02",
    "--accelerator=cpu",
    "--precision=32",
    "--save_every_steps=1",
    "--gradient_accumulation=2",
    "--gradient_clip=0.5",
    "--lr_scheduler=linear",
    "--warmup_ratio=0.1",
    "--early_stopping_patience=9",
    "--monitor=min val_loss",  # that version's default
]


def test_it_ends_with_the_weights_of_the_run_that_was_not_stopped(tmp_path, monkeypatch, capsys):
    """Weights, predictions and the curve of all epochs, to within another CPU's rounding."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    assert main(ARGUMENTS) == 0
    log = "".join(capsys.readouterr())
    assert "Going on from out/checkpoints/step=00000011: epoch 3, step 7." in log
    expected = load_file(OLD / "expected/model.safetensors")
    found = load_file("out/model/model.safetensors")
    assert_close(found, expected, rtol=1e-3, atol=1e-4)
    lines = (OLD / "expected/predictions.jsonl").read_text("utf-8")
    assert Path("out/report/predictions.jsonl").read_text("utf-8") == lines
    history = json.loads(Path("out/report/metrics.json").read_text("utf-8"))["history"]
    curve = json.loads((OLD / "expected/history.json").read_text("utf-8"))
    assert len(history) == len(curve) == 6
    for epoch, wanted in zip(history, curve, strict=True):
        assert {name: epoch[name] for name in wanted} == pytest.approx(wanted, rel=1e-3)


def test_it_does_not_go_on_with_a_table_of_ends(tmp_path, monkeypatch, capsys):
    """Which was asked for, and would change what its best epoch is."""
    shutil.copytree(OLD, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    assert main([*ARGUMENTS, "--entity_ends=true"]) == 78
    assert "entity_ends was None and is True" in "".join(capsys.readouterr())
