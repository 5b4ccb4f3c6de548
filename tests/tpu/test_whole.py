"""Whole jobs on virtual cores: the embedded sample on one, a real corpus on eight."""

import json
import shutil

import pytest
from transformers import BertConfig, BertForTokenClassification

from tests.support import runs
from tests.tpu.runs import compiled, finish, large_graphs, largest_difference, start

KMOU_SENTENCES = 2000


def test_the_sample_on_one_core_is_learnt(tmp_path):
    """bf16 over 32-bit weights, as on a TPU: F1 of 0.90 at least, four large graphs, once."""
    argv = ["--downstream_corpus_name=sample", f"--downstream_model_dir={tmp_path / 'out'}"]
    argv += ["--accelerator=tpu", "--tpu_cores=1", "--batch_size=32", "--epochs=8"]
    # Here what is compiled runs for minutes: as fast as it can.
    code, log = finish(start(1, argv, XLA_FLAGS=""), 500)
    assert code == 0, log
    assert large_graphs(log) <= 4
    report = json.loads((tmp_path / "out/report/metrics.json").read_text())
    assert report["history"][-1]["f1_characters"] >= 0.90
    assert compiled(log) == [1], log


def test_accumulated_gradients_are_those_of_plain_torch(still_world, tmp_path):
    """Two cores, five batches a step, of which an epoch's last has two, and tight clipping."""
    changed = {"gradient_accumulation": 5, "gradient_clip": 0.1, "weight_decay": 0.05}
    flags = runs.World.flags(still_world, "plain-2", batch_size=8, **changed)
    code, log = finish(runs.start(flags))
    assert code == 0, log
    flags = still_world.flags("cores-2-2", 2, batch_size=4, **changed)
    code, log = finish(start(2, flags, "tests.tpu.probe", PROBE=str(tmp_path)))
    assert code == 0, log
    weights = still_world.weights("plain-2"), still_world.weights("cores-2-2")
    assert largest_difference(*weights) < 2e-6
    assert len({file.read_text() for file in tmp_path.iterdir()}) == 1
    assert compiled(log) == [1], log


@pytest.fixture
def kmou_folder(real_data, tmp_path):
    """KMOU's first sentences and a small model over KcBERT's vocabulary."""
    corpus = tmp_path / "corpus/kmou"
    corpus.mkdir(parents=True)
    for split, count in (("train", KMOU_SENTENCES), ("val", 200)):
        lines = (real_data / f"kmou/{split}.txt").read_text("utf-8").splitlines(keepends=True)
        (corpus / f"{split}.txt").write_text("".join(lines[:count]), "utf-8")
    model = tmp_path / "model"
    config = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertForTokenClassification(
        BertConfig(vocab_size=30000, intermediate_size=32, **config)
    ).save_pretrained(model)
    shutil.copy(real_data / "kcbert/vocab.txt", model)
    told = {"do_lower_case": False, "tokenizer_class": "BertTokenizer"}
    (model / "tokenizer_config.json").write_text(json.dumps(told))
    return tmp_path


def test_the_whole_job_on_eight_cores(kmou_folder):
    """A real corpus with sentences far longer than a window, four a core, as in the tutorial."""
    argv = [
        f"--downstream_corpus_root_dir={kmou_folder / 'corpus'}",
        "--downstream_corpus_name=kmou",
        f"--pretrained_model_name={kmou_folder / 'model'}",
        f"--downstream_model_dir={kmou_folder / 'out'}",
        f"--cache_dir={kmou_folder / 'cache'}",
        "--tpu_cores=8",
        "--epochs=1",
        "--learning_rate=0.003",
    ]
    code, log = finish(start(8, argv))
    assert code == 0, log
    (epoch,) = json.loads((kmou_folder / "out/report/metrics.json").read_text())["history"]
    assert epoch["step"] == -(-KMOU_SENTENCES // 32)
    assert epoch["val_loss"] < 1.5
    assert compiled(log) == [1], log
    assert "Traceback" not in log
