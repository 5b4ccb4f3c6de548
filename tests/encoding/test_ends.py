"""Where inside of its last wordpiece an entity ends, from what train has shown."""

import json
import unicodedata

import pytest
from tokenizers import Tokenizer, normalizers
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from job.encoding.clusters import cluster_starts
from job.encoding.ends import EndTable
from job.encoding.labels import LabelMap
from job.encoding.spans import decode_spans
from job.encoding.windows import encode
from job.errors import DataError
from job.evaluation.scores import score_spans
from job.sentence import Sentence, Span

PLACES = LabelMap(("LOC", "PER"))


def words_as_pieces(*words, composes=False):
    """A tokenizer whose wordpieces are whole words."""
    vocabulary = {word: i for i, word in enumerate(["[UNK]", "[PAD]", *dict.fromkeys(words)])}
    backend = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = WhitespaceSplit()
    if composes:
        backend.normalizer = normalizers.NFC()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", pad_token="[PAD]")


def marked(text):
    """A sentence of `<서울:LOC>에서 왔다`."""
    plain, spans = "", []
    for part in text.split("<"):
        if ":" in part:
            mention, _, rest = part.partition(":")
            type_, _, rest = rest.partition(">")
            spans.append(Span(len(plain), len(plain) + len(mention), type_))
            part = mention + rest
        plain += part
    return Sentence(plain, tuple(spans))


def encoded(sentences, tokenizer):
    return encode(sentences, tokenizer, PLACES, max_seq_length=16, stride=2, truncate=False)


def table_of(*texts):
    sentences = [marked(text) for text in texts]
    tokenizer = words_as_pieces(*(word for s in sentences for word in s.text.split()))
    return EndTable.from_split(sentences, encoded(sentences, tokenizer), PLACES)


def end_in(table, piece, type_="LOC"):
    return piece[: table.end(piece, 0, len(piece), type_)]


def test_a_piece_ends_as_it_did_most_often_in_train():
    """Twice before the particle, once behind it."""
    table = table_of("<서울:LOC>에서 왔다", "<서울:LOC>에서 갔다", "<서울에서:LOC> 왔다")
    assert end_in(table, "서울에서") == "서울"


def test_the_longest_known_ending_decides_for_a_piece_that_train_lacks():
    """`…에서` is two characters behind a place, `…서` by itself says nothing."""
    table = table_of("<서울:LOC>에서", "<부산:LOC>에서", "<강서:LOC>", "<성서:LOC>", "<화서:LOC>")
    assert end_in(table, "대구에서") == "대구"
    assert end_in(table, "양서") == "양서"


def test_a_long_piece_is_known_by_its_last_characters():
    """A name of any length may stand before the particle."""
    table = table_of("<서울:LOC>에서", "<부산:LOC>에서")
    assert end_in(table, "가나다라마바사아자차카타파하에서") == "가나다라마바사아자차카타파하"


def test_types_have_tables_of_their_own():
    """After a person `이` may belong to the name."""
    table = table_of("<서울:LOC>이", "<부산:LOC>이", "<순이:PER>", "<영이:PER>")
    assert end_in(table, "대전이", "LOC") == "대전"
    assert end_in(table, "길이", "PER") == "길이"


def test_one_character_of_a_piece_stays():
    """A piece that is shorter than what was behind the entities of its ending."""
    table = table_of("<서울:LOC>에서", "<부산:LOC>에서")
    assert end_in(table, "에서") == "에"


def test_decomposed_pieces_are_looked_up_composed_and_cut_between_characters():
    """`서울에서` in conjoining jamo ends behind the last jamo of 울."""
    table = table_of("<서울:LOC>에서", "<부산:LOC>에서")
    given = unicodedata.normalize("NFD", "서울에서")
    assert end_in(table, given) == unicodedata.normalize("NFD", "서울")


@pytest.mark.parametrize(
    "cluster",
    ["울", "\u110b\u116e\u11af", "\u1112\u119e\ud7cd", "e\u0301", "👍🏽", "👩\u200d👧"],
    ids=["syllable", "jamo", "old jamo", "mark", "skin", "joined"],
)
def test_what_a_reader_takes_for_one_character_is_one(cluster):
    """A table counts these, so that none is cut in two."""
    assert cluster_starts(f"{cluster}가{cluster}") == [0, len(cluster), len(cluster) + 1]


def test_a_corpus_in_which_pieces_hold_whole_entities_needs_no_table():
    """Every end is that of a wordpiece."""
    assert table_of("<서울:LOC> 에서", "<순이:PER> 가").is_empty
    assert not table_of("<서울:LOC>에서").is_empty


def test_of_two_entities_in_one_piece_the_first_has_tag_and_end():
    """The second cannot be said by one tag."""
    sentences = [marked("<서울:LOC><순이:PER>가"), marked("<부산:LOC><영이:PER>가")]
    tokenizer = words_as_pieces("서울순이가", "부산영이가")
    split = encoded(sentences, tokenizer)
    table = EndTable.from_split(sentences, split, PLACES)
    found = decode_spans(split.labels_P, split, PLACES, sentences, table)
    assert found == [(Span(0, 2, "LOC"),), (Span(0, 2, "LOC"),)]


def test_an_entity_in_the_middle_of_a_piece_teaches_no_end():
    """Its begin is lost to tags on wordpieces, and what is behind it is no ending of a name."""
    assert table_of("저<서울:LOC>에서", "이<부산:LOC>에서").is_empty


def test_unknown_characters_and_long_pieces_are_cut_as_they_are_written():
    """A piece is known by its text, whatever id the vocabulary gives it."""
    name = "가" * 38
    sentences = [marked(f"<{name}:LOC>에서"), marked(f"<{'나' * 25}:LOC>에서")]
    split = encoded(sentences, words_as_pieces("다"))
    table = EndTable.from_split(sentences, split, PLACES)
    found = decode_spans(split.labels_P, split, PLACES, sentences, table)
    assert found == [s.spans for s in sentences]


def test_a_span_with_a_blank_at_its_edge_keeps_its_piece_whole():
    """The blank lies in no wordpiece, so nothing of one is behind the end."""
    sentences = [Sentence("서울 왔다", (Span(0, 3, "LOC"),))]
    split = encoded(sentences, words_as_pieces("서울", "왔다"))
    assert EndTable.from_split(sentences, split, PLACES).is_empty


def written(form, before, name, after):
    """A sentence with one place, composed or decomposed."""
    before, name, after = (unicodedata.normalize(form, part) for part in (before, name, after))
    return Sentence(before + name + after, (Span(len(before), len(before + name), "LOC"),))


@pytest.mark.parametrize("form", ["NFD", "NFC"])
def test_a_composing_tokenizer_reaches_the_same_entities_in_decomposed_text(form):
    """A wordpiece ends where its last syllable does, not at the syllable's first jamo."""
    sentences = [written(form, "", "한국", ""), written(form, "나는 ", "서울", "에서 산다")]
    words = ("한국", "나는", "서울에서", "산다")
    split = encoded(sentences, words_as_pieces(*words, composes=True))
    assert split.ids_P.min() > 1  # every word is known
    table = EndTable.from_split(sentences, split, PLACES)
    found = decode_spans(split.labels_P, split, PLACES, sentences, table)
    gold = [sentence.spans for sentence in sentences]
    assert score_spans(gold, found, PLACES.types).micro.f1 == 1
    alone = decode_spans(split.labels_P, split, PLACES)
    assert score_spans(gold, alone, PLACES.types).micro.f1 == 0.5


def test_a_table_is_read_back_as_it_was_written():
    """And says the same of any piece."""
    table = table_of("<서울:LOC>에서", "<부산:LOC>에서", "<순이:PER>")
    assert EndTable.from_json(table.to_json(), "ends.json", PLACES) == table


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"format": 1}', '{"format": 1, "clusters": {"LOC": 3, "PER": {}}}'],
)
def test_a_damaged_table_is_refused(content):
    """By its name, with the remedy."""
    with pytest.raises(DataError, match=r"m/ends.json is no table of ends .*export the model"):
        EndTable.from_json(content, "m/ends.json", PLACES)


def test_the_table_of_another_model_is_refused():
    """Its types are not those of the labels, or its format is that of a later version."""
    other = json.dumps({"format": 1, "clusters": {"ORG": {}}})
    with pytest.raises(DataError, match=r"ends.json is the table of another model .*ORG"):
        EndTable.from_json(other, "ends.json", PLACES)
    later = json.dumps({"format": 2, "clusters": {"LOC": {}, "PER": {}}})
    with pytest.raises(DataError, match="another model"):
        EndTable.from_json(later, "ends.json", PLACES)
