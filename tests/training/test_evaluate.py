"""What a run measures of its network, with the table of ends and without, and what it exports."""

import logging
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from job.batches import Layout
from job.encoding.encoded import SpecialTokens
from job.encoding.ends import EndTable
from job.encoding.windows import encode
from job.errors import IncompatibleError
from job.export.folder import export_model
from job.sentence import Sentence, Span
from job.training.evaluate import evaluate_splits
from job.training.output import proof
from job.training.output.proof import prove_same
from job.training.preparation import Prepared
from tests.support.tiny import LABELS, make_network, make_tokenizer

INSIDE = Sentence("서울역에 왔다", (Span(0, 2, "LOC"),))  # the network takes 서울역 for the place
WHOLE = Sentence("서울역에 왔다", (Span(0, 3, "LOC"),))
STATION = EndTable({"PER": {}, "LOC": {"역": 1}})


@pytest.fixture
def prepare(tmp_path):
    """A network that tags by a table, and splits of these sentences."""
    tokenizer = make_tokenizer(tmp_path / "tokenizer")

    def make(ends, **splits):
        return Prepared(
            LABELS,
            tokenizer,
            make_network(),
            {name: SimpleNamespace(sentences=sentences) for name, sentences in splits.items()},
            {
                name: encode(
                    sentences, tokenizer, LABELS, max_seq_length=12, stride=0, truncate=False
                )
                for name, sentences in splits.items()
            },
            Layout(SpecialTokens.of(tokenizer), row_length=12, packed=False),
            batch_size=1,
            plan=None,
            ends=ends,
        )

    return make


def test_val_is_measured_with_the_table_and_without(prepare, monkeypatch):
    """On exact characters; on wordpieces there are no ends."""
    monkeypatch.setattr(EndTable, "end", lambda table, text, start, end, type_: start)
    [val], ends = evaluate_splits(prepare(STATION, val=[INSIDE]))
    assert val.characters.micro.f1 == 1
    assert val.tags_alone.micro.f1 == 0
    assert val.wordpieces.micro.f1 == 0  # gold has one wordpiece, and two are tagged
    assert ends is STATION


def test_without_a_table_there_is_one_measurement(prepare):
    """ENTITY_ENDS=false, or no entity of train ends inside of a wordpiece."""
    [val], ends = evaluate_splits(prepare(None, val=[WHOLE]))
    assert val.characters.micro.f1 == 1
    assert val.tags_alone is ends is None


def test_a_table_that_lowers_the_f1_of_val_is_left_out_of_the_model(prepare, monkeypatch, caplog):
    """The results are those of the model as it is exported, test's too, and the log says so."""
    monkeypatch.setattr(EndTable, "end", lambda table, text, start, end, type_: start)
    with caplog.at_level(logging.WARNING):
        results, ends = evaluate_splits(prepare(STATION, val=[WHOLE], test=[WHOLE]))
    assert ends is None
    assert [result.characters.micro.f1 for result in results] == [1, 1]
    assert [result.tags_alone for result in results] == [None, None]
    assert "from 1.000 to 0.000" in caplog.text


def test_a_table_that_changes_nothing_in_val_stays(prepare, caplog):
    """Val speaks against it only where the F1 is lower."""
    [val], ends = evaluate_splits(prepare(EndTable({"PER": {}, "LOC": {"산": 1}}), val=[WHOLE]))
    assert val.tags_alone.micro.f1 == val.characters.micro.f1 == 1
    assert ends is not None
    assert not caplog.messages


@pytest.fixture
def export(tmp_path):
    """Exports a prepared network, proven as a run proves it."""

    def make(prepared, **facts):
        export_model(
            tmp_path / "model",
            model=prepared.network,
            tokenizer=prepared.tokenizer,
            label_map=LABELS,
            ends=prepared.ends,
            metrics={},
            trained={},
            facts={
                "max sequence length": "12",
                "window stride": "0",
                "long sentences": "window",
                "normalize": "off",
            }
            | facts,
            prove=lambda folder: prove_same(folder, prepared),
        )

    return make


def test_a_tagger_that_tags_as_the_job_is_exported(prepare, export, tmp_path):
    """Windows included."""
    export(prepare(STATION, val=[INSIDE, Sentence("서울역에 왔다 " * 9)]))
    assert (tmp_path / "model/tagger.py").is_file()


def test_a_tagger_that_tags_otherwise_is_refused(prepare, export, tmp_path, monkeypatch):
    """The sentence is shown, and the folder is no finished model."""
    prepared = prepare(STATION, val=[INSIDE])
    monkeypatch.setattr(EndTable, "end", lambda table, text, start, end, type_: start + 9)
    with pytest.raises(IncompatibleError, match=r"tagger.py finds .* in '서울역에 왔다'"):
        export(prepared)
    assert not (tmp_path / "model/MANIFEST.json").exists()


def test_the_longest_sentence_is_among_those_that_are_tried(prepare, export, monkeypatch):
    """Only there do windows matter."""
    monkeypatch.setattr(proof, "TAGGED_ALONE", 2)
    long = Sentence("서울 " * 30)
    prepared = prepare(None, val=[INSIDE, INSIDE, long, INSIDE, INSIDE])
    with pytest.raises(IncompatibleError, match="서울 서울"):
        export(prepared, **{"long sentences": "truncate"})


@pytest.mark.parametrize(("behind", "is_refused"), [(1e-4, False), (1e-2, True)])
def test_tags_that_are_as_likely_may_differ(prepare, export, monkeypatch, behind, is_refused):
    """Rows of another length round otherwise; tags that are clearly less likely are refused."""
    prepared = prepare(None, val=[INSIDE])
    begin, outside = LABELS.labels.index("B-LOC"), LABELS.labels.index("O")
    with torch.no_grad():
        prepared.network.classifier.weight.zero_()
        prepared.network.classifier.bias[[outside, begin]] = torch.tensor([0.5, 0.5 - behind])

    def first_begins(network, split, layout):
        labels_P = np.full(len(split.ids_P), outside)
        labels_P[0] = begin
        return labels_P, 0.0

    monkeypatch.setattr(proof, "predict_labels", first_begins)
    with pytest.raises(IncompatibleError) if is_refused else nullcontext():
        export(prepared)
