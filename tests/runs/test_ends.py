"""A run on a corpus whose places end inside of a wordpiece, with the table of ends and without."""

import json
import shutil

import pytest

from tests.support.runs import World


def line(number: int) -> str:
    """Every second sentence has a place, of which the wordpiece 만났다 has the first character."""
    middle = " ".join(("가", "나", "다")[number % 3] * (1 + number // 6 % 5))
    if number % 2:
        return f"{middle} 왔다.␞{middle} 왔다."
    return f"{middle} 만났다!␞{middle} <만:LOC>났다!"


@pytest.fixture
def world(tmp_path) -> World:
    world = World(tmp_path)
    world.write("train", [line(n) for n in range(90)])
    world.write("val", [line(n) for n in range(90, 120)])
    return world


def metrics(world, output="out"):
    return json.loads((world.folder / output / "report/metrics.json").read_text("utf-8"))


def test_places_that_end_inside_of_a_wordpiece_are_found(world, capsys):
    """In validation, in the evaluation, by the exported model and by its tagger.py, which the run
    proves; tags alone find none of them."""
    code, log = world.run(capsys)
    assert code == 0, log
    val = metrics(world)["splits"]["val"]
    assert val["characters"]["micro"]["f1"] == 1
    assert val["tags_alone"]["micro"]["f1"] == 0
    assert val["tags_ceiling"] == 0
    assert metrics(world)["history"][-1]["f1_characters"] == 1
    table = json.loads((world.folder / "out/model/ends.json").read_text("utf-8"))
    assert table["clusters"] == {"LOC": {"다": 2}}
    assert (
        "right tags alone would reach F1 0.000 on exact characters, with the table of ends 1.000"
        in log
    )
    given, tagged = world.folder / "in.txt", world.folder / "tagged.jsonl"
    given.write_text("나 만났다!\n", "utf-8")
    assert world.run(capsys, words=("predict", str(given), str(tagged)))[0] == 0
    [[start, end, type_, *_]] = json.loads(tagged.read_text("utf-8"))["spans"]
    assert (start, end, type_) == (2, 3, "LOC")


def test_entity_ends_false_is_the_tutorials_way(world, capsys):
    """Entities end with a wordpiece; the model has no table, and no run goes on with one."""
    code, log = world.run(capsys, entity_ends="false")
    assert code == 0, log
    val = metrics(world)["splits"]["val"]
    assert val["characters"]["micro"]["f1"] == 0
    assert val["tags_alone"] is None
    assert not (world.folder / "out/model/ends.json").exists()
    shutil.rmtree(world.folder / "out/model")
    code, log = world.run(capsys, epochs=4)
    assert code == 78
    assert "entity_ends was False and is True" in log


def test_a_corpus_that_needs_no_table_has_none(world, capsys):
    """Said once; the model has no file of ends."""
    for split in ("train", "val"):
        text = (world.corpus / f"{split}.txt").read_text("utf-8")
        world.write(split, text.replace("<만:LOC>났다", "<만났다:LOC>").splitlines())
    code, log = world.run(capsys)
    assert code == 0, log
    assert log.count("no entity ends inside of a wordpiece") == 1
    assert metrics(world)["splits"]["val"]["characters"]["micro"]["f1"] == 1
    assert not (world.folder / "out/model/ends.json").exists()


def test_a_table_that_val_contradicts_is_not_exported(world, capsys):
    """The model tags as it was scored: without."""
    text = (world.corpus / "val.txt").read_text("utf-8")
    world.write("val", text.replace("<만:LOC>났다", "<만났다:LOC>").splitlines())
    code, log = world.run(capsys, max_rejected_ratio=1, monitor="max val_f1_wordpiece")
    assert code == 0, log
    assert "lowers the F1 of val on exact characters from 1.000 to 0.000" in log
    assert metrics(world)["splits"]["val"]["characters"]["micro"]["f1"] == 1
    assert not (world.folder / "out/model/ends.json").exists()
