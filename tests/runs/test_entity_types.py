"""Entity types as people name them, from the corpus to whatever a run and its model say."""

import html
import json
import re

import pytest

from job.__main__ import main
from job.encoding.labels import LabelMap
from tests.support.runs import World, finish, line

PEOPLE, PLACES = ("Job Title", "B-Company", "a:b"), ("date/time", "지명 (도시)")


def row(number: int) -> str:
    """A sentence of the small world in which each name and each place has a type of its own."""
    text, _, tagged = line(number).partition("␞")
    spans = []
    if text != tagged:
        name, place = re.findall("<(.+?):", tagged)
        kinds = {"김철": PEOPLE[0], "김수": PEOPLE[1], "김철수": PEOPLE[2]}
        spans.append([0, len(name), kinds[name]])
        at = text.index(place)
        spans.append([at, at + len(place), PLACES[place == "서울역"]])
    return json.dumps({"text": text, "spans": spans}, ensure_ascii=False) + "\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = World(tmp_path_factory.mktemp("world"))
    for split, numbers in (("train", range(90)), ("val", range(90, 120))):
        (world.corpus / f"{split}.txt").unlink()
        text = "".join(map(row, numbers))
        (world.corpus / f"{split}.jsonl").write_text(text, "utf-8")
    return world


@pytest.fixture(scope="module")
def trained(world):
    """A finished run, and its log. Its model is sure enough of each tag for the pipeline, which
    takes the likeliest of every wordpiece by itself."""
    code, log = finish(world.start("trained", epochs=12, monitor="min val_loss"))
    assert code == 0, log
    return world.folder / "trained", log


def lines_of(file) -> list[dict]:
    return [json.loads(each) for each in file.read_text("utf-8").splitlines()]


def records(output) -> list[dict]:
    return lines_of(output / "report/predictions.jsonl")


def test_every_file_of_a_run_has_the_types_as_they_were_written(trained):
    """Label map, config, predictions, metrics, the page, the card and the table of the log."""
    output, log = trained
    label_map = LabelMap.from_text((output / "label_map.txt").read_text("utf-8"))
    types = set(label_map.types)
    assert types == {*PEOPLE, *PLACES}
    config = json.loads((output / "model/config.json").read_text("utf-8"))
    assert list(config["id2label"].values()) == list(label_map.labels)
    gold = {span[2] for record in records(output) for span in record["gold"]}
    predicted = {span[2] for record in records(output) for span in record["predicted"]}
    assert gold == predicted == types
    metrics = json.loads((output / "report/metrics.json").read_text("utf-8"))["splits"]["val"]
    assert metrics["characters"]["micro"]["f1"] > 0.9
    for measure in ("characters", "wordpieces"):
        assert set(metrics[measure]["per_type"]) == types
    assert set(metrics["confusion"]["same_bounds"]) == types
    page = html.unescape((output / "report/index.html").read_text("utf-8"))
    card = (output / "model/README.md").read_text("utf-8")
    for type_ in types:
        assert f'<th scope="row">{type_}</th>' in page
        assert f"| {type_} |" in card
        assert f"\nB-{type_}\n" in card
        assert re.search(rf"^{re.escape(type_)} +\d", log, re.MULTILINE)


def test_the_exported_model_tags_with_the_same_types(trained, tmp_path):
    """`predict` and the pipeline of transformers give what the report says."""
    from transformers import pipeline

    output, _ = trained
    source, target = tmp_path / "in.txt", tmp_path / "out.jsonl"
    source.write_text("".join(f"{record['text']}\n" for record in records(output)))
    assert main(["predict", str(source), str(target), f"--downstream_model_dir={output}"]) == 0
    predicted = [record["predicted"] for record in records(output)]
    assert [each["spans"] for each in lines_of(target)] == predicted
    tag = pipeline("token-classification", str(output / "model"), aggregation_strategy="simple")
    for record in records(output):
        spans = [[e["start"], e["end"], e["entity_group"]] for e in tag(record["text"])]
        assert spans == record["predicted"]


def test_predict_refuses_a_file_that_cannot_hold_the_types(trained, tmp_path, capsys):
    """At once, with the ending that can."""
    output, _ = trained
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_text("나\n")
    assert main(["predict", str(source), str(target), f"--downstream_model_dir={output}"]) == 64
    said = capsys.readouterr().err
    assert "Job Title" in said
    assert ".jsonl" in said
    assert "B-Company" not in said
    assert not target.exists()


def test_another_map_is_another_run(world, trained, capsys):
    """A checkpoint is not gone on from with other types, and the difference is named."""
    code, log = world.run(capsys, "trained", epochs=13, types_map="a:b=Job Title")
    assert code == 78
    assert "entity_types was None and is 'a:b=Job Title'" in log


def test_a_run_learns_the_new_names_and_says_what_became_of_the_old(world, capsys):
    """The log counts them, the report has them among its facts, and an idle entry is a warning."""
    code, log = world.run(
        capsys,
        "mapped",
        epochs=1,
        types_map="date*=PLACE,지명*=PLACE,B-Company=-,nobody=X",
        types_only="PLACE,Job Title,TIME",
    )
    assert code == 0, log
    output = world.folder / "mapped"
    assert "\nB-PLACE\nB-Job Title\nI-PLACE\n" in (output / "label_map.txt").read_text()
    facts = json.loads((output / "report/metrics.json").read_text())["facts"]
    only = "because TYPES_ONLY does not name their type: a:b (26)"
    assert "renamed by TYPES_MAP: " in facts["train types"]
    assert only in facts["train types"]
    assert only in log
    for option in ("B-Company=-", "date*=PLACE", "only Job Title,PLACE,TIME"):
        assert option in facts["entity types"]
    assert "TYPES_MAP: nobody matches no entity of this corpus" in log
    assert "no entity of this corpus has the type TIME" in log


@pytest.mark.parametrize("settings", [{"types_map": "*=-"}, {"types_only": "job title"}])
def test_nothing_left_to_learn_is_exit_65(world, capsys, settings):
    """The sentence names the types that were read."""
    code, log = world.run(capsys, "nothing", **settings)
    assert code == 65
    assert "leave none of the entity types that were read (B-Company, Job Title, a:b" in log


@pytest.mark.parametrize(
    "written",
    [
        "PS",
        "=PS",
        "PS=",
        "a*b=c",
        "a=b*",
        "a=b=c",
        "a=b,a=c",
        "*=a,*=b",
        "a=b\\",
        r"\a=b",
        "a=b\u200b",
    ],
)
def test_a_map_that_is_none_is_exit_64(world, capsys, written):
    """The sentence has the grammar and the value."""
    code, log = world.run(capsys, "wrong", types_map=written)
    assert code == 64
    assert "TYPES_MAP" in log
    assert "PS_*=PS,Job Title=TITLE,*=-" in log
