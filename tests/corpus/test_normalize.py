"""NORMALIZE=nfc: composed text with exact offsets, there and back."""

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from job.corpus.normalize import REASON, compose, compose_parsed, compose_sentence
from job.export.folder import export_model
from job.predict import predict
from job.sentence import Sentence, Span
from tests.support.parsing import parse
from tests.support.runs import World, line
from tests.support.tiny import LABELS, make_network, make_tokenizer

JAMO = [chr(c) for c in (0x1100, 0x1112, 0x1161, 0x1175, 0x11A8, 0x11C2, 0xA960, 0xD7B0, 0xD7CB)]
MARKS = ["\u0301", "\u0323", "\u0344", "\u3099", "\u09be", "\u09c7", "\u0f71", "\u1100"]
PIECES = [
    "가",
    "각",
    "é",
    "q",
    "ㄱ",
    "ㅏ",
    " ",
    "\u212b",
    "\u2126",
    "\u0958",
    "\U0001d15f",
    "\ufb1d",
]
TEXTS = st.text(st.one_of(st.sampled_from(JAMO + MARKS + PIECES), st.characters(codec="utf-8")))


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@given(TEXTS)
@example("e\u0323\u0301")
@example("\u1100\u1161\u11a8\u11a8")
def test_the_text_is_that_of_the_standard(text):
    """Cluster by cluster gives what NFC gives of the whole text."""
    assert compose(text).text == unicodedata.normalize("NFC", text)


@given(TEXTS)
def test_every_character_knows_where_it_stood(text):
    """What a composed character came from composes to it; the runs cover the text in order."""
    composed = compose(text)
    if composed.starts is None:
        assert composed.text == text
        return
    runs = sorted(set(zip(composed.starts, composed.ends, strict=True)))
    assert "".join(text[a:b] for a, b in runs) == text
    for start, end in runs:
        made = [
            character
            for place, character in enumerate(composed.text)
            if (composed.starts[place], composed.ends[place]) == (start, end)
        ]
        assert unicodedata.normalize("NFC", text[start:end]) == "".join(made)


@given(st.lists(st.sampled_from(["한국", "서울역", "é", "ㄱㄴ", "a", "\u3165", " "]), min_size=1))
def test_spans_of_nfd_text_are_those_of_the_composed_text(words):
    """An entity for each word: composed they are the same words, and given back, the same spans."""
    spans, text = [], ""
    for word in words:
        spans.append(Span(len(text), len(text) + len(nfd(word)), "T"))
        text += nfd(word)
    sentence = compose_sentence(Sentence(text, tuple(spans), 3))
    assert [sentence.text[s.start : s.end] for s in sentence.spans] == words
    assert compose(text).given(sentence.spans) == tuple(spans)
    assert sentence.line == 3


def test_composed_text_and_compatibility_jamo_stay_as_they_are():
    """Text in NFC is handed through, the very same; compatibility jamo (`ㄱㅏ`) never compose."""
    sentence = Sentence("김철은 ㄱㅏ나 ㅋㅋ café", (Span(0, 2, "PER"),))
    assert compose_sentence(sentence) is sentence
    assert compose("ㄱㅏ").starts is None


@pytest.mark.parametrize("span", [(1, 3), (0, 1), (0, 2)])
def test_a_bound_inside_of_a_character_is_rejected(span):
    """`각` as three jamo: a span that takes a part of them is rejected, by reason and line."""
    text = nfd("각")
    assert compose_sentence(Sentence(text, (Span(*span, "T"),))) is None
    parsed = parse(f"{nfd('서울')}␞<{nfd('서울')}:LOC>\n".encode(), "train.txt")
    odd = Sentence(text, (Span(*span, "T"),), 7)
    composed = compose_parsed(type(parsed)(**{**vars(parsed), "sentences": (odd,)}))
    assert [(r.reason, r.line) for r in composed.rejected] == [(REASON, 7)]


def test_spans_inside_of_one_cluster_do_not_overlap_in_the_text_given():
    """Marks out of order are reordered together: two spans of such a run become one."""
    text = "q\u0301\u0323"
    composed = compose(text)
    assert len(composed.text) == 3
    assert composed.given([Span(0, 1, "A"), Span(1, 3, "B")]) == (Span(0, 3, "A"),)


@pytest.fixture
def model(tmp_path):
    def make(**facts):
        export_model(
            tmp_path / "model",
            model=make_network(),
            tokenizer=make_tokenizer(tmp_path / "tokenizer"),
            label_map=LABELS,
            ends=None,
            metrics={},
            trained={},
            facts={"max sequence length": "16"} | facts,
            prove=lambda folder: None,
        )
        return tmp_path

    return make


def tag(folder, text):
    (folder / "in.txt").write_text(text + "\n", "utf-8")
    predict(str(folder), str(folder / "in.txt"), str(folder / "out.jsonl"), cache_dir=folder / "c")
    return json.loads((folder / "out.jsonl").read_text("utf-8"))


def test_predict_answers_in_the_offsets_of_the_text_given(model):
    """A model with the entry reads NFD as NFC, and its spans are those of the NFD text."""
    text = nfd("김철수은 서울역에서 만났다!")
    found = tag(model(normalize="nfc"), text)
    assert found["text"] == text
    mentions = [(unicodedata.normalize("NFC", text[a:b]), t) for a, b, t in found["spans"]]
    assert mentions == [("김철수", "PER"), ("서울역", "LOC")]


@pytest.mark.parametrize("facts", [{}, {"normalize": "off"}])
def test_a_model_without_the_entry_reads_text_as_it_is(model, facts):
    """Manifests of earlier versions do not say: nothing is composed."""
    assert tag(model(**facts), nfd("김철수은 서울역에서 만났다!"))["spans"] == []


@pytest.fixture
def decomposed(tmp_path):
    """The small world with a corpus as macOS writes it."""
    world = World(tmp_path)
    for split, numbers in (("train", range(90)), ("val", range(90, 120))):
        world.write(split, [nfd(line(n)) for n in numbers])
    return world


def test_decomposed_text_is_refused_and_composed_it_trains(decomposed, capsys):
    """65 with the remedy; with it a run learns what it learns of NFC, and its model says so."""
    code, log = decomposed.run(capsys, "refused")
    assert code == 65, log
    assert "set NORMALIZE=nfc" in log
    code, log = decomposed.run(capsys, normalize="nfc")
    assert code == 0, log
    assert "NORMALIZE=nfc composed the text of 90 sentences" in log
    model = decomposed.folder / "out" / "model"
    assert json.loads((model / "MANIFEST.json").read_text())["facts"]["normalize"] == "nfc"
    code, log = World(decomposed.folder / "composed").run(capsys, output="out")
    assert code == 0, log
    others = decomposed.folder / "composed" / "out" / "model"
    weights = "model.safetensors"
    assert (model / weights).read_bytes() == (others / weights).read_bytes()
    text = nfd("김철수은 서울역에서 만났다!")
    found, plain = tag(model, text), tag(others, unicodedata.normalize("NFC", text))
    assert [unicodedata.normalize("NFC", text[a:b]) for a, b, _ in found["spans"]] == [
        plain["text"][a:b] for a, b, _ in plain["spans"]
    ]
    assert found["spans"]
