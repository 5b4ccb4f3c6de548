"""`evaluate`: a finished model is scored on labelled files as its own run scored it."""

import json
import re
import unicodedata
import zipfile
from types import SimpleNamespace

import pytest

from job.__main__ import main
from job.api import evaluate
from job.encoding import EndTable
from job.encoding.labels import LabelMap
from job.evaluate import _tell_types
from job.evaluation.scores import score_spans
from job.export.folder import export_model
from job.sentence import Span
from tests.support.elsewhere import PIECES, write_model
from tests.support.runs import World, finish, line, start
from tests.support.tagged import upload
from tests.support.tiny import LABELS, make_network, make_tokenizer

REPORT = {"index.html", "predictions.jsonl", "errors.jsonl", "metrics.json", "MANIFEST.json"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A finished run in the folder `out`."""
    world = World(tmp_path_factory.mktemp("world"))
    code, log = finish(world.start(epochs=8))
    assert code == 0, log
    return world


@pytest.fixture
def score(world, tmp_path, capsys):
    """The exit code, standard output and standard error of `evaluate` in this process."""

    def score(*words, **flags):
        flags = {
            "downstream_model_dir": world.folder / "out",
            "cache_dir": world.folder / "cache",
            "accelerator": "cpu",
            "output": tmp_path / "scores",
        } | flags
        code = main(
            ["evaluate", *map(str, words), *(f"--{name}={value}" for name, value in flags.items())]
        )
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return score


def metrics_of(folder):
    return json.loads((folder / "report/metrics.json").read_text("utf-8"))


def numbers(split):
    """The scores of a split, without the loss, which depends on what shares a batch."""
    return {name: split[name] for name in ("sentences", "characters", "wordpieces", "lost")}


def rows(content: list[tuple[str, list]]) -> str:
    return "".join(
        json.dumps({"text": text, "spans": spans}, ensure_ascii=False) + "\n"
        for text, spans in content
    )


def test_it_finds_what_the_run_found_on_val(world, tmp_path):
    """As a command of its own: the table alone on standard output, the report below OUTPUT, and
    each number that of the run."""
    code, log = finish(
        start(
            [
                "evaluate",
                str(world.corpus / "val.txt"),
                f"--downstream_model_dir={world.folder / 'out'}",
                f"--output={tmp_path}",
                f"--cache_dir={world.folder / 'cache'}",
            ]
        )
    )
    assert code == 0, log
    of_run = metrics_of(world.folder / "out")["splits"]["val"]
    assert of_run["characters"]["micro"]["f1"] > 0.9
    assert numbers(metrics_of(tmp_path)["splits"]["val"]) == numbers(of_run)
    assert metrics_of(tmp_path)["splits"]["val"]["loss"] == pytest.approx(of_run["loss"], abs=1e-5)
    assert {file.name for file in (tmp_path / "report").iterdir()} == REPORT
    predictions = (world.folder / "out/report/predictions.jsonl").read_text("utf-8")
    assert (tmp_path / "report/predictions.jsonl").read_text("utf-8") == predictions


def test_standard_output_has_the_table_alone(world, score):
    """The log goes to standard error."""
    code, out, _ = score(world.corpus / "val.txt")
    assert code == 0
    assert re.search(r"^PER +\d\.\d{3}", out, re.MULTILINE)
    assert out.rstrip().endswith("scores/report/index.html")
    assert "rejected" not in out


def test_files_of_any_form_are_one_test_split(world, score, tmp_path):
    """One in columns, one in JSON Lines within an archive, of no split's name."""
    (tmp_path / "news.jsonl").write_text(rows([("김철은 왔다.", [[0, 2, "PER"]])]), "utf-8")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("more.conll", "서울역\tB-LOC\n에서\tO\n만났다!\tO\n\n")
    code, _, log = score(tmp_path / "news.jsonl", tmp_path / "more.zip")
    assert code == 0, log
    splits = metrics_of(tmp_path / "scores")["splits"]
    assert list(splits) == ["test"]
    assert splits["test"]["sentences"] == 2
    assert splits["test"]["characters"]["micro"]["gold"] == 2


def test_of_a_folder_with_splits_val_and_test_are_scored(world, score, tmp_path):
    """A model has seen train: it is left out, and that is said."""
    for split, count in (("train", 30), ("val", 12), ("test", 15)):
        folder = tmp_path / "corpus"
        folder.mkdir(exist_ok=True)
        (folder / f"{split}.txt").write_text("\n".join(map(line, range(count))), "utf-8")
    code, out, log = score(tmp_path / "corpus")
    assert code == 0, log
    assert {n: s["sentences"] for n, s in metrics_of(tmp_path / "scores")["splits"].items()} == {
        "val": 12,
        "test": 15,
    }
    assert "train is left out" in log
    assert out.index("val") < out.index("test")


def test_a_type_that_the_model_lacks_counts_as_missed_and_is_named(world, score, tmp_path):
    """On characters and on wordpieces; the other types keep their scores."""
    spans = [[0, 3, "PER"], [5, 7, "LOC"], [10, 13, "EVT"]]
    (tmp_path / "a.jsonl").write_text(rows([("김철수은 서울에서 만났다!", spans)]), "utf-8")
    code, _, log = score(tmp_path / "a.jsonl")
    assert code == 0, log
    assert "The model lacks EVT (1 ×): it counts as missed." in log
    for measure in ("characters", "wordpieces"):
        per_type = metrics_of(tmp_path / "scores")["splits"]["test"][measure]["per_type"]
        assert per_type["EVT"]["gold"] == 1
        assert per_type["EVT"]["true_positive"] == 0
        assert per_type["PER"]["f1"] == 1.0
    loss = metrics_of(tmp_path / "scores")["splits"]["test"]["loss"]
    score(tmp_path / "a.jsonl", types_map="EVT=-")
    assert metrics_of(tmp_path / "scores")["splits"]["test"]["loss"] == loss  # EVT is O to it


def test_types_map_gives_gold_the_models_names_or_drops_it(world, score, tmp_path):
    """What is dropped is counted and no longer missed."""
    spans = [[0, 3, "PS"], [5, 7, "LC"], [10, 13, "EVT"]]
    (tmp_path / "a.jsonl").write_text(rows([("김철수은 서울에서 만났다!", spans)]), "utf-8")
    code, _, log = score(tmp_path / "a.jsonl", types_map="PS=PER,LC=LOC,EVT=-")
    assert code == 0, log
    assert "1 of 3 spans dropped by TYPES_MAP: EVT (1)" in log
    assert "lacks" not in log
    scores = metrics_of(tmp_path / "scores")["splits"]["test"]["characters"]
    assert scores["micro"]["f1"] == 1.0
    assert set(scores["per_type"]) == {"PER", "LOC"}


def test_types_only_scores_those_types_alone(world, score, tmp_path):
    """What the model finds of another type is left out, not wrong; without it, it is wrong, and
    that is said with the way out."""
    (tmp_path / "a.jsonl").write_text(
        rows([("김철수은 서울에서 만났다!", [[0, 3, "PER"]])]), "utf-8"
    )
    code, _, log = score(tmp_path / "a.jsonl")
    assert code == 0, log
    assert "The files lack LOC (1 ×)" in log
    assert "TYPES_ONLY=PER" in log
    assert metrics_of(tmp_path / "scores")["splits"]["test"]["characters"]["micro"]["f1"] < 1
    code, _, log = score(tmp_path / "a.jsonl", types_only="PER")
    assert code == 0, log
    splits = metrics_of(tmp_path / "scores")["splits"]["test"]
    assert splits["characters"]["micro"]["f1"] == splits["wordpieces"]["micro"]["f1"] == 1.0


def test_types_that_neither_side_has_are_not_said_to_be_wrong(caplog):
    """Of the types that the files lack, the warning names those alone that the model found."""
    found = [(Span(0, 1, "PER"), Span(2, 3, "LOC"))]
    scores = score_spans([found[0][:1]], found, ("PER", "LOC", "ORG"))
    _tell_types([SimpleNamespace(characters=scores)], LabelMap(("PER", "LOC", "ORG")))
    assert "The files lack LOC (1 ×): what" in caplog.text


def test_files_of_which_the_model_knows_no_type_are_refused(world, score, tmp_path):
    """Every score would be 0 and say nothing; both sides' types are named, and TYPES_MAP."""
    (tmp_path / "a.jsonl").write_text(rows([("김철수은 왔다.", [[0, 3, "PS"]])]), "utf-8")
    code, out, log = score(tmp_path / "a.jsonl")
    assert (code, out) == (65, "")
    assert re.search(r"a\.jsonl has .*types PS, .*knows PER, LOC.*TYPES_MAP, such as PS=PER", log)
    assert not (tmp_path / "scores").exists()


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (None, 65, r"FILES=.*a\.jsonl: no file of a corpus is there"),
        ("김철수은 왔다.\n", 65, "in no format that is known"),
        (rows([("김철은 왔다.", [[0, 99, "PER"]])] * 2), 65, "2 of 2 sentences were rejected"),
    ],
)
def test_files_that_cannot_be_read_end_with_their_code(score, tmp_path, content, code, says):
    """As those of a corpus; nothing is written."""
    if content is not None:
        (tmp_path / "a.jsonl").write_text(content, "utf-8")
    ended, out, log = score(tmp_path / "a.jsonl")
    assert (ended, out) == (code, "")
    assert re.search(says, log)
    assert not (tmp_path / "scores").exists()


def test_its_own_report_is_replaced_and_no_other(world, score, tmp_path):
    """That of a run, or a person's page, is no report of an evaluation: 73, before any work."""
    val = world.corpus / "val.txt"
    assert [score(val)[0], score(val)[0]] == [0, 0]
    (tmp_path / "scores/report/MANIFEST.json").unlink()
    code, _, log = score(val)
    assert code == 73
    assert "index.html, metrics.json" in log
    assert "choose another --output" in log
    before = metrics_of(world.folder / "out")
    assert score(val, output=world.folder / "out")[0] == 73
    assert metrics_of(world.folder / "out") == before


def test_the_report_is_not_written_into_what_is_read(world, score, tmp_path):
    """The next evaluation would read it as a part of the corpus."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/test.txt").write_text(line(1), "utf-8")
    code, _, log = score(tmp_path / "corpus", output=tmp_path / "corpus")
    assert code == 64
    assert "which is read; write --output to another place" in log


def test_a_program_gets_the_scores_as_values(world, tmp_path):
    """Those of the report; several files are a list."""
    val = world.corpus / "val.txt"
    result = evaluate(
        [str(val)], world.folder / "out", output=tmp_path, cache_dir=world.folder / "cache"
    )
    assert result.metrics == metrics_of(tmp_path)
    of_run = metrics_of(world.folder / "out")["splits"]["val"]
    assert result.f1 == of_run["characters"]["micro"]["f1"]
    assert result.report == str(tmp_path / "report/index.html")


@pytest.mark.parametrize("labels", [("O", "PER", "LOC"), ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")])
def test_a_model_from_elsewhere_is_scored(score, tmp_path, labels):
    """Of IO labels, which know no beginning, or of IOB2: all scores, and a loss."""
    tags = PIECES if "B-PER" in labels else {p: label[2:] for p, label in PIECES.items()}
    folder = write_model(tmp_path / "model", labels, tags)
    (tmp_path / "a.txt").write_text("\n".join(map(line, range(30))), "utf-8")
    code, _, log = score(tmp_path / "a.txt", downstream_model_dir=folder)
    assert code == 0, log
    scores = metrics_of(tmp_path / "scores")["splits"]["test"]
    assert scores["characters"]["micro"]["f1"] == scores["wordpieces"]["micro"]["f1"] == 1.0
    assert 0 < scores["loss"] < 1


def test_decomposed_files_are_composed_where_that_is_asked_for(world, score, tmp_path):
    """NORMALIZE=nfc; as they are, the vocabulary has none of their letters."""
    text = unicodedata.normalize("NFD", "\n".join(map(line, range(1, 7))))
    (tmp_path / "a.txt").write_text(text, "utf-8")
    found = []
    for normalize in ("off", "nfc"):
        code, _, log = score(tmp_path / "a.txt", normalize=normalize)
        assert code == 0, log
        found.append(metrics_of(tmp_path / "scores")["splits"]["test"]["characters"]["micro"]["f1"])
    assert found[0] < 0.5 < 0.9 < found[1]


@pytest.fixture
def export(tmp_path):
    """A finished model in the folder `exported` that tags by a table."""

    def export(ends=None, **facts):
        export_model(
            tmp_path / "exported/model",
            model=make_network(),
            tokenizer=make_tokenizer(tmp_path / "tokenizer"),
            label_map=LABELS,
            ends=ends,
            metrics={},
            trained={},
            facts=facts,
            prove=lambda folder: None,
        )
        return tmp_path / "exported"

    return export


def test_a_model_of_composed_texts_is_scored_on_composed_texts(score, tmp_path, export):
    """As it was trained, and as `predict` reads for it, without being told."""
    text = unicodedata.normalize("NFD", "\n".join(map(line, range(1, 7))))
    (tmp_path / "a.txt").write_text(text, "utf-8")
    code, _, log = score(tmp_path / "a.txt", downstream_model_dir=export(normalize="nfc"))
    assert code == 0, log
    metrics = metrics_of(tmp_path / "scores")
    assert metrics["splits"]["test"]["characters"]["micro"]["f1"] == 1.0
    assert metrics["facts"]["normalize"] == "nfc"


def test_a_model_with_a_table_of_ends_is_scored_with_it(score, tmp_path, export):
    """The network tags the wordpiece 서울, and the table takes 울 off; both F1s are given."""
    (tmp_path / "a.jsonl").write_text(rows([("서울에 왔다", [[0, 1, "LOC"]])] * 2), "utf-8")
    folder = export(EndTable({"PER": {}, "LOC": {"울": 1}}))
    code, _, log = score(tmp_path / "a.jsonl", downstream_model_dir=folder)
    assert code == 0, log
    scores = metrics_of(tmp_path / "scores")["splits"]["test"]
    assert scores["characters"]["micro"]["f1"] == scores["wordpieces"]["micro"]["f1"] == 1.0
    assert scores["tags_alone"]["micro"]["f1"] == 0.0


def test_files_and_report_may_lie_at_urls(world, score, tmp_path, memory):
    """And the model: nothing of it is written on this machine but into the cache."""
    upload(world.folder / "out", memory, "/bucket/run")
    memory.pipe("/bucket/in/val.txt", (world.corpus / "val.txt").read_bytes())
    code, out, log = score(
        "memory://bucket/in/val.txt",
        downstream_model_dir="memory://bucket/run",
        output="memory://bucket/scores",
    )
    assert code == 0, log
    assert out.rstrip().endswith("memory://bucket/scores/report/index.html")
    names = {name.rpartition("/")[2] for name in memory.ls("/bucket/scores/report", detail=False)}
    assert names == REPORT
    assert not (tmp_path / "scores").exists()
