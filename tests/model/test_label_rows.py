"""An earlier training's classifier: its rows go to the labels of their names, or it is replaced."""

import json
import logging

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification

from job.encoding.labels import LabelMap
from job.errors import DataError
from job.model.pretrained.label_rows import label_weights
from job.model.pretrained.network import load_classifier
from tests.support.tiny import make_model_folder

OLD = LabelMap(("PER", "LOC"))


@pytest.fixture
def tagger(tmp_path):
    """A trained model of PER and LOC, with a bias that is not zero."""
    folder = make_model_folder(tmp_path / "tagger", layers=1)
    network = load_classifier(folder, OLD)
    torch.manual_seed(5)
    network.classifier.weight.data.normal_()
    network.classifier.bias.data.normal_()
    network.save_pretrained(folder)
    return folder


def rows_of(network) -> dict[str, list[float]]:
    """Label → its row of the classifier, bias last."""
    table = torch.cat([network.classifier.weight, network.classifier.bias[:, None]], 1)
    return {network.config.id2label[i]: row for i, row in enumerate(table.tolist())}


def load(folder, types, caplog, seed=3):
    caplog.clear()
    torch.manual_seed(seed)
    with caplog.at_level(logging.INFO):
        return rows_of(load_classifier(folder, LabelMap(types)))


@pytest.mark.parametrize(
    ("types", "kept", "new"),
    [
        (("LOC", "PER"), 9, 0),
        (("LOC", "PER", "ORG"), 9, 2),
        (("LOC",), 7, 0),
        (("ORG", "LOC"), 7, 2),
    ],
)
def test_rows_move_with_their_names(tagger, types, kept, new, caplog):
    """In another order, with more, fewer and other types: weight and bias; both are counted."""
    before = load(tagger, OLD.types, caplog)
    after = load(tagger, types, caplog)
    assert f"{kept} of {kept + new} rows kept by name, {new} new" in caplog.text
    for name, row in after.items():
        if name in before:
            assert row == before[name]
        else:
            assert row not in before.values()
            assert name.endswith("ORG")
    assert sum(name in before for name in after) == kept


def test_new_rows_follow_the_seed(tagger, caplog):
    """The rows that have no name to go by are drawn as any new classifier's."""
    one, same, other = (load(tagger, ("ORG", "LOC"), caplog, seed) for seed in (1, 1, 2))
    assert one == same
    assert one["B-ORG"] != other["B-ORG"]
    assert one["B-LOC"] == other["B-LOC"]


def test_the_same_labels_are_kept_and_said(tagger, caplog):
    """Going on with the same labels: all rows, no warning."""
    before = rows_of(AutoModelForTokenClassification.from_pretrained(tagger))
    assert load(tagger, OLD.types, caplog) == before
    assert "9 rows kept" in caplog.text
    assert not [r for r in caplog.records if r.levelno > logging.INFO]


@pytest.mark.parametrize(
    "names",
    [
        [f"LABEL_{i}" for i in range(9)],
        ["x"] * 9,
        [f"sentiment {i}" for i in range(9)],
    ],
)
def test_names_that_say_nothing_keep_no_row(tagger, names, caplog):
    """Default names, one name for all, names of another task: the classifier is a new one."""
    before = load(tagger, OLD.types, caplog)
    config = json.loads((tagger / "config.json").read_text())
    config["id2label"] = {str(i): name for i, name in enumerate(names)}
    config["label2id"] = {name: i for i, name in enumerate(names)}
    (tagger / "config.json").write_text(json.dumps(config))
    after = load(tagger, OLD.types, caplog)
    assert "classifier has other labels and is replaced by a new one" in caplog.text
    assert not [row for row in after.values() if row in before.values()]


def test_a_model_without_classifier_is_drawn_as_before(tmp_path, caplog):
    """Nothing is moved, nothing is said, and no random number more is drawn."""
    folder = make_model_folder(tmp_path / "model", layers=1)
    network = AutoModelForTokenClassification.from_pretrained(folder)
    network.bert.save_pretrained(folder)
    rows = load(folder, OLD.types, caplog)
    following = torch.rand(1)
    assert "classifier" not in caplog.text
    torch.manual_seed(3)
    config = AutoConfig.from_pretrained(folder, num_labels=9)
    with torch.no_grad():
        fresh = AutoModelForTokenClassification.from_pretrained(folder, config=config)
    assert list(rows.values()) == list(rows_of(fresh).values())
    assert torch.equal(following, torch.rand(1))


def test_a_trained_model_has_exactly_the_labels_of_its_map(tagger):
    """What predict loads is taken row by row: names that differ from label_map.txt are refused."""
    load_classifier(tagger, OLD, trained=True)
    with pytest.raises(DataError, match=r"B-PER, B-LOC.*label_map\.txt has"):
        load_classifier(tagger, LabelMap(("LOC", "PER")), trained=True)


@pytest.mark.parametrize(
    ("family", "keys"),
    [
        ("bert", {"classifier.weight", "classifier.bias"}),
        ("convbert", {"classifier.weight", "classifier.bias"}),
        ("modernbert", {"classifier.weight", "classifier.bias"}),
        ("squeezebert", {"classifier.weight", "classifier.bias"}),
    ],
)
def test_only_rows_of_labels_are_moved(family, keys):
    """A weight with as many rows as there are labels by chance is not the classifier's."""
    sizes = {"num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8}
    config = AutoConfig.for_model(
        family,
        hidden_size=8,
        embedding_size=8,
        vocab_size=20,
        num_labels=8,
        pad_token_id=0,
        **sizes,
    )
    assert set(label_weights(config)) == keys
