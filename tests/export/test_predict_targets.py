"""Predictions in the shapes that annotation tools import, to be corrected there."""

import io
import json

import pytest
from arro3.io import read_parquet

from job.corpus.writers.parquet import PARQUET
from job.errors import ArgumentError, DataError
from job.predict import predict
from tests.support.tagged import SCORES, SENTENCE, SPANS, TAGGED

TEXTS = [SENTENCE, "", f"😀 {SENTENCE}"]


@pytest.fixture
def tag(output, tmp_path):
    """The bytes that predict writes for the texts."""

    def tag(to, texts=TEXTS, out_name="out.txt"):
        (tmp_path / "in.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
        out = tmp_path / out_name
        places = str(output), str(tmp_path / "in.jsonl"), str(out)
        tag.count = predict(*places, cache_dir=tmp_path / "cache", to=to)
        return out.read_bytes()

    return tag


def in_utf16(text, start, end):
    return text.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le")


def test_label_studio_gets_a_task_for_each_line_with_a_prediction(tag, output):
    """In order, with the model's place, a score for each entity, and offsets in UTF-16 that give
    the mention."""
    tasks = json.loads(tag("label-studio"))
    assert [task["data"]["text"] for task in tasks] == TEXTS
    for task in tasks:
        assert task.keys() == {"data", "predictions"}
        [prediction] = task["predictions"]
        assert prediction.keys() == {"model_version", "result"}
        assert prediction["model_version"] == str(output)
        for each in prediction["result"]:
            assert (each["from_name"], each["to_name"], each["type"]) == ("label", "text", "labels")
            value = each["value"]
            mention = in_utf16(task["data"]["text"], value["start"], value["end"])
            assert mention == value["text"]
    assert [each["score"] for each in tasks[0]["predictions"][0]["result"]] == SCORES
    found = [[each["value"]["text"] for each in t["predictions"][0]["result"]] for t in tasks]
    assert found == [["김철수", "서울역"], [], ["김철수", "서울역"]]
    assert tag.count == 3


def test_doccano_gets_a_line_for_each_line(tag):
    """Its labels count UTF-16, so an emoji moves them by two."""
    rows = [json.loads(line) for line in tag("doccano").splitlines()]
    assert [row["text"] for row in rows] == TEXTS
    assert [row["label"] for row in rows] == [SPANS, [], [[3, 6, "PER"], [8, 11, "LOC"]]]


def test_parquet_gets_a_row_for_each_line(tag):
    """Code points, as the job's own lines, and the score of each span beside them."""
    rows = read_parquet(io.BytesIO(tag("parquet"))).read_all()
    assert rows["text"].to_pylist() == TEXTS
    first = rows["spans"].to_pylist()[0]
    assert [list(span.values()) for span in first] == [
        [*span, score] for span, score in zip(SPANS, SCORES, strict=True)
    ]


@pytest.mark.parametrize("to", ["klue", "conll"])
def test_a_line_that_the_target_cannot_hold_stops_with_its_number(tag, tmp_path, to):
    """Lines in and lines out are as many, so none is left out; nothing is written."""
    with pytest.raises(DataError, match=r"in\.jsonl:2: .*cannot be written as"):
        tag(to, [SENTENCE, "가\n나"])
    assert not (tmp_path / "out.txt").exists()


def test_the_endings_mean_what_they_meant(tag):
    """Without --to JSON Lines or the tutorial's lines; one JSON document is for Label Studio."""
    assert tag(None, [SENTENCE]).decode() == f"{TAGGED}\n"
    assert tag(None, [SENTENCE], "out.conll").decode() == f"{TAGGED}\n"
    assert json.loads(tag(None, [SENTENCE], "out.jsonl"))["spans"] == SPANS
    with pytest.raises(ArgumentError, match="--to=label-studio"):
        tag(None, [SENTENCE], "out.json")
    assert len(json.loads(tag("label-studio", [SENTENCE], "out.json"))) == 1


def test_a_failure_while_parquet_is_written_stays_what_it_was():
    """Its library would turn the error of a line, or of a full disk, into one of its own."""

    def groups():
        yield []
        raise DataError("a line is damaged")

    with pytest.raises(DataError, match="a line is damaged"):
        PARQUET.put(io.BytesIO(), groups())
