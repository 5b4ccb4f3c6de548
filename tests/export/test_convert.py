"""A corpus in one shape, written in another: where it goes, what is refused and left out."""

import json
from pathlib import Path

import pytest

from job.convert import convert
from job.corpus.writers.table import WRITERS
from job.errors import ArgumentError, DataError
from job.settings import ConvertSettings
from job.settings.settings import Target
from tests.support.tagged import SENTENCE, SPANS, TAGGED, upload

PLAIN = "만났다␞만났다"


@pytest.fixture
def run(tmp_path):
    """Converts what lies at a path of `tmp_path` (or a URL) to another."""

    def place(name):
        return name if "://" in name else f"{tmp_path}/{name}"

    def convert_to(source, out, **settings):
        settings = ConvertSettings(cache_dir=tmp_path / "cache", **settings)
        convert(place(source), place(out), settings)
        written = Path(place(out))
        return written.read_bytes().decode(errors="replace") if written.is_file() else None

    (tmp_path / "in.txt").write_text(f"{TAGGED}\n{PLAIN}\n")
    return convert_to


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def test_the_choices_of_to_are_the_targets():
    """Each of the table, in its order."""
    assert list(WRITERS) == list(Target.__args__)


@pytest.mark.parametrize("name", WRITERS)
def test_the_ending_says_the_shape_and_to_beats_it(run, tmp_path, name):
    """--to with an ending of another shape writes the same file."""
    default = run("in.txt", f"out{WRITERS[name].ending}")
    named = run("in.txt", "other.txt", to=name)
    assert (named == default) is (name != "doccano")  # its ending is that of our own lines


def test_what_each_target_writes(run):
    """Characters for KLUE, words cut at mentions for CoNLL, the tutorial's lines as they were."""
    assert run("in.txt", "out.txt") == f"{TAGGED}\n{PLAIN}\n"
    assert rows(run("in.txt", "out.jsonl"))[0] == {"text": SENTENCE, "spans": SPANS}
    assert run("in.txt", "out.tsv").startswith(f"## 1\t{SENTENCE}\n김\tB-PER\n철\tI-PER\n")
    assert run("in.txt", "out.conll") == (
        f"# text = {SENTENCE}\n김철수\tB-PER\n은\tO\n서울역\tB-LOC\n에서\tO\n만났다!\tO\n\n"
        "# text = 만났다\n만났다\tO\n\n"
    )


def test_a_mention_of_several_words_begins_once(run, tmp_path):
    """Its later words go on with I-, also where particles are cut off."""
    row = {"text": "한국 은행은 멀다", "spans": [[0, 5, "OG"]]}
    (tmp_path / "in.jsonl").write_text(json.dumps(row))
    written = run("in.jsonl", "out.conll").splitlines()
    assert written[1:5] == ["한국\tB-OG", "은행\tI-OG", "은\tO", "멀다\tO"]


def test_several_splits_become_a_folder(run, tmp_path):
    """A file for each by its name; --to says their shape."""
    (tmp_path / "corpus").mkdir()
    for name in ("train", "valid", "test"):
        (tmp_path / "corpus" / f"{name}.txt").write_text(f"{TAGGED}\n")
    run("corpus", "out")
    run("corpus", "other/", to="conll")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        "test.jsonl",
        "train.jsonl",
        "val.jsonl",
    ]
    assert (tmp_path / "other" / "val.conll").read_text().startswith("# text")
    with pytest.raises(ArgumentError, match="one file cannot hold train and val and test"):
        run("corpus", "out.jsonl")


def test_a_folder_is_written_whole_or_not_at_all(run, tmp_path):
    """A split of which nothing can be said leaves the others unwritten, too."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "train.jsonl").write_text(json.dumps({"text": "가", "spans": []}))
    (tmp_path / "corpus" / "val.jsonl").write_text(json.dumps({"text": "가\n나", "spans": []}))
    with pytest.raises(DataError, match="none of the 1 sentences of val can be written as conll"):
        run("corpus", "out", to="conll")
    assert not list(tmp_path.glob("out/*"))


def test_what_a_target_cannot_say_is_left_out_and_counted(run, tmp_path, caplog):
    """By reason, with file and line; the others are written."""
    lines = [{"text": "가\n나", "spans": []}, {"text": "가 나", "spans": [[0, 1, "PS"]]}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    assert run("in.jsonl", "out.conll") == "# text = 가 나\n가\tB-PS\n나\tO\n\n"
    assert f"left out 1 × a line break in the text ({tmp_path}/in.jsonl:1)" in caplog.text
    assert rows(run("in.jsonl", "out2.jsonl")) == lines


def test_a_corpus_that_is_mostly_rejected_writes_nothing(run, tmp_path):
    """Beyond MAX_REJECTED_RATIO it is refused as a run refuses it."""
    (tmp_path / "bad.txt").write_text(f"{TAGGED}\n가␞나\n")
    with pytest.raises(DataError, match="1 of 2 sentences was rejected"):
        run("bad.txt", "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()
    assert len(rows(run("bad.txt", "out.jsonl", max_rejected_ratio=0.5))) == 1


@pytest.mark.parametrize("out", ["in.txt", "./in.txt", "link.txt", "corpus", "corpus/all.jsonl"])
def test_nothing_is_written_onto_its_input(run, tmp_path, out):
    """Nor into the folder that is read."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "train.txt").write_text(f"{TAGGED}\n")
    (tmp_path / "link.txt").symlink_to("in.txt")
    with pytest.raises(ArgumentError, match="which is read"):
        run("corpus" if out.startswith("corpus") else "in.txt", out)
    assert (tmp_path / "in.txt").read_text() == f"{TAGGED}\n{PLAIN}\n"


def test_an_ending_that_says_nothing_is_refused(run):
    """With the endings that do."""
    with pytest.raises(ArgumentError, match=r"end it in one of \.jsonl, \.txt, \.tsv"):
        run("in.txt", "out.xml")


def test_a_corpus_without_entities_converts(run, tmp_path):
    """What training refuses is no matter of shape."""
    (tmp_path / "plain.txt").write_text(f"{PLAIN}\n")
    assert rows(run("plain.txt", "out.jsonl")) == [{"text": "만났다", "spans": []}]


def test_out_may_be_a_url(run, memory, tmp_path):
    """It is uploaded when it is whole."""
    run("in.txt", "memory://bucket/out.jsonl")
    assert rows(memory.cat("/bucket/out.jsonl").decode())[0]["spans"] == SPANS


def test_in_may_be_a_url(run, memory, tmp_path):
    """A file, or a folder of splits."""
    (tmp_path / "corpus").mkdir()
    for name in ("train", "val"):
        (tmp_path / "corpus" / f"{name}.txt").write_text(f"{TAGGED}\n")
    upload(tmp_path / "corpus", memory, "/bucket/corpus")
    run("memory://bucket/corpus", "out", to="jsonl")
    assert rows((tmp_path / "out" / "val.jsonl").read_text())[0]["spans"] == SPANS
    assert rows(run("memory://bucket/corpus/val.txt", "one.jsonl"))[0]["spans"] == SPANS


def test_a_name_of_a_type_that_is_not_there_is_told(run, caplog):
    """A misspelt one would leave out every entity in silence."""
    run("in.txt", "out.jsonl", types_map="PRE=PS", types_only="LOC,ORG")
    assert "TYPES_MAP: PRE matches no entity" in caplog.text
    assert "TYPES_ONLY: no entity of this corpus has the type ORG" in caplog.text
