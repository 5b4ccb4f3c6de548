"""`check` ends as the run would: with the same code, and the same first sentence."""

import json
import re

import pytest

from tests.support.runs import World, line


def lower_case(world: World) -> dict:
    """A tokenizer that takes Hangul apart."""
    file = world.model / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"do_lower_case": True}))
    return {}


def without_entities(world: World) -> dict:
    world.write("train", ["가 왔다.␞가 왔다."])
    return {}


def damaged(world: World) -> dict:
    world.write("train", [line(1), "<김철:PER>은␞김철은"])
    return {}


def in_vain(world: World) -> dict:
    """Starts that left no checkpoint."""
    (world.folder / "out").mkdir()
    record = {"holder": "x", "process": "", "released": True, "from_step": 0, "attempts": 2}
    (world.folder / "out" / "LEASE.json").write_text(json.dumps(record))
    return {"max_attempts": 2}


def taken(world: World) -> dict:
    """Two things are wrong: the output comes first."""
    (world.folder / "out").write_text("mine")
    return without_entities(world)


BAD = {
    "a tokenizer that lowers case": (65, lower_case),
    "no entity": (65, without_entities),
    "a damaged line": (65, damaged),
    "a text unlike the vocabulary": (65, lambda _: {"max_unknown_ratio": 0.01}),
    "no such corpus": (65, lambda _: {"downstream_corpus_name": "none"}),
    "no such model": (64, lambda w: {"pretrained_model_name": w.folder / "none"}),
    "too long": (64, lambda _: {"max_seq_length": 4096}),
    "no such checkpoint": (78, lambda w: {"resume": w.folder / "none"}),
    "starts in vain": (78, in_vain),
    "an output that is a file": (73, taken),
}


@pytest.mark.parametrize(("code", "spoil"), BAD.values(), ids=BAD)
def test_check_ends_as_the_run_would(tmp_path, capsys, code, spoil):
    """Whatever is wrong, `check` has the run's exit code, and the run's sentence is its first."""
    world = World(tmp_path)
    changed = spoil(world)
    checked = world.run(capsys, words=("check",), **changed)
    ran = world.run(capsys, **changed)
    assert (checked[0], ran[0]) == (code, code), checked[1] + ran[1]
    [sentence] = re.findall(r"ERROR (.*)", ran[1])
    first = re.findall(r"ERROR (?:.*?: FAILED\. )(.*)", checked[1])[0]
    assert first == sentence
