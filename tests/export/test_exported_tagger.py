"""tagger.py in an exported folder: it tags as the job does, without the job."""

import json
import os
import runpy
import subprocess
import sys
import unicodedata
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from job.encoding.ends import EndTable
from job.errors import DataError
from job.export.folder import export_model
from job.export.open import open_model
from job.export.tagger import Tagger
from job.predict import predict
from tests.support.tiny import LABELS, VOCABULARY, make_network, make_tokenizer

# Behind a place; `역은` is known as a whole, `은` would say less.
ENDS = EndTable({"PER": {"은": 1}, "LOC": {"은": 1, "역은": 2, "에": 1, "났다": 2, "다": 1}})
WORDS = [piece.removeprefix("##") for piece in VOCABULARY[5:]]
TEXTS = st.lists(st.sampled_from([*WORDS, " ", "  ", "\t", "🙂", "e\u0301", "훍"])).map("".join)


def make(folder, *, layers, ends=ENDS, **facts):
    """An exported model; with layers its tags follow no rule that anybody knows."""
    export_model(
        folder,
        model=make_network(layers=layers),
        tokenizer=make_tokenizer(folder.with_name("tokenizer")),
        label_map=LABELS,
        ends=ends,
        metrics={},
        trained={},
        facts={
            "max sequence length": "8",
            "window stride": "2",
            "long sentences": "window",
            "normalize": "off",
        }
        | facts,
        prove=lambda folder: None,
    )
    return folder


def both(folder):
    """What the job finds in a text and what tagger.py finds, as functions of the text."""
    _, manifest = open_model(str(folder), folder.with_name("cache"))
    ours = Tagger.load(folder, manifest, "cpu", None, None)
    theirs = runpy.run_path(str(folder / "tagger.py"))["Tagger"](folder)
    return (
        lambda text: [tuple(entity.span) for entity in ours.tag([text])[0]],
        lambda text: [(e.start, e.end, e.type) for e in theirs(text)],
    )


@pytest.fixture(scope="module", params=["off", "nfc"])
def pair(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "model"
    return both(make(folder, layers=2, normalize=request.param))


@given(TEXTS, st.sampled_from(["NFC", "NFD"]))
@settings(max_examples=150)
def test_it_finds_what_the_job_finds(pair, text, form):
    """In windows, in decomposed text, around blanks, whatever the tags are."""
    ours, theirs = pair
    text = unicodedata.normalize(form, text)
    assert theirs(text) == ours(text)


def test_ends_inside_of_pieces_are_found(tmp_path):
    """The longest ending decides, and one character stays."""
    for find in both(make(tmp_path / "model", layers=0)):
        assert find("서울역") == [(0, 3, "LOC")]
        assert find("김철수은 서울에 왔다") == [(0, 3, "PER"), (5, 7, "LOC")]


def test_blanks_are_no_part_of_a_wordpiece(tmp_path):
    """`▁서울` begins at 서; a wordpiece of blanks alone stays as it is."""
    bounds = runpy.run_path(str(make(tmp_path / "model", layers=0) / "tagger.py"))["bounds"]
    assert bounds(" 서울  가 ", [(0, 3), (3, 5), (4, 7)]) == [[1, 3], [3, 5], [5, 6]]


def test_no_two_entities_share_a_character(tmp_path):
    """Where composing makes two characters of one, two wordpieces have the same bounds."""
    folder = make(tmp_path / "model", layers=0)
    tagger = runpy.run_path(str(folder / "tagger.py"))["Tagger"](folder)
    tags = torch.eye(len(tagger.labels))[[1, 2, 1]]  # B-PER, B-LOC, B-PER
    tagger.read = lambda text: ([[0, 1], [0, 1], [1, 2]], tags)
    assert [(e.start, e.end, e.type) for e in tagger("가나")] == [(0, 1, "PER"), (1, 2, "PER")]


def test_without_a_table_entities_end_with_a_wordpiece(tmp_path):
    """As in the tutorial; no file of ends is exported."""
    folder = make(tmp_path / "model", layers=2, ends=None)
    assert not (folder / "ends.json").exists()
    ours, theirs = both(folder)
    text = "".join(WORDS) * 3
    assert theirs(text) == ours(text)


def test_a_model_that_truncates_reads_one_window(tmp_path):
    """As its evaluation did."""
    folder = make(tmp_path / "model", layers=0, **{"long sentences": "truncate"})
    _, theirs = both(folder)
    assert theirs("김철수 " * 5) == [(0, 3, "PER"), (4, 7, "PER")]


def test_it_needs_torch_and_transformers_alone(tmp_path):
    """Another folder, a Python that cannot import the job, and no network."""
    folder = make(tmp_path / "model", layers=0)
    code = (
        "import sys; sys.modules['job'] = None; sys.path.insert(0, sys.argv[1])\n"
        "from tagger import Tagger\n"
        "print([(e.type, e.text, round(e.score, 2)) for e in Tagger(sys.argv[1])('김철수은 왔다')])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", code, folder],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "HOME": str(tmp_path)},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    [(type_, text, score)] = eval(done.stdout)
    assert (type_, text) == ("PER", "김철수")
    assert 0.2 < score < 1


def test_it_is_short_enough_to_be_read(tmp_path):
    """150 lines, and nothing imported but the standard library, torch and transformers."""
    lines = (make(tmp_path / "model", layers=0) / "tagger.py").read_text("utf-8").splitlines()
    assert len(lines) <= 150
    imported = {line.split()[1].split(".")[0] for line in lines if line[:5] in ("impor", "from ")}
    assert imported - set(sys.stdlib_module_names) == {"torch", "transformers", "tokenizers"}


def test_a_model_whose_table_is_gone_is_refused(tmp_path):
    """Its entities would end elsewhere, in silence."""
    folder = make(tmp_path / "model", layers=0)
    (folder / "ends.json").unlink()
    (tmp_path / "in.txt").write_text("서울에 왔다\n", "utf-8")
    with pytest.raises(DataError, match=r"ends\.json"):
        predict(
            str(tmp_path), str(tmp_path / "in.txt"), str(tmp_path / "out.txt"), cache_dir=tmp_path
        )
    manifest = json.loads((folder / "MANIFEST.json").read_text("utf-8"))
    with pytest.raises(DataError, match=r"ends\.json is missing, and without it"):
        Tagger.load(folder, manifest, "cpu", None, None)


def test_a_model_of_an_earlier_version_has_tags_alone(tmp_path):
    """Its manifest tells of no ends."""
    folder = make(tmp_path / "model", layers=0, ends=None)
    manifest = json.loads((folder / "MANIFEST.json").read_text("utf-8"))
    del manifest["facts"]["entity ends"], manifest["facts"]["window stride"]
    tagger = Tagger.load(folder, manifest, "cpu", None, None)
    assert tagger.ends is None
    with_ends = replace(tagger, ends=ENDS)
    assert [[each.span for each in found] for found in tagger.tag(["서울에"])] == [[(0, 2, "LOC")]]
    assert tagger.tag(["서울에"]) == with_ends.tag(["서울에"])


def test_an_entity_has_the_score_that_predict_writes(tmp_path):
    """The mean probability of its own wordpieces, of one window or of several."""
    folder = make(tmp_path / "model", layers=2)
    _, manifest = open_model(str(folder), tmp_path)
    text = "김철수은 서울역에서 만났다! " * 9
    [ours] = Tagger.load(folder, manifest, "cpu", None, None).tag([text])
    theirs = runpy.run_path(str(folder / "tagger.py"))["Tagger"](folder)(text)
    assert len(ours) > 9
    assert [each.score for each in theirs] == pytest.approx([each.score for each in ours], abs=1e-5)
