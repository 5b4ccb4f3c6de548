"""Files as people have them, with a fault of the kind that would be learned without a word."""

import json
import unicodedata

import pytest

from job.corpus.formats.json_rows.offsets.convert import UNDECIDED
from job.errors import DataError
from job.export.text_io import read_texts
from tests.support.parsing import parse


def read(data, **fields):
    data = data.encode() if isinstance(data, str) else data
    return parse(data, "f.txt", lambda: None, fields)


def lines_of(*rows, indent=None):
    return "\n".join(json.dumps(row, ensure_ascii=False, indent=indent) for row in rows)


def reasons(parsed):
    return [(row.reason, row.line) for row in parsed.rejected]


HONG = {"text": "홍길동은 서울에 간다", "spans": [[0, 3, "PS"], [5, 7, "LC"]]}
TAGGED = {"tokens": ["홍길동", "은"]}


# JSON


@pytest.mark.parametrize("tokens", [5, "홍길동", {"홍길동": 1}, None, [5, "은"]])
def test_tokens_that_are_no_list_of_strings_are_rejected(tokens):
    """Whatever stands in their place, the other rows are read."""
    parsed = read(lines_of({"tokens": tokens, "ner_tags": ["B-PS", "O"]}, *[HONG] * 3))
    assert len(parsed.sentences) == 3
    assert [row.line for row in parsed.rejected] == [1]


def test_two_lists_of_tags_that_differ_are_rejected():
    """Taking the first would teach O; equal lists and parts of speech beside the tags are read."""
    tags, none, speech = ["B-PS", "O"], ["O", "O"], ["NNP", "JX"]
    parsed = read(
        lines_of(
            TAGGED | {"ner_tags": none, "labels": tags},
            TAGGED | {"ner_tags": tags, "labels": tags},
            TAGGED | {"ner_tags": tags, "tags": speech},
        )
    )
    assert reasons(parsed) == [("two lists of tags that differ", 1)]
    assert [s.spans for s in parsed.sentences] == [((0, 3, "PS"),)] * 2


def test_an_empty_list_of_tags_beside_a_filled_one_is_no_answer():
    """As with spans: the filled list is the answer, whichever of them has the first name."""
    parsed = read(lines_of(TAGGED | {"ner_tags": [], "labels": ["B-PS", "O"]}))
    assert parsed.sentences[0].spans == ((0, 3, "PS"),)


def test_offsets_of_a_composed_text_do_not_cut_a_decomposed_one():
    """Offsets counted in NFC beside a text in NFD fall between the letters of a syllable."""
    for text in ("홍길동은 갔다", "José는 갔다"):
        decomposed = unicodedata.normalize("NFD", text)
        end = text.index(" ") - 1
        good = len(unicodedata.normalize("NFD", text[:end]))
        cut = good - 1
        rows = [{"text": decomposed, "spans": [[0, e, "PS"]]} for e in (good, cut)]
        rows.append({"text": decomposed, "spans": [[cut, len(decomposed), "PS"]]})
        parsed = read(lines_of(*rows))
        assert [s.line for s in parsed.sentences] == [1]
        reason = "a span that begins or ends within a syllable"
        assert reasons(parsed) == [(reason, 2), (reason, 3)]
        assert f"offset {cut}" in parsed.rejected[0].detail


def test_inclusive_ends_without_mentions_are_told_by_spans_that_end_where_they_begin():
    """[2, 2] of `이 김` is nothing half-open: one of a hundred makes all of them unsure."""
    parsed = read(lines_of(*[HONG] * 29, {"text": "이 김", "spans": [[2, 2, "PS"]]}))
    assert not parsed.sentences
    undecided = [(UNDECIDED, line) for line in range(1, 30)]
    assert reasons(parsed) == [*undecided, ("a span outside its text", 30)]
    assert "inclusive" in parsed.rejected[0].detail


@pytest.mark.parametrize(
    "proof",
    [
        {"text": "김이", "spans": [[0, 2, "PS"]]},  # reaches the end of its text
        {"text": "김이다", "spans": [[0, 1, "PS"], [1, 2, "PS"]]},  # would overlap
    ],
)
def test_one_empty_span_does_not_unsettle_ends_that_are_half_open(proof):
    """Where inclusive ends cannot be meant, the empty span alone is rejected."""
    parsed = read(lines_of(HONG, HONG, proof, {"text": "이 김", "spans": [[2, 2, "PS"]]}))
    assert reasons(parsed) == [("a span outside its text", 4)]


def test_a_rare_empty_span_is_a_fault_of_its_row_alone():
    """One span of more than a hundred is chance, and says nothing of the others."""
    parsed = read(lines_of(*[HONG] * 60, {"text": "이 김", "spans": [[2, 2, "PS"]]}))
    assert reasons(parsed) == [("a span outside its text", 61)]


@pytest.mark.parametrize("count", [1, 2])
def test_rows_over_several_lines_are_read(count):
    """`jq .` without -c writes such files."""
    assert len(read(lines_of(*[HONG] * count, indent=2)).sentences) == count


def test_a_line_of_an_array_that_is_no_text_is_named():
    """A byte that is no UTF-8 is no reason to say that the sentences lie further inside."""
    data = json.dumps([HONG] * 2, ensure_ascii=False, indent=1).encode()
    with pytest.raises(DataError, match=r"f\.txt:3: not UTF-8"):
        read(data.replace("간다".encode(), b"\xff", 1))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ('{"text": "가", "spans": [], "score": NaN}', "NaN is no JSON"),
        ('[{"text": "가", "spans": [], "score": NaN}]', "NaN is no JSON"),
        ('[{"text": "가", "text": "나", "spans": []}]', "a key twice in one JSON object"),
    ],
)
def test_json_that_is_none_is_refused_with_what_is_wrong(data, says):
    """Also where Python's own reader takes it."""
    with pytest.raises(DataError, match=says):
        read(data)


def test_a_key_twice_is_said_of_its_row_also_where_there_is_no_other():
    """A file of one row is JSON Lines like any other."""
    assert reasons(read('{"text": "가", "text": "나", "spans": []}')) == [
        ("a key twice in one JSON object", 1)
    ]


@pytest.mark.parametrize(
    ("tokens", "says"),
    [
        (["##길", "##동", "##은"], "units are wordpieces, as `##길`"),
        (["▁홍길동", "▁은", "▁서울"], "units are wordpieces, as `▁서울`"),
        (["ko:홍길동", "ko:은", "ko:서울"], "every token begins with `ko:`"),
        (["홍길동/NNP", "은/JX", "서울/NNP"], "units carry their part of speech"),
        (["홍", "_", "은"], "`_` stands between the tokens and may be a blank"),
    ],
)
def test_tokens_that_do_not_spell_the_text_are_refused_as_in_columns(tokens, says):
    """They would be joined by blanks, signs and all; where the row has its text, that decides."""
    row = {"tokens": tokens, "ner_tags": ["B-PS", "O", "O"]}
    with pytest.raises(DataError, match=says) as refused:
        read(lines_of(*[row] * 3))
    assert "CORPUS_FIELDS" not in str(refused.value)
    assert read(lines_of(*[row | {"text": " ".join(tokens)}] * 3)).sentences


def test_offsets_that_can_be_places_among_the_tokens_are_not_taken_for_characters():
    """[2, 3] of `홍길동 은 서울` is `동` or `서울`; an end beyond the tokens tells."""
    row = {"text": "홍길동 은 서울", "tokens": ["홍길동", "은", "서울"]}
    of_tokens = row | {"spans": [[2, 3, "LC"]]}
    assert reasons(read(lines_of(of_tokens, of_tokens))) == [(UNDECIDED, 1), (UNDECIDED, 2)]
    of_characters = row | {"spans": [[6, 8, "LC"]]}
    assert len(read(lines_of(of_tokens, of_characters)).sentences) == 2
    named = row | {"spans": [{"start": 0, "end": 3, "label": "PS", "text": "홍길동"}]}
    assert read(lines_of(named)).sentences[0].spans == ((0, 3, "PS"),)
    prodigy = row | {"tokens": [{"text": "홍길동", "id": 0}], "spans": [[0, 1, "PS"]]}
    assert read(lines_of(prodigy)).sentences


# Columns

NUMBERED = "1\t홍길동\tB-PS\n2\t은\tO\n3\t갔다\tO\n\n"
JUMPS = "a row whose number does not go on from that before it"


@pytest.mark.parametrize("tag", ["B-PS|B-LC", "B-PS,B-LC", "B-PS;O", "PS_B|LC_I", "B-PS+I-LC"])
def test_several_tags_of_one_unit_are_no_type(tag):
    """Nested entities in one column would be learned as types of their own, such as `PS|B-LC`."""
    good = "홍길동\tPS_B\n은\tO\n\n" if tag[0] == "P" else "홍길동\tB-PS\n은\tO\n\n"
    parsed = read(f"{good * 3}서울\t{tag}\n은\tO\n\n")
    assert reasons(parsed) == [("several tags of one unit", 10)]
    assert tag in parsed.rejected[0].detail
    assert len(parsed.sentences) == 3


@pytest.mark.parametrize("type_", ["QT&DT", "R&D", "AT/B", "C++", "PS-B"])
def test_types_with_signs_stay_types(type_):
    """What looks like a second tag has a separator before it and a type behind it."""
    parsed = read(f"홍길동\tB-{type_}\n은\tO\n\n" * 3)
    assert {s.spans[0].type for s in parsed.sentences} == {type_}


def test_a_missing_row_is_told_by_the_numbers():
    """The word that is gone would be missing in the text, too; so with words of several rows."""
    parsed = read(NUMBERED * 5 + NUMBERED.replace("2\t은\tO\n", "") + NUMBERED)
    assert reasons(parsed) == [(JUMPS, 22)]
    assert [s.text for s in parsed.sentences] == ["홍길동 은 갔다"] * 6
    parsed = read(NUMBERED * 5 + NUMBERED.replace("1\t홍길동\tB-PS\n", "") + NUMBERED)
    assert reasons(parsed) == [(JUMPS, 21)]
    of_words = "1\t홍길동\tB-PS\n1\t은\tO\n2\t갔\tO\n2\t다\tO\n\n"
    broken = of_words.replace("2\t", "3\t")
    parsed = read(of_words * 25 + broken, text=2, tags=3)
    assert [s.text for s in parsed.sentences] == ["홍길동은 갔다"] * 25
    assert reasons(parsed) == [(JUMPS, 128)]


def test_numbers_that_start_at_zero_go_on_as_well():
    """Counting from 0 or from 1 is the file's way."""
    parsed = read("0\t홍길동\tB-PS\n1\t은\tO\n\n" * 4)
    assert not parsed.rejected


def test_a_missing_blank_line_is_told_by_numbers_that_start_again():
    """One of many is a fault of two sentences; where there are none at all the file is refused."""
    parsed = read(NUMBERED * 5 + NUMBERED.rstrip("\n") + "\n" + NUMBERED * 2)
    assert reasons(parsed) == [(JUMPS, 24)]
    assert [s.text for s in parsed.sentences] == ["홍길동 은 갔다"] * 6
    with pytest.raises(DataError, match="start again within a sentence, so blank lines are missi"):
        read(NUMBERED.replace("\n\n", "\n") * 5)


def test_a_unit_that_is_a_tag_itself_is_a_unit():
    """`I O` and `- O` are rows; tags without a text are refused."""
    assert read("I O\n- O\nLondon B-LC\n\n").sentences[0].text == "I - London"
    with pytest.raises(DataError, match="columns 1 and 3 hold different tags"):
        read("B-PS O O")


def test_what_is_no_tag_is_named():
    """A type without its letter, a letter without its type, and a zero for O look alike."""
    for tag in ("PER", "B", "0"):
        parsed = read("가\tO\n나\tB-PS\n\n" * 3 + f"다\t{tag}\n라\tO\n\n")
        assert f"`{tag}` is neither O nor BIO" in parsed.rejected[0].detail


def test_a_comment_that_is_the_text_rejects_units_that_differ():
    """Where the comments of most sentences are their text, one that is not has other units."""
    good = "# 홍길동은\n홍길동\tB-PS\n은\tO\n\n"
    parsed = read(good * 5 + good.replace("# 홍길동은", "# 김철수는") + good)
    assert reasons(parsed) == [("units differ from the sentence", 21)]
    assert [s.text for s in parsed.sentences] == ["홍길동은"] * 6


def test_a_comment_is_the_text_also_where_units_write_a_blank_as_a_sign():
    """The blank of the comment says what `_` is."""
    parsed = read("# 홍길동은 갔다\n홍길동은\tB-PS\n_\tO\n갔다\tO\n\n" * 4)
    assert [s.text for s in parsed.sentences] == ["홍길동은 갔다"] * 4
    assert "`_` a blank" in parsed.format


def test_hangul_does_not_decide_between_columns_that_both_hold_some():
    """A column of Latin letters alone is not the text of a Korean corpus; one of both may be."""
    rows = [("홍길동", "hong"), ("은", "eun"), ("갔다", "gatda"), ("서울", "seoul")]
    latin = "".join(f"{k}\t{e}\tB-PS\n" for k, e in rows) + "\n"
    assert "the text in column 1" in read(latin * 3).format
    with pytest.raises(DataError, match="columns 1 and 2 can each be the text"):
        read(latin * 3 + latin.replace("seoul", "서울"))


def test_a_sign_that_the_text_holds_is_no_blank_whatever_other_columns_say():
    """The comment has the `_`, so the `_` of the lemma says nothing."""
    rows = "# text = 변수 _ 값\n변수\t변수\tNNG\tB-X\n_\t_\tSW\tO\n값\t값\tNNG\tO\n\n"
    assert [s.text for s in read(rows * 4).sentences] == ["변수 _ 값"] * 4


def test_many_different_beginnings_are_no_prefix():
    """`ko:` and `en:` are languages; four and more are what the text says."""
    rows = "".join(f"{letter}:가\tB-X\n" for letter in "abcd") + "\n"
    assert read(rows * 2).sentences[0].text == "a:가 b:가 c:가 d:가"
    with pytest.raises(DataError, match="every unit begins with `a:` or `b:` or `c:`"):
        read(rows.replace("d:가", "a:가") * 2)


# What `predict` reads


def texts(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data.encode())
    with read_texts(str(path)) as found:
        return [(line.number, line.text) for line in found]


def test_json_nested_without_end_is_an_error_with_its_line(tmp_path):
    """Python gives up such nesting by another error than that of broken JSON."""
    deep = '{"text": "a", "x": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(DataError, match=r"in\.jsonl:2 is not a JSON object"):
        texts(tmp_path, "in.jsonl", f'{{"text": "a"}}\n{deep}\n')


def test_a_file_whose_lines_end_in_cr_alone_is_not_tagged_as_one_sentence(tmp_path):
    """The command that converts it is said; a carriage return within a line is text as before."""
    with pytest.raises(DataError, match=r"CR alone; run `tr"):
        texts(tmp_path, "in.txt", "홍길동은 갔다\r서울은 넓다\r")
    assert texts(tmp_path, "in.txt", "가\r\n나\r다\n") == [(1, "가"), (2, "나\r다")]
    assert texts(tmp_path, "in.txt", "가\r") == [(1, "가")]
