"""One corpus in many shapes of JSON is read as the same sentences."""

import json

import pytest

from tests.support.parsing import parse

TEXTS = [
    ("😀 홍길동은 1998년 서울에 갔다", [(2, 5, "PS"), (7, 12, "DT"), (13, 15, "LC")]),
    ("부산은 넓다", [(0, 2, "LC")]),
    ("비가 왔다", []),
]


def spans_as(make):
    """For each text, its mentions as `make(text, start, end, type)` writes them."""
    return [(text, [make(text, *span) for span in spans]) for text, spans in TEXTS]


def utf16(text, index):
    return len(text[:index].encode("utf-16-le")) // 2


def label_studio(text, start, end, type_):
    value = {"start": utf16(text, start), "end": utf16(text, end), "labels": [type_]}
    return {"from_name": "l", "type": "labels", "value": value | {"text": text[start:end]}}


SHAPES = {
    "nested, inclusive": {
        "info": {
            "list": [
                {"문장": t, "taglist": [*m]}
                for t, m in spans_as(
                    lambda t, a, b, k: {
                        "Keyword": t[a:b],
                        "TagCode": k,
                        "startPos": a,
                        "endPos": b - 1,
                    }
                )
            ]
        }
    },
    "offset and length": [
        {"content": t, "entities": m}
        for t, m in spans_as(
            lambda t, a, b, k: {"offset": a, "length": b - a, "category": k, "text": t[a:b]}
        )
    ],
    "bytes": {
        "data": [
            {"sentence": t, "ne": m}
            for t, m in spans_as(
                lambda t, a, b, k: {
                    "form": t[a:b],
                    "label": k,
                    "begin": len(t[:a].encode()),
                    "end": len(t[:b].encode()),
                }
            )
        ]
    },
    "by type": [
        {"text": t, "label": {k: {t[a:b]: [[a, b - 1]]} for a, b, k in spans}} for t, spans in TEXTS
    ],
    "Label Studio": [
        {
            "id": i,
            "data": {"text": t},
            "annotations": [{"was_cancelled": False, "result": m}],
            "predictions": [{"result": [label_studio(t, 0, 1, "X")]}],
        }
        for i, (t, m) in enumerate(spans_as(label_studio))
    ],
    "spaCy": [[t, {"entities": m}] for t, m in spans_as(lambda t, a, b, k: [a, b, k])],
    "no offsets": [
        {"text": t, "entities": m}
        for t, m in spans_as(lambda t, a, b, k: {"word": t[a:b], "type": k})
    ],
    "nested values": {
        "examples": [
            {"text_snippet": {"content": t}, "annotations": m}
            for t, m in spans_as(
                lambda t, a, b, k: {
                    "display_name": k,
                    "text_extraction": {"text_segment": {"start_offset": a, "end_offset": b}},
                }
            )
        ]
    },
}


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_sentences_are_read_from_every_shape(shape, indent):
    """Whatever the keys, the nesting, the unit and the ends are."""
    data = json.dumps(SHAPES[shape], ensure_ascii=False, indent=indent).encode()
    parsed = parse(data, "f.json")
    assert [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences] == TEXTS
    assert not parsed.rejected


def test_annotators_that_differ_reject_their_task_unless_one_is_the_truth():
    """Equal answers are one; nothing is taken for the better of two."""
    text = "부산은 넓다"

    def task(*answers):
        return {
            "data": {"text": text},
            "annotations": [
                {"ground_truth": truth, "result": [label_studio(text, 0, end, "LC")]}
                for end, truth in answers
            ],
        }

    tasks = [
        task((2, False), (2, False)),
        task((2, False), (1, False)),
        task((1, False), (2, True)),
    ]
    parsed = parse(json.dumps(tasks).encode(), "f.json")
    assert [s.spans for s in parsed.sentences] == [((0, 2, "LC"),)] * 2
    assert [row.reason for row in parsed.rejected] == ["annotators disagree"]


def test_a_mention_without_offsets_that_fits_twice_is_rejected():
    """Neither of the two places is taken."""
    row = {"text": "서울과 서울", "entities": [{"word": "서울", "type": "LC"}]}
    parsed = parse(json.dumps([row]).encode(), "f.json")
    assert not parsed.sentences
    assert "more than once" in parsed.rejected[0].reason
