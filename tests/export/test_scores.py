"""The score of each entity, and the fields that go from JSON Lines to JSON Lines."""

import json
import math

import numpy as np
import pytest
import torch

from job.corpus import read_splits
from job.encoding.encoded import EncodedSplit
from job.encoding.spans import piece_spans
from job.errors import DataError
from job.export.scores import with_scores
from job.export.tagger import Tagger
from job.model.inference import Prediction, predict_pieces
from job.model.probe import probe_split
from job.settings import ConvertSettings
from tests.model.test_classifier import LAYOUT, network
from tests.support.tagged import SCORES, SENTENCE, SPANS
from tests.support.tiny import LABELS


def test_a_piece_has_the_softmax_of_its_label_without_the_special_ones():
    """However likely a special label is; and the label is the one that was decoded."""
    split = probe_split([9, 4], 120)
    net = network()
    bias = torch.linspace(0, 1.4, net.config.num_labels)
    bias[:4] = 50.0
    net.classifier.weight.data.zero_()
    net.classifier.bias.data.copy_(bias)
    predicted = predict_pieces(net, split, LAYOUT)
    scores = bias[4:].double().softmax(0).numpy()
    expected = scores[predicted.labels_P - 4]
    assert predicted.probability_P == pytest.approx(expected, abs=1e-6)


def test_a_score_is_the_mean_of_the_spans_own_pieces():
    """Of three pieces and of one; those outside and those of the next sentence count nothing."""
    empty = np.zeros(0, np.int64)
    split = EncodedSplit(
        *(empty,) * 5,
        np.array([0, 5, 7]),
        *(empty,) * 5,
        lost={},  # two sentences of 5 and 2
    )
    begin, inside = LABELS.begin_ids["PER"], LABELS.begin_ids["PER"] + len(LABELS.types)
    labels_P = np.array([4, begin, inside, inside, 4, begin, begin], np.int16)
    probability_P = np.array([0.1, 0.9, 0.6, 0.3, 0.2, 0.75, 0.5], np.float32)
    placed = [[(span, span) for span in each] for each in piece_spans(labels_P, split, LABELS)]
    scored = with_scores(placed, Prediction(labels_P, probability_P, 0.0), split)
    assert [[each.score for each in spans] for spans in scored] == [
        [pytest.approx(0.6)],
        [pytest.approx(0.75), pytest.approx(0.5)],
    ]


def test_each_entity_has_its_score_to_four_digits(run):
    """As many scores as spans, in their order."""
    written = json.loads(run(f"{SENTENCE}\n", out_name="out.jsonl"))
    assert written == {"text": SENTENCE, "spans": SPANS, "scores": SCORES}
    assert all(0 < score < 1 and round(score, 4) == score for score in SCORES)


def test_a_piece_is_scored_in_the_window_that_labels_it(output):
    """A long text has the scores of its parts, wherever windows begin."""
    tagger = Tagger.load(
        output / "model", {"facts": {"max sequence length": "16"}}, "cpu", None, None
    )
    short, long = tagger.tag(["김철수", "가 나 다 " * 10 + "김철수"])
    assert [each.type for each in long] == ["PER"]
    assert math.isclose(long[0].score, short[0].score, abs_tol=1e-5)


def test_the_fields_of_a_line_pass_through(run):
    """Unchanged and in their places; text, spans and scores are ours, and entities, which would
    say otherwise, are left out."""
    meta = {"page": 3, "tags": ["news"], "ratio": 0.125, "none": None, "text": "x"}
    line = {"id": "a-1", "spans": [[0, 1, "X"]], "text": SENTENCE, "entities": [1], "meta": meta}
    written = json.loads(run(json.dumps(line) + "\n", out_name="out.jsonl"))
    assert written == {
        "id": "a-1",
        "spans": SPANS,
        "text": SENTENCE,
        "meta": meta,
        "scores": SCORES,
    }
    assert list(written) == ["id", "spans", "text", "meta", "scores"]


def test_what_was_tagged_reads_back_as_a_corpus(run, tmp_path):
    """With scores and fields beside the spans."""
    lines = [{"text": SENTENCE, "id": number, "source": "news"} for number in range(3)]
    run("\n".join(map(json.dumps, lines)), "in.jsonl", "out.jsonl")
    splits = read_splits(str(tmp_path / "out.jsonl"), ConvertSettings(cache_dir=tmp_path))
    found = [[list(span) for span in sentence.spans] for sentence in splits["train"].sentences]
    assert found == [SPANS] * 3


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"sentence": "가", "id": 1}', r"text in \"text\" \(its keys: 'sentence', 'id'\)"),
        ("{}", "its keys: none"),
        ('{"text": ["가"]}', r'text in "text" but with \["가"\]; give one'),
        ('{"text": 5}', 'in "text" but with 5'),
        ('{"text": "가", "id": 1, "id": 2}', "has 'id' twice; leave one of them out"),
        ('{"text": "가", "meta": {"a": 1, "a": 2}}', "has 'a' twice"),
    ],
)
def test_json_without_a_text_is_an_error_and_nothing_is_written(run, tmp_path, line, says):
    """With the line and the keys that are there; what was there before stays."""
    (tmp_path / "out.jsonl").write_text("before")
    with pytest.raises(DataError, match=rf"in\.jsonl:2 .*{says}"):
        run('{"text": "a"}\n' + line, "in.jsonl", "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "before"


@pytest.mark.parametrize(
    ("content", "name", "is_labelled"),
    [
        (f"{SENTENCE}␞<김:PER>철\n" * 3, "in.txt", True),
        (f"{SENTENCE}␞{SENTENCE}\n", "in.txt", False),
        (f"{SENTENCE}\n", "in.txt", False),
        ('{"text": "a", "spans": [[0, 1, "X"]]}\n' * 3, "in.jsonl", True),
        ('{"text": "a", "spans": []}\n', "in.jsonl", False),
        ('{"text": "a", "label": "sports"}\n', "in.jsonl", False),
    ],
)
def test_a_labelled_file_says_once_that_evaluate_exists(run, caplog, content, name, is_labelled):
    """With the command; a file without labels says nothing."""
    with caplog.at_level("INFO"):
        run(content, name)
    told = [each.getMessage() for each in caplog.records if "evaluate" in each.getMessage()]
    assert len(told) == is_labelled
    assert all(f"{name}:1 is labelled" in each for each in told)
