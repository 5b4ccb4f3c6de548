"""Hugging Face folders that this job did not write: their labels by name, whatever their scheme."""

import json

import pytest
import torch
from transformers import BertForTokenClassification

from job.errors import ArgumentError, DataError
from job.export.tagger import Tagger
from job.model.named_tags import NamedTags
from tests.support.elsewhere import PIECES, write_model
from tests.support.tagged import SENTENCE, TAGGED
from tests.support.tiny import POSITIONS

IOB2 = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
BIOES = ("O", "B-PER", "I-PER", "E-PER", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC")


def spelled(labels, spelling):
    return [label if label == "O" else spelling(*label.split("-")) for label in labels]


@pytest.mark.parametrize(
    "spelling",
    [
        lambda letter, type_: f"{letter}-{type_}",
        lambda letter, type_: f"{letter}_{type_}",
        lambda letter, type_: f"{type_}-{letter}",
    ],
)
def test_iob2_in_any_spelling_tags_as_our_own_model(run, tmp_path, caplog, spelling):
    """It is said once that only tags count."""
    tags = dict(zip(PIECES, spelled(PIECES.values(), spelling), strict=True))
    folder = write_model(tmp_path / "model", spelled(IOB2, spelling), tags)
    with caplog.at_level("INFO"):
        assert run(f"{SENTENCE}\n", model=folder) == f"{TAGGED}\n"
    told = [each for each in caplog.messages if "tags by its labels alone" in each]
    assert len(told) == 1


def test_a_model_at_a_url_is_fetched(run, tmp_path, memory):
    """The same answers as in a folder."""
    folder = write_model(tmp_path / "model", IOB2, PIECES)
    for file in folder.iterdir():
        memory.pipe(f"/bucket/model/{file.name}", file.read_bytes())
    assert run(f"{SENTENCE}\n", model="memory://bucket/model") == f"{TAGGED}\n"


@pytest.mark.parametrize("last", ["E", "L"])
def test_bioes_and_bilou_end_and_stand_alone(run, tmp_path, last):
    """E and L go on with an entity; S and U are one, also beside another."""
    alone = {"E": "S", "L": "U"}[last]
    labels = [{"E": last, "S": alone}.get(name[0], name[0]) + name[1:] for name in BIOES]
    tags = {"김": "B-PER", "##철": "I-PER", "##수": f"{last}-PER", "서울": f"{alone}-LOC"}
    folder = write_model(tmp_path / "model", labels, tags)
    assert run("김철수은 서울 서울 가\n", model=folder) == (
        "김철수은 서울 서울 가␞<김철수:PER>은 <서울:LOC> <서울:LOC> 가\n"
    )


@pytest.mark.parametrize("prefix", ["I-", ""])
def test_in_io_neighbours_of_one_type_are_one_entity(run, tmp_path, prefix):
    """Of two types they are two; in the next line a new one begins."""
    labels = ("O", f"{prefix}PER", f"{prefix}LOC")
    tags = {piece: prefix + label[2:] for piece, label in PIECES.items()}
    folder = write_model(tmp_path / "model", labels, tags)
    text = "김철수 서울역 가\n김\n"
    assert run(text, model=folder) == (
        "김철수 서울역 가␞<김철수:PER> <서울역:LOC> 가\n김␞<김:PER>\n"
    )


def test_the_scores_of_labels_of_one_kind_are_added():
    """B and S are both a beginning: their probabilities together, and never a special label's."""
    head = NamedTags.of(("E-PER", "O", "S-PER", "[PAD]", "I-PER", "B-PER"))
    logits = torch.tensor([[[0.3, 1.0, 0.7, 9.0, -0.4, 0.2]]])
    scores = head.scores(logits, None)[0, 0]
    assert scores[:4].tolist() == [-torch.inf] * 4
    expected = [
        1.0,
        *(torch.tensor(pair).logsumexp(0).item() for pair in ([0.7, 0.2], [0.3, -0.4])),
    ]
    assert scores[4:].tolist() == pytest.approx(expected)


def test_a_score_of_io_is_that_of_its_one_label(run, tmp_path):
    """Neither halved nor doubled, though B and I stand for it."""
    folder = write_model(tmp_path / "model", ("O", "PER"), {"김": "PER", "##철": "PER"})
    written = json.loads(run("김철\n", out_name="out.jsonl", model=folder))
    assert written["spans"] == [[0, 2, "PER"]]
    assert written["scores"][0] > 0.9


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (("LABEL_0", "LABEL_1", "LABEL_2"), r"the labels LABEL_0, LABEL_1, LABEL_2 do not say"),
        (("O", "B-PER", "X"), r"the labels X do not say"),
        (("B-PER", "I-PER"), r"the labels B-PER, I-PER do not say"),
        (("O", "B-LOC", "I-LOC", "I-PER"), r"the type PER has I-PER but no B-PER"),
        (("O", "I-PER", "E-PER"), r"the type PER has E-PER and I-PER but no B-PER"),
    ],
)
def test_labels_that_do_not_say_what_is_an_entity_are_refused(run, tmp_path, labels, says):
    """By their names, with the file and the remedy, and nothing is tagged."""
    folder = write_model(tmp_path / "model", labels, {})
    with pytest.raises(ArgumentError, match=rf"model/config\.json: {says}"):
        run("가\n", model=folder)
    assert not (tmp_path / "out.txt").exists()


def test_a_folder_without_a_classifier_is_refused(run, tmp_path):
    """The weights of a language model alone would tag at random."""
    folder = write_model(tmp_path / "model", IOB2, PIECES)
    BertForTokenClassification.from_pretrained(folder).bert.save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["id2label"] = {str(i): label for i, label in enumerate(IOB2)}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match="weights are missing, classifier"):
        run("가\n", model=folder)


@pytest.mark.parametrize("positions", [POSITIONS, 300])
def test_its_windows_are_as_long_as_it_has_positions(run, tmp_path, positions):
    """A text longer than that is cut, and an entity at its end is found."""
    folder = write_model(tmp_path / "model", IOB2, PIECES, positions=positions)
    assert Tagger.load(folder, {}, "cpu", None, None).max_seq_length == positions
    text = "가 나 다 " * positions + "김철수"
    written = json.loads(run(f"{text}\n", out_name="out.jsonl", model=folder))
    assert written["spans"] == [[len(text) - 3, len(text), "PER"]]
