"""A target of one's own is a `Writer` and a row in WRITERS, and nothing else."""

import pytest

from job.convert import convert
from job.corpus import WRITERS
from job.corpus.formats.text_lines import LineError
from job.corpus.writers.writer import Writer, put_text
from job.errors import ArgumentError, DataError
from job.predict import predict
from job.settings import ConvertSettings
from tests.support.tagged import SENTENCE, TAGGED


@pytest.fixture(autouse=True)
def arrows(monkeypatch):
    """Lines of a sentence, an arrow and its mentions; a sentence with an arrow is none."""

    def say(sentence, by_model):
        if "=>" in sentence.text:
            raise LineError("an arrow in the text")
        named = ", ".join(f"{sentence.text[s:e]}/{type_}" for s, e, type_ in sentence.spans)
        return f"{sentence.text} => {named} ({'found' if by_model else 'given'})\n"

    monkeypatch.setitem(WRITERS, "arrows", Writer("arrows", ".arrows", say, put_text))


@pytest.fixture
def settings(tmp_path):
    """Those of convert, with a --to that is not among the choices of the command line."""

    def settings(to=None):
        return ConvertSettings(cache_dir=tmp_path / "cache").model_copy(update={"to": to})

    return settings


@pytest.mark.parametrize(("name", "to"), [("out.arrows", None), ("out.txt", "arrows")])
def test_convert_writes_it_by_ending_and_by_name(tmp_path, settings, caplog, name, to):
    """What it cannot say is left out, and counted under its name."""
    caplog.set_level("INFO")
    (tmp_path / "in.txt").write_text(f"{TAGGED}\n가 => 나␞가 => 나\n")
    convert(str(tmp_path / "in.txt"), str(tmp_path / name), settings(to))
    assert (tmp_path / name).read_text() == f"{SENTENCE} => 김철수/PER, 서울역/LOC (given)\n"
    assert "left out 1 × an arrow in the text" in caplog.text
    assert "which arrows cannot say" in caplog.text
    assert "1 sentence of train written as arrows" in caplog.text


def test_a_folder_gets_files_with_its_ending(tmp_path, settings):
    """One for each split."""
    (tmp_path / "in").mkdir()
    for split in ("train", "val"):
        (tmp_path / "in" / f"{split}.txt").write_text(f"{TAGGED}\n")
    convert(str(tmp_path / "in"), str(tmp_path / "out"), settings("arrows"))
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == [
        "train.arrows",
        "val.arrows",
    ]


def test_an_ending_that_says_no_target_is_answered_with_it_too(tmp_path, settings):
    """Its ending and its name are among those offered."""
    (tmp_path / "in.txt").write_text(f"{TAGGED}\n")
    with pytest.raises(ArgumentError, match=r"\.arrows, or name the shape by .*\|arrows"):
        convert(str(tmp_path / "in.txt"), str(tmp_path / "out.xml"), settings())


def test_predict_writes_it_by_name(output, tmp_path):
    """It is told that a model found the entities, and a line that it cannot say is refused."""
    source, out = tmp_path / "in.txt", tmp_path / "out.txt"

    def tag():
        predict(str(output), str(source), str(out), cache_dir=tmp_path / "cache", to="arrows")

    source.write_text(f"{SENTENCE}\n")
    tag()
    assert out.read_text() == f"{SENTENCE} => 김철수/PER, 서울역/LOC (found)\n"
    source.write_text(f"{SENTENCE}\n가 => 나\n")
    with pytest.raises(DataError, match=r"in\.txt:2: .* as arrows .*\(an arrow in the text\)"):
        tag()
