"""Character-exact labels: the tutorial's example, the real corpus, and any sentence at all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from job.encoding.labels import LabelMap
from job.encoding.spans import decode_spans, piece_spans, place_spans
from job.encoding.windows import encode, windows
from job.sentence import Sentence, Span

TEN = LabelMap(("PER", "NOH", "LOC", "ORG", "DAT", "TIM", "DUR", "MNY", "PNT", "POH"))


def encode_all(sentences, tokenizer, label_map=TEN, *, length=64, stride=16, truncate=False):
    return encode(
        sentences, tokenizer, label_map, max_seq_length=length, stride=stride, truncate=truncate
    )


def test_the_worked_example_comes_out_number_for_number(kcbert):
    """ids and labels are those of the tutorial's package."""
    text = "―효진 역의 김환희(14)가 특히 인상적이었다."
    spans = (Span(1, 3, "PER"), Span(7, 10, "PER"), Span(11, 13, "NOH"))
    split = encode_all([Sentence(text, spans)], kcbert)
    ids = "3476 4153 2270 4042 420 4185 4346 11 11524 12 197 9250 11662 8805 8217 17"
    assert split.ids_P.tolist() == [1, *map(int, ids.split())]
    # The tutorial labels [CLS] 0 and [SEP] 1; here no window scores them.
    assert split.labels_P.tolist() == [4, 5, 15, 4, 4, 5, 15, 15, 4, 6, 4, 4, 4, 4, 4, 4, 4]
    assert decode_spans(split.labels_P, split, TEN) == [spans]


def test_each_wordpiece_is_scored_where_it_sees_more_of_its_sentence():
    """The boundary lies in the middle of what two windows share."""
    found = windows(np.array([0, 3, 13]), capacity=6, stride=2, truncate=False)
    sentences, *bounds = found.T.tolist()
    assert sentences == [0, 1, 1]
    assert bounds == [[0, 3, 7], [3, 9, 13], [0, 3, 8], [3, 8, 13]]


def test_neighbouring_windows_share_half_at_most(kcbert):
    """A wider overlap would mean many more windows, or none that gets on."""
    text = Sentence("서울 " * 40)
    wide, half = (encode_all([text], kcbert, length=12, stride=stride) for stride in (16, 5))
    assert len(half.window_starts_W) == 7
    assert wide.window_starts_W.tolist() == half.window_starts_W.tolist()
    assert wide.score_ends_W.tolist() == half.score_ends_W.tolist()


def test_an_entity_behind_the_last_wordpiece_of_a_whole_sentence_is_not_truncated(kcbert):
    """A sign that the tokenizer drops has no wordpiece, and no cut has taken it."""
    split = encode_all([Sentence("서울\ufffd", (Span(0, 3, "LOC"),))], kcbert, truncate=True)
    assert split.ends_P.max() == 2
    assert split.lost["truncated"] == 0


def test_every_entity_of_the_real_corpus_decodes_or_is_counted_as_lost(kmou, kcbert):
    """On 23,709 sentences labels decode to the gold spans except where a wordpiece straddles."""
    for part in (kmou.train, kmou.val, kmou.test):
        label_map = LabelMap.from_sentences(kmou.train.sentences)
        split = encode_all(part.sentences, kcbert, label_map)
        decoded = decode_spans(split.labels_P, split, label_map)
        differing = sum(
            len(set(sentence.spans) - set(spans))
            for sentence, spans in zip(part.sentences, decoded, strict=True)
        )
        entities = sum(len(sentence.spans) for sentence in part.sentences)
        assert differing == sum(split.lost.values())
        assert 0 < differing < 0.16 * entities


AWKWARD = st.text(
    alphabet=st.sampled_from("가나다서울김민수 ab1.,<>:␞\u00ad\u200b\u3000\t\u1100\u1161́😀ㅋ[]"),
    min_size=1,
    max_size=40,
)


@pytest.mark.parametrize("kind", ["wordpiece", "sentencepiece", "byte-level"])
@given(text=AWKWARD, data=st.data())
def test_spans_on_wordpiece_bounds_come_back(tokenizers_by_kind, kind, text, data):
    """For any text and any non-overlapping spans on wordpiece bounds, nothing is changed."""
    tokenizer = tokenizers_by_kind[kind]
    bare = encode_all([Sentence(text)], tokenizer, length=16, stride=4)
    bounds = list(zip(bare.starts_P.tolist(), bare.ends_P.tolist(), strict=True))
    spans, at = [], 0
    while at < len(bounds):
        size = data.draw(st.integers(0, 3))
        start, end = bounds[at][0], bounds[min(at + size, len(bounds)) - 1][1]
        after = spans[-1].end if spans else 0
        follows = bounds[at + size][0] if at + size < len(bounds) else len(text)
        if size and start >= after and start < end <= follows and not text[start:end].isspace():
            spans.append(Span(start, end, data.draw(st.sampled_from(TEN.types))))
        at += max(size, 1)
    sentence = Sentence(text, tuple(spans))
    split = encode_all([sentence], tokenizer, length=16, stride=4)
    assert decode_spans(split.labels_P, split, TEN) == [sentence.spans]
    assert sum(split.lost.values()) == 0


def test_no_sentences_make_an_empty_split(tokenizers_by_kind):
    """A split of which nothing is left has no wordpiece, no window and no entity."""
    split = encode_all([], tokenizers_by_kind["wordpiece"])
    assert (split.sentence_count, len(split.ids_P), len(split.window_lengths_W)) == (0, 0, 0)
    assert decode_spans(split.labels_P, split, TEN) == []


@pytest.mark.parametrize(("length", "stride"), [(16, 4), (7, 16), (4, 1), (64, 0)])
def test_each_wordpiece_is_scored_once_and_seen_in_its_window(tokenizers_by_kind, length, stride):
    """Windows cover a long sentence; scored ranges tile it and lie inside their windows."""
    texts = ["", " ", "김", "김민수 " * 40, "서울에서 " * 7]
    split = encode_all(
        [Sentence(t) for t in texts], tokenizers_by_kind["wordpiece"], length=length, stride=stride
    )
    scored = np.concatenate(
        [np.arange(a, b) for a, b in zip(split.score_starts_W, split.score_ends_W, strict=True)]
    )
    assert scored.tolist() == list(range(len(split.ids_P)))
    assert (split.window_starts_W <= split.score_starts_W).all()
    assert (split.score_ends_W <= split.window_ends_W).all()
    assert split.window_lengths_W.max() <= length - 2
    assert (split.window_lengths_W > 0).all()


def test_truncation_counts_what_it_loses(tokenizers_by_kind):
    """LONG_SENTENCES=truncate keeps one window and counts the entities behind the cut."""
    text = "김민수 " * 40
    spans = tuple(Span(i, i + 3, "PER") for i in range(0, len(text), 4))
    tokenizer = tokenizers_by_kind["wordpiece"]
    split = encode_all([Sentence(text, spans)], tokenizer, length=16, truncate=True)
    assert len(split.window_starts_W) == 1
    whole = sum(s.end <= split.ends_P[split.window_ends_W[0] - 1] for s in spans)
    assert split.lost["truncated"] == len(spans) - whole > 30


def test_truncation_of_the_real_corpus_loses_what_was_measured_by_hand(kmou, kcbert):
    """At 64 wordpieces 2.7 % of the entities lie at or behind the cut: those that end after it."""
    sentences = [*kmou.train.sentences, *kmou.val.sentences, *kmou.test.sentences]
    split = encode_all(sentences, kcbert, truncate=True)
    behind = 0
    for text, spans in ((s.text, s.spans) for s in sentences):
        offsets = kcbert.backend_tokenizer.encode(text, add_special_tokens=False).offsets
        cut = offsets[61][1] if len(offsets) > 62 else len(text)
        behind += sum(span.end > cut for span in spans)
    assert split.lost["truncated"] == behind
    assert 0.02 < behind / sum(len(s.spans) for s in sentences) < 0.03


def test_an_entity_that_ends_inside_a_wordpiece_is_counted(kcbert):
    """A tag per wordpiece cannot return 서울 where the wordpiece is 서울대."""
    text = "서울대에 갔다"
    split = encode_all([Sentence(text, (Span(0, 2, "LOC"),))], kcbert)
    assert split.ends_P[0] > 2
    assert split.lost["ends_inside_wordpiece"] == 1
    assert decode_spans(split.labels_P, split, TEN)[0][0].end == split.ends_P[0]


def test_touching_entities_of_one_type_stay_apart(tokenizers_by_kind):
    """The second of two entities that touch begins with B-."""
    text = "김민수이순신"
    sentence = Sentence(text, (Span(0, 3, "PER"), Span(3, 6, "PER")))
    split = encode_all([sentence], tokenizers_by_kind["byte-level"])
    assert decode_spans(split.labels_P, split, TEN) == [sentence.spans]


def test_a_type_that_train_lacks_gets_no_tag_and_is_counted(tokenizers_by_kind):
    """An unseen type is evaluated as missed: its wordpieces are O."""
    sentence = Sentence("서울에서", (Span(0, 2, "NEW"),))
    split = encode_all([sentence], tokenizers_by_kind["wordpiece"])
    assert set(split.labels_P.tolist()) == {4}
    assert split.lost["unseen_type"] == 1


def test_decoding_is_strict(two_sentences, tokenizers_by_kind):
    """I- without its B- is O; I- of another type closes; a sentence's end closes."""
    split = encode_all(two_sentences, tokenizers_by_kind["byte-level"])
    labels = np.full(len(split.ids_P), 4, np.int16)
    second = split.sentence_starts[1]
    labels[0] = 15  # I-PER alone
    labels[2:5] = [5, 15, 16]  # B-PER I-PER I-NOH
    labels[second - 1 : second + 1] = [6, 16]  # B-NOH | I-NOH in the next sentence
    found = piece_spans(labels, split, TEN)
    assert found == [(Span(2, 4, "PER"), Span(second - 1, second, "NOH")), ()]


def test_wordpieces_of_one_character_make_one_entity_at_most(tokenizers_by_kind):
    """A character written with three bytes goes to the first entity; the next has what is left."""
    split = encode_all([Sentence("뷁뷁")], tokenizers_by_kind["byte-level"])
    assert split.starts_P.tolist() == [0, 0, 0, 1, 1, 1]
    labels = np.array([5, 6, 5, 15, 6, 16], np.int16)  # B-PER B-NOH B-PER | I-PER B-NOH I-NOH
    assert decode_spans(labels, split, TEN) == [(Span(0, 1, "PER"), Span(1, 2, "PER"))]
    assert [pieces for _, pieces in place_spans(labels, split, TEN)[0]] == [
        Span(0, 1, "PER"),
        Span(2, 4, "PER"),
    ]
