"""A head is a class and a row: a model that names it is trained, exported and opened with it."""

import json

import pytest
from torch.nn.functional import cross_entropy

from job.errors import ArgumentError
from job.model.head import HEADS, head_of
from job.model.pretrained.network import load_classifier
from job.predict import predict
from tests.support.runs import World
from tests.support.tiny import LABELS, make_network


class Lowest:
    """The softmax upside down: the right label is the one with the lowest logit."""

    def summed_loss(self, logits_RLC, batch):
        labels_N = batch["labels"].flatten()
        return cross_entropy(-logits_RLC.flatten(0, 1), labels_N, reduction="sum")

    def scores(self, logits_RLC, batch):
        return -logits_RLC


def test_a_run_learns_validates_exports_and_tags_with_the_head_of_its_model(
    tmp_path, capsys, monkeypatch
):
    """Wherever the softmax stood in for it, the likeliest label would be a wrong one."""
    monkeypatch.setitem(HEADS, "lowest", Lowest())
    world = World(tmp_path)
    config = world.model / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"token_head": "lowest"}))
    code, log = world.run(capsys, epochs=5)
    assert code == 0, log
    assert not (tmp_path / "out/model/tagger.py").exists()  # it knows the softmax alone
    metrics = json.loads((tmp_path / "out/report/metrics.json").read_text())
    assert metrics["splits"]["val"]["characters"]["micro"]["f1"] > 0.9
    assert metrics["history"][-1]["f1_characters"] > 0.9
    assert metrics["history"][-1]["val_loss"] < metrics["history"][0]["val_loss"]

    (tmp_path / "in.txt").write_text("김철수은 가 서울에서 만났다!\n", "utf-8")
    tagged = tmp_path / "tagged.txt"
    predict(str(tmp_path / "out"), str(tmp_path / "in.txt"), str(tagged), cache_dir=tmp_path / "c")
    assert "<김철수:PER>은 가 <서울:LOC>에서" in tagged.read_text("utf-8")


def test_a_model_without_a_head_of_its_own_has_the_softmax():
    """As every model that is not ours, and each that was exported before there were others."""
    assert head_of(make_network().config) is HEADS["softmax"]


def test_an_unknown_head_is_refused_when_the_model_is_loaded(tmp_path):
    """Its weights would be read as another head's."""
    network = make_network()
    network.config.token_head = "crf"
    network.save_pretrained(tmp_path)
    with pytest.raises(ArgumentError, match='does not know the head "crf"'):
        load_classifier(tmp_path, LABELS)
