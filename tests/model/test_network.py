"""Loading a model by any name through the real from_pretrained code; refusing a damaged one."""

import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import fsspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoConfig,
    BertConfig,
    BertForMaskedLM,
    BertModel,
)
from transformers import logging as transformers_logging

from job import sample
from job.encoding.labels import LabelMap
from job.errors import ArgumentError, DataError
from job.model.pretrained.folder import resolve_model
from job.model.pretrained.network import load_classifier
from job.model.pretrained.tokenizer import load_tokenizer
from tests.support.hub import Hub
from tests.support.tiny import LABELS, VOCABULARY, make_model_folder

ROOT = Path(__file__).parent.parent.parent
CLIENT = """
import json, sys
from pathlib import Path
import torch
from job.encoding.labels import LabelMap
from job.model.pretrained.config import max_positions
from job.model.pretrained.folder import resolve_model
from job.model.pretrained.network import load_classifier
from job.model.pretrained.tokenizer import load_tokenizer
name, revision, cache, text = json.loads(sys.argv[1])
folder = resolve_model(name, revision, None, Path(cache))
tokenizer = load_tokenizer(folder)
torch.manual_seed(7)
network = load_classifier(folder, LabelMap(("PER", "NOH")))
word = network.base_model.embeddings.word_embeddings.weight
print(json.dumps({
    "ids": tokenizer(text)["input_ids"],
    "embedding": word[5, :4].tolist(),
    "dtype": str(word.dtype),
    "label": network.config.id2label[5],
    "positions": max_positions(network.config),
}))
"""


def load_from_hub(url, cache, name, revision, text):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    arguments = json.dumps([name, revision, str(cache), text])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CLIENT, arguments],
        env=clean | {"HF_ENDPOINT": url, "HF_HOME": str(cache), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def files_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def as_pickle(folder):
    """The same model as hubs of 2020 have it."""
    weights = load_file(folder / "model.safetensors")
    torch.save(weights, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return weights


@pytest.fixture
def model(tmp_path):
    """A masked-language model as one finds it on the hub, with two layers."""
    folder = make_model_folder(tmp_path / "model")
    config = AutoConfig.from_pretrained(folder)
    config.num_hidden_layers = 2
    torch.manual_seed(2)
    BertForMaskedLM(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["safetensors", "pytorch_model.bin"])
def test_a_hub_model_is_loaded_at_its_pinned_revision(model, tmp_path, kind):
    """Weights of that commit in 32 bits, its tokenizer, and the labels of this run."""
    if kind != "safetensors":
        as_pickle(model)
    weights = BertModel.from_pretrained(model).embeddings.word_embeddings.weight
    with Hub() as hub:
        pinned = hub.add("beomi/tiny", files_of(model))
        hub.add("beomi/tiny", {"config.json": b"{}"})
        found = load_from_hub(hub.url, tmp_path / "cache", "beomi/tiny", pinned, "서울역 가")
    assert found["ids"] == [VOCABULARY.index(p) for p in ("[CLS]", "서울", "##역", "가", "[SEP]")]
    assert found["embedding"] == weights[5, :4].tolist()
    assert found["dtype"] == "torch.float32"
    assert found["label"] == "B-PER"


@pytest.mark.parametrize("kind", ["safetensors", "pytorch_model.bin"])
def test_kcbert_from_the_hub_tokenises_as_the_tutorial_says(real_data, tmp_path, kind):
    """The tutorial's example sentence gets the tutorial's ids, and the model 300 positions."""
    source, folder = real_data / "kcbert", tmp_path / "kcbert"
    folder.mkdir()
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = json.loads((source / "config.json").read_text()) | shape | {"intermediate_size": 32}
    BertForMaskedLM(BertConfig(**config)).save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "vocab.txt").write_bytes((source / "vocab.txt").read_bytes())
    told = {"do_lower_case": False, "model_max_length": 300}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    if kind != "safetensors":
        as_pickle(folder)
    with Hub() as hub:
        hub.add("beomi/kcbert-base", files_of(folder))
        text = "―효진 역의 김환희(14)가 특히 인상적이었다."
        found = load_from_hub(hub.url, tmp_path / "cache", "beomi/kcbert-base", None, text)
    expected = "2 1 3476 4153 2270 4042 420 4185 4346 11 11524 12 197 9250 11662 8805 8217 17 3"
    assert found["ids"] == [int(number) for number in expected.split()]
    assert found["positions"] == 300


def test_names_that_need_no_hub(model, tmp_path):
    """`sample` and folders; a path that is no folder is an argument error."""
    assert resolve_model("sample", None, None, tmp_path) == sample.MODEL
    assert resolve_model(str(model), None, None, tmp_path) == model
    for name in (str(tmp_path / "nope"), "./nope", str(model / "config.json")):
        with pytest.raises(ArgumentError, match="is not a directory"):
            resolve_model(name, None, None, tmp_path)


def test_a_model_at_a_url_is_copied_without_what_training_does_not_read(model, tmp_path):
    """Once for each state of the folder: a change makes a second copy."""
    bucket = fsspec.filesystem("memory")
    try:
        for name, content in (files_of(model) | {"tf_model.h5": b"", "notes.md": b""}).items():
            bucket.pipe(f"/bucket/m/{name}", content)
        folder = resolve_model("memory://bucket/m", None, None, tmp_path / "cache")
        assert files_of(folder) == files_of(model)
        assert resolve_model("memory://bucket/m", None, None, tmp_path / "cache") == folder
        bucket.pipe("/bucket/m/vocab.txt", b"[PAD]\n")
        newer = resolve_model("memory://bucket/m", None, None, tmp_path / "cache")
        assert files_of(folder) == files_of(model)
        assert (newer / "vocab.txt").read_bytes() == b"[PAD]\n"
        assert len(list((tmp_path / "cache" / "models").iterdir())) == 2
        with pytest.raises(ArgumentError, match=r"no config\.json"):
            resolve_model("memory://bucket", None, None, tmp_path / "cache")
    finally:
        bucket.store.clear()


def test_the_new_classifier_follows_the_seed_and_the_encoder_is_the_files(model):
    """The head is random by SEED; every weight of the encoder is the file's."""
    networks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(load_classifier(model, LABELS))
    heads = [network.classifier.weight for network in networks]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    weights = load_file(model / "model.safetensors")
    loaded = networks[0].state_dict()
    encoder = [name for name in loaded if name.startswith("bert.")]
    assert len(encoder) > 30
    assert all(torch.equal(loaded[name], weights[name]) for name in encoder)
    assert networks[0].config.id2label[5] == "B-PER"
    assert networks[0].config.label2id["I-LOC"] == 8


def test_weights_come_in_32_bits_whatever_the_files_hold(model):
    """Also from half precision, and where the configuration says float16."""
    weights = {name: w.half() for name, w in load_file(model / "model.safetensors").items()}
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    change_config(dtype="float16")(model)
    assert {p.dtype for p in load_classifier(model, LABELS).parameters()} == {torch.float32}


def test_a_new_classifier_is_no_warning_and_the_librarys_log_stays_as_it_was(model, caplog, capfd):
    """What transformers would warn of is expected here; its verbosity and progress bars are put
    back."""
    before = transformers_logging.get_verbosity()
    with caplog.at_level(logging.WARNING), warnings.catch_warnings():
        warnings.simplefilter("error")
        load_classifier(model, LABELS)
        assert transformers_logging.is_progress_bar_enabled()
        load_tokenizer(model)
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")
    assert transformers_logging.get_verbosity() == before
    assert transformers_logging.is_progress_bar_enabled()


def test_a_checkpoint_without_prefix_or_with_a_head_for_other_labels_is_taken(
    model, tmp_path, caplog
):
    """The head is made anew and the log says so; for prediction it is refused."""
    BertModel.from_pretrained(model).save_pretrained(tmp_path / "base")
    expected = load_classifier(model, LABELS).bert.state_dict()
    plain = load_classifier(tmp_path / "base", LABELS).bert.state_dict()
    assert all(torch.equal(plain[name], weight) for name, weight in expected.items())
    load_classifier(model, LABELS).save_pretrained(tmp_path / "tagger")
    caplog.clear()
    other = load_classifier(tmp_path / "tagger", LabelMap(("A", "B", "C")))
    assert other.classifier.out_features == 11
    assert "classifier has other labels" in caplog.text
    with pytest.raises(DataError, match="shape"):
        load_classifier(tmp_path / "tagger", LabelMap(("A", "B", "C")), trained=True)


def test_surplus_encoder_weights_are_a_warning(model, caplog):
    """Their number and the first name; the model is used."""
    change_config(num_hidden_layers=1)(model)
    load_classifier(model, LABELS)
    assert "16 weights do not fit the network: bert.encoder.layer.1" in caplog.text


def change_config(**values):
    def change(folder):
        config = json.loads((folder / "config.json").read_text())
        config = {k: v for k, v in (config | values).items() if v is not None}
        (folder / "config.json").write_text(json.dumps(config))

    return change


def write(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def delete(name):
    return lambda folder: (folder / name).unlink()


def truncate(name, share):
    def change(folder):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: int(len(content) * share)])

    return change


def change_weights(change_them):
    def change(folder):
        weights = load_file(folder / "model.safetensors")
        change_them(weights)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    return change


class Evil:
    """Unpickling it would make a folder."""

    def __reduce__(self):
        return (os.mkdir, ("evil-was-here",))


def plant_evil(folder):
    delete("model.safetensors")(folder)
    torch.save({"weight": Evil()}, folder / "pytorch_model.bin")


def cut_pickle(folder):
    as_pickle(folder)
    truncate("pytorch_model.bin", 0.6)(folder)


def shards_without_one(folder):
    names = list(load_file(folder / "model.safetensors"))
    index = {"metadata": {}, "weight_map": dict.fromkeys(names, "model-00001-of-00002.safetensors")}
    index["weight_map"][names[0]] = "model-00002-of-00002.safetensors"
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    write("model.safetensors.index.json", json.dumps(index).encode())(folder)


QUERY = "bert.encoder.layer.1.attention.self.query.weight"


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (delete("config.json"), ArgumentError, "has no config.json"),
        (write("config.json", b"{"), DataError, "is not JSON"),
        (write("config.json", b"\xff"), DataError, "is not JSON"),
        (write("config.json", b"[]"), ArgumentError, 'no "model_type"'),
        (change_config(model_type=None), ArgumentError, 'no "model_type"'),
        (change_config(model_type="nope"), ArgumentError, "does not know the architecture"),
        (change_config(model_type="clip"), ArgumentError, "no token classifier"),
        (change_config(hidden_size="two"), DataError, "hidden_size"),
        (change_config(hidden_size=64), DataError, "has shape"),
        (change_config(num_hidden_layers=3), DataError, "16 of 55 weights are missing"),
        (delete("model.safetensors"), ArgumentError, "it holds config.json, "),
        (write("model.safetensors", b""), DataError, "header too small"),
        (truncate("model.safetensors", 0.5), DataError, "not fully covered"),
        (write("model.safetensors", b"<html>no</html>"), DataError, "header too large"),
        (write("model.safetensors", b"version https://git-lfs.github"), DataError, "git lfs pull"),
        (change_weights(lambda w: w.pop(QUERY)), DataError, f"1 of 39 .*{QUERY}"),
        (change_weights(lambda w: w.update({QUERY: torch.ones(2)})), DataError, "has shape"),
        (shards_without_one, DataError, "cannot be loaded"),
        (cut_pickle, DataError, "cannot be loaded"),
        (plant_evil, DataError, "hold more than tensors"),
    ],
)
def test_a_wrong_or_damaged_model_is_one_clear_sentence(model, damage, error, says, monkeypatch):
    """It has the folder and the reason, and nothing in a pickle is ever run."""
    monkeypatch.chdir(model.parent)
    damage(model)
    with pytest.raises(error, match=says) as caught:
        load_classifier(model, LABELS)
    assert "\n" not in str(caught.value)
    assert str(model) in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(model))
    assert not Path("evil-was-here").exists()


def lower_case(folder):
    (folder / "tokenizer_config.json").unlink()


def slow_only(folder):
    lower_case(folder)
    (folder / "vocab.txt").rename(folder / "vocab.json")
    change_config(model_type="canine")(folder)


@pytest.mark.parametrize(
    ("damage", "error", "says"),
    [
        (delete("vocab.txt"), ArgumentError, "has no tokenizer"),
        (write("vocab.txt", b"\xff\xfe\0"), DataError, "cannot be loaded"),
        (write("tokenizer.json", b"{"), DataError, "cannot be loaded"),
        (write("tokenizer.json", b"{}"), DataError, "cannot be loaded"),
        (change_config(vocab_size=7), DataError, f"{len(VOCABULARY)} wordpieces .* embeds 7"),
        (lower_case, DataError, "splits Hangul into letters"),
        (slow_only, ArgumentError, "only a slow tokenizer"),
    ],
)
def test_a_wrong_or_damaged_tokenizer_is_one_clear_sentence(model, damage, error, says):
    """Also one that would take Hangul apart, and one that is slow only."""
    damage(model)
    with pytest.raises(error, match=says) as caught:
        load_tokenizer(model)
    assert "\n" not in str(caught.value)


def test_remote_code_of_a_model_never_runs(model, monkeypatch):
    """A model that brings Python files is loaded by the library's own classes."""
    monkeypatch.chdir(model.parent)
    (model / "evil.py").write_text("import os\nos.mkdir('evil-was-here')\n")
    auto = {"AutoConfig": "evil.Config", "AutoModelForTokenClassification": "evil.Model"}
    change_config(auto_map=auto)(model)
    told = json.loads((model / "tokenizer_config.json").read_text())
    told["auto_map"] = {"AutoTokenizer": ["evil.Tokenizer", "evil.Tokenizer"]}
    (model / "tokenizer_config.json").write_text(json.dumps(told))
    load_classifier(model, LABELS)
    load_tokenizer(model)
    assert not Path("evil-was-here").exists()
