"""CoNLL-U beside plain columns, and types without B or I."""

import pytest

from job.errors import DataError
from tests.support.parsing import parse

BETWEEN = "\t_\tNOUN\t_\t_\t0\troot\t_\t"


def row(id_, form, misc):
    return f"{id_}\t{form}{BETWEEN}{misc}\n"


def read(rows, **fields):
    parsed = parse(rows.encode(), "f.conllu", fields=fields)
    return parsed, [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences]


def test_misc_has_the_tags_and_the_spaces():
    """A row without the key is outside; without `# text`, SpaceAfter=No says where blanks are."""
    rows = row(1, "홍길동", "NER=B-PS|SpaceAfter=No") + row(2, "은", "_") + row(3, "감", "NER=O")
    assert read(f"{rows}\n")[1] == [("홍길동은 감", [(0, 3, "PS")])]
    parsed, _ = read(f"# text = 홍길동 은 감!\n{rows}\n# text = 홍길동은 감\n{rows}\n")
    assert [r.line for r in parsed.rejected] == [1]


def test_ranges_spell_the_text_and_nodes_without_a_word_do_not():
    """Words that do not spell their range lend it their tag, where all have the same."""
    whole = (
        row("1-2", "갔다", "SpaceAfter=No") + row(1, "가", "NER=B-X") + row(2, "었다", "NER=I-X")
    )
    empty = row("2.1", "없음", "_") + row(3, "서울", "NER=B-LC")
    half = whole.replace("NER=I-X", "NER=O")
    parsed, sentences = read(f"{whole}{empty}\n{half}\n")
    assert sentences == [("갔다서울", [(0, 2, "X"), (2, 4, "LC")])]
    assert [r.reason for r in parsed.rejected] == [
        "a token of several words of which only some are an entity"
    ]


def test_two_keys_with_tags_are_refused():
    """The user says which."""
    rows = row(1, "김", "NER=B-PS|FINE=B-MAN") + row(2, "씨", "NER=O|FINE=O") + "\n"
    with pytest.raises(DataError, match=r"`NER=` and `FINE=`.*CORPUS_FIELDS=tags=NER"):
        read(rows)
    assert read(rows, tags="FINE")[1][0][1] == [(0, 1, "MAN")]


@pytest.mark.parametrize("outside", ["O", "-", "_"])
def test_types_alone_are_tags_where_most_are_outside(outside):
    """Neighbours of one type are one entity, and the log says so."""
    rows = f"김\tPS\n철수\tPS\n는\t{outside}\n서울\tLC\n로\t{outside}\n갔\t{outside}\n\n"
    parsed, sentences = read(rows)
    assert sentences == [("김 철수 는 서울 로 갔", [(0, 4, "PS"), (7, 9, "LC")])]
    assert parsed.format.endswith("types without B or I, of which neighbours alike are one entity")
    assert not read(f"김\tB\n철수\tI\n는\t{outside}\n갔\t{outside}\n다\t{outside}\n\n")[1]


def test_an_underscore_is_outside_where_no_other_tag_is():
    """`_` beside O is a unit without a tag."""
    assert read("김\tB-PS\n는\t_\n갔\t_\n\n")[1] == [("김는갔", [(0, 1, "PS")])]
    parsed, _ = read("김\tB-PS\n는\t_\n갔\tO\n\n" + "김\tB-PS\n는\tO\n\n" * 9)
    assert [r.reason for r in parsed.rejected] == ["a unit without a tag"]


def test_fields_by_name_need_a_header():
    """A name that no column has is not passed over."""
    with pytest.raises(DataError, match="the columns have no header with it"):
        read("김\tB-PS\n는\tO\n\n", text="word")
