"""JSON as single tools and institutes write it, in the points in which each is alone."""

import json

import pytest

from job.errors import DataError
from tests.support.parsing import parse

TEXT = "😀 홍길동은 서울에서 살았다"
SPANS = [(2, 5, "PS"), (7, 9, "LC")]
MORPHEMES = [
    ("😀", 0),
    ("홍길동", 2),
    ("은", 5),
    ("서울", 7),
    ("에서", 9),
    ("살다", 12),
    ("았다", 13),
]


def read(value):
    """A document, or a list of rows."""
    return parse(json.dumps(value, ensure_ascii=False, indent=1).encode(), "f.json")


def spans(parsed):
    """Of the sentences that were read."""
    return [[tuple(span) for span in sentence.spans] for sentence in parsed.sentences]


def morphemes(first, width):
    """A sentence whose mentions are given by the numbers of their morphemes, both included."""
    units = [
        {"id": first + i, "lemma": lemma, "position": sum(map(width, TEXT[:start]))}
        for i, (lemma, start) in enumerate(MORPHEMES)
    ]
    entities = [
        {"text": "홍길동", "type": "PS", "begin": first + 1, "end": first + 1},
        {"text": "서울", "type": "LC", "begin": first + 3, "end": first + 3},
    ]
    return {"text": TEXT, "morp": units, "NE": entities}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(
    "width", [lambda sign: len(sign.encode()), lambda sign: 1], ids=["bytes", "characters"]
)
def test_mentions_by_numbers_of_morphemes(first, width):
    """Lemmas do not spell the text; their positions do, whatever these count."""
    parsed = read({"sentence": [morphemes(first, width)]})
    assert spans(parsed) == [SPANS]
    assert not parsed.rejected


def test_mentions_by_numbers_of_tokens():
    """[from, to) among the tokens, which the mentions prove; one that they do not is rejected."""
    row = {
        "text": "홍길동은 서울 시청에 갔다",
        "tokens": ["홍길동은", "서울", "시청에", "갔다"],
        "entities": [{"text": "서울 시청에", "label": "LC", "start": 1, "end": 3}],
    }
    wrong = {**row, "entities": [{"text": "서울 시청에", "label": "LC", "start": 0, "end": 2}]}
    parsed = read([row, row, wrong])
    assert spans(parsed) == [[(5, 11, "LC")]] * 2
    assert len(parsed.rejected) == 1


def test_tokens_that_leave_out_a_part_of_the_text_place_nothing():
    """Their numbers may be those of another text."""
    row = {
        "text": "홍길동은 서울 시청에 갔다",
        "tokens": ["홍길동은", "서울", "시청에"],
        "entities": [{"text": "서울 시청에", "label": "LC", "start": 1, "end": 3}],
    }
    parsed = read([row, row])
    assert not parsed.sentences
    assert len(parsed.rejected) == 2


def label_studio_min(answers):
    """Rows of one task each, of (task, end of the mention, whether it is the ground truth)."""
    return [
        {
            "id": task,
            "text": "서울은 넓다",
            "label": [{"start": 0, "end": end, "text": "서울은"[:end], "labels": ["LC"]}],
            "annotator": i,
            "annotation_id": i,
            "ground_truth": truth,
            "lead_time": 1.5,
        }
        for i, (task, end, truth) in enumerate(answers)
    ]


def test_several_answers_to_one_task_are_one_or_none():
    """Equal ones are one, the ground truth wins, else the task is rejected; all are counted."""
    answers = [(1, 2, False), (1, 2, False), (2, 2, False), (2, 3, False), (3, 3, False)]
    parsed = read(label_studio_min([*answers, (3, 2, True), (4, 2, False)]))
    assert spans(parsed) == [[(0, 2, "LC")]] * 3
    assert [row.reason for row in parsed.rejected] == ["annotators disagree"]
    assert any("equal to another of the same task" in note for note in parsed.notes)


def test_a_span_with_two_labels_is_rejected():
    """Neither of them is taken."""
    rows = label_studio_min([(1, 2, False), (2, 2, False)])
    rows[1]["label"][0]["labels"] = ["LC", "OG"]
    parsed = read(rows)
    assert spans(parsed) == [[(0, 2, "LC")]]
    assert [row.reason for row in parsed.rejected] == ["a span with several labels"]


def test_mentions_with_and_without_offsets_in_one_row_are_rejected():
    """One of them may have lost its place, or the other be of another text."""
    good = {
        "text": "서울은 넓다",
        "entities": [{"start": 0, "end": 2, "type": "LC", "text": "서울"}],
    }
    mixed = {"text": "서울은 넓다", "entities": [*good["entities"], {"type": "XX", "text": "넓다"}]}
    parsed = read([good, good, mixed])
    assert spans(parsed) == [[(0, 2, "LC")]] * 2
    assert len(parsed.rejected) == 1


def test_two_strings_that_can_both_be_the_text_are_refused_by_their_keys():
    """Each holds every mention, and neither name says more than the other."""
    row = {"alpha": "서울은 넓다", "beta": "서울은 좁다", "entities": [["서울", "LC"]]}
    row["entities"] = [{"start": 0, "end": 2, "type": "LC", "word": "서울"}]
    with pytest.raises(DataError, match="`alpha` and `beta` can each be the text"):
        read([row] * 3)


def test_a_decoded_word_may_have_lost_its_blanks():
    """As a tagging pipeline gives it; another word at the place is rejected."""

    def row(word):
        entity = {"entity_group": "LC", "score": 0.9, "word": word, "start": 0, "end": 5}
        return {"text": "서울 시청에서", "entities": [entity]}

    parsed = read([row("서울시청"), row("서울 시청"), row("부산시청")])
    assert spans(parsed) == [[(0, 5, "LC")]] * 2
    assert len(parsed.rejected) == 1


@pytest.mark.parametrize(
    "extra",
    [{"Comments": []}, {"relations": [], "Comments": []}],
    ids=["labels", "relations"],
)
def test_doccano_counts_as_a_browser_does(extra):
    """Nothing in its rows proves that; its own keys do."""
    if "relations" in extra:
        given = {"entities": [{"id": 1, "label": "LC", "start_offset": 3, "end_offset": 5}]}
    else:
        given = {"label": [[3, 5, "LC"]]}
    parsed = read([{"id": 1, "text": "😀 서울", **given, **extra}])
    assert spans(parsed) == [[(2, 4, "LC")]]
    assert "UTF-16" in parsed.format


def test_a_document_is_named_by_its_own_id():
    """By it a validation split is held out."""
    sentences = [
        {"form": "서울은 넓다", "NE": [{"form": "서울", "label": "LC", "begin": 0, "end": 2}]}
    ]
    parsed = read(
        {"document": [{"id": "a.1", "sentence": sentences}, {"id": "a.2", "sentence": []}]}
    )
    assert [sentence.document for sentence in parsed.sentences] == ["a.1"]


def test_a_coarser_class_beside_the_type_is_not_the_type():
    """Where two keys can be the type, the one that tells more apart is."""

    def mention(word, start, code):
        return {"TagText": word, "Tagclass": "O", "TagCode": code, "startPos": start, "endPos": 8}

    rows = [
        {
            "sentence": "홍길동은 서울에 갔다",
            "annotations": [
                {**mention("홍길동", 0, "PS"), "endPos": 2},
                {**mention("서울", 5, "LC"), "endPos": 6},
            ],
        }
    ]
    assert spans(read({"docs": rows * 3})) == [[(0, 3, "PS"), (5, 7, "LC")]] * 3


@pytest.mark.parametrize(
    "damage",
    [{"start": True}, {"end": 2.0}, {"end": "2"}, {"type": 7}, {"text": 5}, {"text": "\0"}],
)
def test_a_mention_of_other_values_than_the_usual_is_rejected(damage):
    """Behind many that are as they should be: numbers that are none place nothing."""
    mention = {"start": 0, "end": 2, "type": "LC", "text": "서울"}
    rows = [{"text": "서울은 넓다", "entities": [mention]} for _ in range(30)]
    rows[20] = {"text": "서울은 넓다", "entities": [mention | damage]}
    parsed = read(rows)
    assert len(parsed.sentences) == 29
    assert len(parsed.rejected) == 1
