"""The exported directory: what is in it, that others can load it, and that it is proven first."""

import json
import subprocess
import sys
from operator import attrgetter

import pytest
import torch
from huggingface_hub import ModelCard
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer, pipeline

from job.errors import ArgumentError, DataError, OutputError
from job.evaluation import scores
from job.export import model_card
from job.export.folder import export_model
from job.storage.manifest import MANIFEST, parse_manifest, sha256_of, verify_files
from tests.support.tiny import LABELS, make_network, make_tokenizer

SENTENCE = "김철수은 서울역에서 만났다!"
COUNTS = {
    "f1": 0.5,
    "precision": 0.5,
    "recall": 0.5,
    "true_positive": 1,
    "predicted": 2,
    "gold": 2,
}
NOTHING = dict.fromkeys(COUNTS, 0)
SCORES = {"micro": COUNTS, "macro_f1": 0.5, "per_type": {"PER": COUNTS, "LOC": NOTHING}}
ALONE = {"micro": COUNTS | {"f1": 0.25}}
MEASURED = {"characters": SCORES, "wordpieces": SCORES, "tags_alone": ALONE, "tags_ceiling": 0.75}
METRICS = {"splits": {"val": MEASURED}}
FACTS = {
    "model": "beomi/kcbert-base",
    "revision": "0123abc",
    "corpus": "ner",
    "train sha256": "f" * 64,
    "learning rate": "5e-05",
    "max sequence length": "16",
    "window stride": "2",
    "long sentences": "window",
    "normalize": "off",
    "odd": "a|b\n<script>",
}
AWKWARD = [
    SENTENCE,
    "",
    "  \t 서울 \u00a0\u3000가\u200b나\u00ad다 ",
    "<김>!.<<서울역",
    "\u1100\u1161나 café ☃ 🙂 [MASK] [UNK]",
    "가" * 200,
]


@pytest.fixture
def network():
    return make_network()


@pytest.fixture
def export(tmp_path, network):
    def run(folder=tmp_path / "model", prove=lambda folder: None, model=network):
        export_model(
            folder,
            model=model,
            tokenizer=make_tokenizer(tmp_path / "tokenizer"),
            label_map=LABELS,
            ends=None,
            metrics=METRICS,
            trained={},
            facts=FACTS,
            prove=prove,
        )
        return folder

    return run


def test_the_directory_holds_what_is_promised_and_the_manifest_covers_it(export):
    """Every file but the manifest is in it, with size and sha256."""
    folder = export()
    manifest = parse_manifest((folder / MANIFEST).read_bytes(), MANIFEST)
    names = {file.name for file in folder.iterdir()}
    promised = {"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"}
    assert promised | {"label_map.txt", "metrics.json", "README.md", MANIFEST} <= names
    assert set(manifest["files"]) == names - {MANIFEST}
    for name, file in manifest["files"].items():
        assert file == {
            "sha256": sha256_of(folder / name),
            "size": (folder / name).stat().st_size,
        }
    verify_files(folder, manifest)
    assert json.loads((folder / "metrics.json").read_text()) == METRICS
    assert (folder / "label_map.txt").read_text() == LABELS.to_text()


def test_whoever_may_read_one_file_may_read_all(export):
    """A container of another uid can use the model: its weights are not the owner's alone."""
    assert len({file.stat().st_mode for file in export().iterdir()}) == 1


def test_the_config_has_the_tutorials_ids_and_no_path_of_the_machine(export, tmp_path):
    """No file of the folder tells where it was made."""
    folder = export()
    config = AutoConfig.from_pretrained(folder)
    assert [config.id2label[i] for i in range(9)] == list(LABELS.labels)
    assert config.label2id["B-PER"] == 5
    assert config.architectures == ["BertForTokenClassification"]
    for file in folder.iterdir():
        assert str(tmp_path).encode() not in file.read_bytes()


def test_the_saved_tokenizer_gives_the_same_ids_and_offsets(export, tmp_path):
    """For blanks, combining characters, emoji and special tokens, too."""
    here = make_tokenizer(tmp_path / "again")
    there = AutoTokenizer.from_pretrained(export())
    for text in AWKWARD:
        expected = here(text, return_offsets_mapping=True)
        assert dict(there(text, return_offsets_mapping=True)) == dict(expected)
    assert there.model_max_length == here.model_max_length


def test_the_saved_weights_are_the_same(export, network):
    """Bit for bit, under the same names."""
    loaded = AutoModelForTokenClassification.from_pretrained(export())
    assert loaded.state_dict().keys() == network.state_dict().keys()
    for name, weight in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight)


def test_transformers_pipeline_finds_the_entities(export):
    """The folder works without this project."""
    tag = pipeline("token-classification", model=str(export()), aggregation_strategy="simple")
    found = [(e["entity_group"], SENTENCE[e["start"] : e["end"]]) for e in tag(SENTENCE)]
    assert found == [("PER", "김철수"), ("LOC", "서울역")]


def test_a_failing_proof_leaves_no_manifest(export, tmp_path):
    """`prove` sees the whole model; when it is not good, nobody takes it for a finished one."""

    def refuse(folder):
        verify_files(folder, parse_manifest((folder / MANIFEST).read_bytes(), MANIFEST))
        raise DataError("it predicts otherwise")

    with pytest.raises(DataError, match="predicts otherwise"):
        export(prove=refuse)
    assert not list(tmp_path.rglob(MANIFEST))


def test_a_folder_that_is_there_is_not_written_into(export, tmp_path):
    """What lies in it is no part of the model; the output's folder is replaced as a whole."""
    export()
    before = sha256_of(tmp_path / "model" / "model.safetensors")
    with pytest.raises(OutputError, match="model: the model cannot be written"):
        export(model=make_network(layers=1))
    assert sha256_of(tmp_path / "model" / "model.safetensors") == before


def test_an_output_that_cannot_be_written_is_named(export, tmp_path):
    """An OutputError has the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file/model: the model cannot be written"):
        export(folder=tmp_path / "file" / "model")


def test_the_card_names_labels_scores_origin_and_licence(export):
    """In both languages, with facts that hold markup escaped."""
    card = (export() / "README.md").read_text(encoding="utf-8")
    data = ModelCard(card).data
    assert (data.language, data.base_model) == ("ko", "beomi/kcbert-base")
    [result] = data.eval_results
    assert (result.dataset_split, result.metric_type, result.metric_value) == ("val", "f1", 0.5)
    assert "F1 on exact characters 0.500, without the table of ends 0.250; tags without" in card
    assert "\n".join(LABELS.labels) in card
    assert "| val | characters | **all** | 0.500 | 0.500 | 0.500 | 2 |" in card
    assert "| train sha256 | " + "f" * 64 in card
    assert "| odd | a\\|b &lt;script> |" in card
    assert "한국어" in card
    assert "the licences of the training corpus and of the base model apply" in card


def test_a_new_metric_is_a_column_of_the_card(export, monkeypatch):
    """The table of metrics says which figures are shown, and in which order."""
    monkeypatch.setitem(scores.METRICS, "gold", scores.Metric("in gold", attrgetter("gold")))
    card = (export() / "README.md").read_text(encoding="utf-8")
    assert "| F1 | precision | recall | in gold | entities |" in card
    assert "| **all** | 0.500 | 0.500 | 0.500 | 2.000 | 2 |" in card
    assert "| LOC | – | – | – | – | 0 |" in card


@pytest.mark.parametrize("number", [1, 2], ids=["tagger", "pipeline"])
def test_the_code_of_the_card_runs(export, number):
    """As it stands, in a process of its own, it prints the entities and warns of nothing."""
    folder = export()
    card = (folder / "README.md").read_text(encoding="utf-8")
    code = card.split("```python\n")[number].split("```")[0]
    code = code.replace(model_card.EXAMPLE, SENTENCE)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr.lower()
    assert [line.split()[:3] for line in done.stdout.splitlines()] == [
        ["0", "3", "PER"],
        ["5", "8", "LOC"],
    ]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "model.safetensors").unlink(), "is missing"),
        (lambda f: (f / "label_map.txt").write_text("O\n"), "bytes instead of"),
        (lambda f: flip_a_byte(f / "model.safetensors"), "another sha256"),
    ],
)
def test_a_damaged_export_is_noticed_and_the_file_named(export, damage, says):
    """A missing, shortened or altered file does not verify."""
    folder = export()
    damage(folder)
    with pytest.raises(DataError, match=says):
        verify_files(folder, parse_manifest((folder / MANIFEST).read_bytes(), MANIFEST))


def flip_a_byte(file):
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("manifest", "error"),
    [
        (b"", DataError),
        (b"[]", DataError),
        (b'{"format": 1}', DataError),
        (b'{"format": 1, "files": {"a": {}}}', DataError),
        (b'{"format": 1, "files": {"../a": {"sha256": "", "size": 0}}}', DataError),
        (b'{"format": 2, "files": {}}', ArgumentError),
    ],
)
def test_a_bad_manifest_is_refused_before_its_names_are_used(manifest, error):
    """Not JSON, incomplete, of another format, or with a path that leads out."""
    with pytest.raises(error, match=r"MANIFEST\.json"):
        parse_manifest(manifest, MANIFEST)
