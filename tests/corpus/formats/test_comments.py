"""Comment lines carry the text of columns; where it is marked up, the markup decides."""

import pytest

from job.corpus.formats.columns import table
from job.corpus.writers.columns import KLUE
from tests.support.parsing import parse


def read(content):
    return parse(content.encode(), "f.tsv")


def mentions(parsed):
    return [[(s.text[a:b], type_) for a, b, type_ in s.spans] for s in parsed.sentences]


HCLT = (
    "; 홍길동은 대전에서 만났다\n$<홍길동:PS>은 <대전:LC>에서 만났다\n"
    "1\t홍길동\tNNP\tB_PS\n1\t은\tJX\tO\n2\t대전\tNNP\tB_LC\n2\t에서\tJKB\tO\n"
    "3\t만나\tVV\tO\n3\t았\tEP\tO\n3\t다\tEF\tO\n\n"
)
KMOU = (
    "## 1\n## 홍 길동은 대전에서 만났다.\n## <홍 길동:PS>은 <대전:LC>에서 만났다.\n"
    "홍\t홍\tNNP\tB-PS\n_\t_\t_\tI-PS\n길동\t길동\tNNP\tI-PS\n은\t은\tJX\tO\n_\t_\t_\tO\n"
    "대전\t대전\tNNP\tB-LC\n에서\t에서\tJKB\tO\n_\t_\t_\tO\n만났\t만나+았\tVV+EP\tO\n"
    "다\t다\tEF\tO\n.\t.\tSF\tO\n\n"
)
CONLLU = "# sent_id = 1\n# text = <홍길동:PS>은 왔다\n1\t홍길동\tB-PS\n2\t은\tO\n3\t왔다\tO\n\n"


@pytest.mark.parametrize(
    ("block", "text", "found"),
    [
        (HCLT, "홍길동은 대전에서 만났다", [("홍길동", "PS"), ("대전", "LC")]),
        (KMOU, "홍 길동은 대전에서 만났다.", [("홍 길동", "PS"), ("대전", "LC")]),
        (
            KMOU.replace("## 1\n", ""),
            "홍 길동은 대전에서 만났다.",
            [("홍 길동", "PS"), ("대전", "LC")],
        ),
        (CONLLU, "홍길동은 왔다", [("홍길동", "PS")]),
        (
            HCLT.replace("\n\n", "\n"),
            "홍길동은 대전에서 만났다",
            [("홍길동", "PS"), ("대전", "LC")],
        ),
        (
            KMOU.replace("\n\n", "\n"),
            "홍 길동은 대전에서 만났다.",
            [("홍 길동", "PS"), ("대전", "LC")],
        ),
    ],
)
def test_marked_text_beside_columns_decides(block, text, found):
    """The units (morphemes, a column of which spells the text or none) say the same."""
    parsed = read(block * 4)
    assert not parsed.rejected
    assert [sentence.text for sentence in parsed.sentences] == [text] * 4
    assert mentions(parsed) == [found] * 4
    assert "from the comment lines" in parsed.format


@pytest.mark.parametrize("block", [HCLT, KMOU, CONLLU])
def test_columns_of_many_values_are_read_as_those_of_few(block, monkeypatch):
    """Their values come from the rows each time, and say the same of the columns."""
    expected = read(block * 4)
    monkeypatch.setattr(table, "FEW", 0)
    parsed = read(block * 4)
    assert (parsed.format, parsed.sentences) == (expected.format, expected.sentences)


DISAGREE = "units and markup give other entities"


@pytest.mark.parametrize(
    ("block", "old", "new", "reason"),
    [
        (HCLT, "<대전:LC>", "<대전:OG>", DISAGREE),
        (HCLT, "<대전:LC>", "대전", DISAGREE),
        (HCLT, "B_LC", "O", DISAGREE),
        (HCLT, "$<홍길동:PS>", "$홍길동", DISAGREE),
        (HCLT, "$<홍길동:PS>은", "$<홍길동:PS>도", "tagged text differs from the sentence"),
        (HCLT, "$<홍길동:PS>", "$<홍길동:PS", "broken markup"),
        (HCLT, "$<홍길동:PS>은 <대전:LC>에서 만났다\n", "", "no comment line carries the text"),
        (HCLT, "; 홍길동은 대전에서 만났다\n", "", "a unit without a tag"),
        (KMOU, "<홍 길동:PS>은", "<홍 길동은:PS>", DISAGREE),
        (KMOU, "길동\tNNP\tI-PS", "길동\tNNP\tO", DISAGREE),
        (KMOU, "<대전:LC>", "<대전:OG>", DISAGREE),
        (CONLLU, "<홍길동:PS>", "홍길동", DISAGREE),
        (CONLLU, "B-PS", "B-LC", DISAGREE),
        (CONLLU, "왔다\tO", "갔다\tO", "units differ from the sentence"),
    ],
)
def test_a_sentence_whose_units_and_markup_disagree_is_rejected(block, old, new, reason):
    """The very entities are held together where the units spell the text, else their types."""
    assert block.count(old) == 1
    parsed = read(block * 9 + block.replace(old, new) + block * 9)
    assert [row.reason for row in parsed.rejected] == [reason]
    assert len(parsed.sentences) == 18


def test_markup_that_can_be_read_in_two_ways_is_read_as_the_units_say():
    """`<<레이:PS>>` marks `레이` between brackets, or `<레이`: only the units can tell."""
    rows = "<\t{}\n레\t{}\n이\tI-PS\n>\tO\n\n"
    marked = "## 1\t<<레이:PS>>\n"
    assert mentions(read(marked + rows.format("O", "B-PS"))) == [[("레이", "PS")]]
    assert mentions(read(marked + rows.format("B-PS", "I-PS"))) == [[("<레이", "PS")]]
    assert read(marked + rows.format("O", "O").replace("I-PS", "O")).rejected


def test_what_a_blank_line_cuts_off_is_no_sentence():
    """Where most sentences carry their text, one that carries none is the rest of another."""
    for block, cut in ((KMOU, "대전\t대전"), (HCLT, "2\t대전"), (CONLLU, "3\t왔다")):
        broken = block.replace(cut, "\n" + cut)
        parsed = read(block * 9 + broken + block * 9)
        assert len(parsed.sentences) == 18
        assert len(parsed.rejected) == 2
        assert parsed.rejected[1].reason == "no comment line carries the text"


def test_units_with_spaces_of_their_own_must_have_those_of_the_comment():
    """Where the units have a space and the comment has none, the sentence is rejected."""
    rows = "가\tB-PS\n \tI-PS\n나\tI-PS\n다\tO\n\n"
    parsed = read(f"## 1\t<가 나:PS>다\n{rows}" * 2 + f"## 1\t<가나:PS> 다\n{rows}")
    assert [row.reason for row in parsed.rejected] == ["units differ from the sentence"]
    assert len(parsed.sentences) == 2


def test_more_comments_than_number_text_and_markup_are_no_pair():
    """Of four lines the one that the units spell is the text, and the last is no markup."""
    comments = "## 1\n## 출처 뉴스\n## 홍길동은 왔다\n## 검수 완료\n"
    parsed = read((comments + "홍길동\tB-PS\n은\tO\n왔다\tO\n\n") * 4)
    assert not parsed.rejected
    assert [sentence.text for sentence in parsed.sentences] == ["홍길동은 왔다"] * 4
    assert mentions(parsed) == [[("홍길동", "PS")]] * 4


def test_a_dollar_is_markup_below_a_semicolon_alone():
    """Elsewhere it is a unit, of which the tag is missing."""
    good = "# sent_id = 1\n홍길동\tB-PS\n$\tO\n왔다\tO\n\n"
    parsed = read(good * 9 + "# sent_id = 2\n$\n홍길동\tB-PS\n왔다\tO\n\n")
    assert [(row.reason, row.line) for row in parsed.rejected] == [("a unit without a tag", 47)]
    assert len(parsed.sentences) == 9


def test_a_sentence_of_klue_s_may_begin_like_a_tag():
    """`## id<TAB>B-1B …` is its comment, and no unit `##` with the tag `B-1B …`."""
    text = "B-1B 폭격기는 왔다"
    tags = ["B-AF", *["I-AF"] * 3, *["O"] * (len(text) - 4)]
    rows = "".join(f"{unit}\t{tag}\n" for unit, tag in zip(text, tags, strict=True))
    other = "## 1\t가다\n가\tB-PS\n다\tO\n\n"
    parsed = read(other * 9 + f"## 2\t{text}\n{rows}\n")
    assert not parsed.rejected
    assert parsed.sentences[-1].text == text
    assert mentions(parsed)[-1] == [("B-1B", "AF")]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_kmou_as_klue_s_columns_is_read_with_the_same_sentences(real_data, split):
    """Each text and each entity, to the last bit."""
    data = (real_data / f"kmou/{split}.txt").read_bytes()
    sentences = parse(data, f"{split}.txt").sentences
    parsed = parse("".join(str(KLUE.say(each, "")) for each in sentences).encode(), f"{split}.tsv")
    assert not parsed.rejected
    expected = [(each.text, each.spans) for each in sentences]
    assert [(each.text, each.spans) for each in parsed.sentences] == expected


def test_a_few_remarks_above_sentences_are_no_texts():
    """Two happen to spell theirs; the third speaks against no sentence."""
    remarks = ["# 가 나\n", "# 가 나\n", "# 다시 볼 것\n", *[""] * 9]
    parsed = read("".join(f"{remark}가\tB-PS\n나\tO\n\n" for remark in remarks))
    assert len(parsed.sentences) == 12
    assert not parsed.rejected
    assert "3 comment lines were left out" in "; ".join(parsed.notes)


def test_a_remark_where_comments_are_the_texts_rejects_its_sentence():
    """It is shown: it may be the text of other units."""
    rows = "가\tB-PS\n나\tO\n\n"
    parsed = read(f"# 가 나\n{rows}" * 9 + f"# 가 다\n{rows}")
    assert len(parsed.sentences) == 9
    [rejected] = parsed.rejected
    assert (rejected.reason, rejected.line) == ("units differ from the sentence", 37)
    assert rejected.detail == "`가 다`"
