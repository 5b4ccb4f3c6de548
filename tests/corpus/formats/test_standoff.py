"""brat's standoff and WebAnno's TSV 3."""

import pytest

from job.corpus.formats.format import CorpusFile, Options
from job.corpus.formats.recognise import parse
from job.errors import DataError
from tests.support.parsing import parse as parse_one


def read(**texts):
    """`doc_ann="…"` is doc.ann."""
    files = {name.replace("_", "."): text.encode() for name, text in texts.items()}
    parsed = parse([CorpusFile(p, d, frozenset(files)) for p, d in files.items()], Options())
    return parsed, said(parsed)


def said(parsed):
    return [(s.text, [tuple(span) for span in s.spans]) for s in parsed.sentences]


def reasons(parsed):
    return [(row.reason, row.line) for row in parsed.rejected]


# brat


def test_a_text_is_cut_at_its_line_ends_and_knows_its_document():
    """Offsets count the whole file; relations, attributes and notes are no entities."""
    notes = (
        "R1\tAt Arg1:T1 Arg2:T2\nA1\tSure T1\n#1\tAnnotatorNotes T1\t왜\n*\tEquiv T1 T2\nE1\tx:T1\n"
    )
    parsed, sentences = read(
        a_txt="😀 홍길동은\n\n서울로\n",
        a_ann=f"T1\tPS 2 5\t홍길동\nT2\tLC 8 10\t서울\n{notes}",
        b_txt="비가 온다\n",
        b_ann="",
    )
    expected = [("😀 홍길동은", [(2, 5, "PS")]), ("서울로", [(0, 2, "LC")]), ("비가 온다", [])]
    assert sentences == expected
    assert [s.document for s in parsed.sentences] == ["a.txt", "a.txt", "b.txt"]


@pytest.mark.parametrize(("start", "how"), [(5, ""), (6, ", a line end as two characters")])
def test_mentions_say_whether_crlf_is_one_character(start, how):
    """Tools count a line end as one or as the two characters that it is."""
    parsed, sentences = read(
        a_txt="비가 와\r\n서울로\r\n", a_ann=f"T1\tLC {start} {start + 2}\t서울\n"
    )
    assert sentences == [("비가 와", []), ("서울로", [(0, 2, "LC")])]
    assert parsed.format == f"brat's texts and annotations{how}"


@pytest.mark.parametrize(
    ("entity", "reason", "lines"),
    [
        ("T1\tPS 0 2;3 5\t대전 시장", "a discontinuous mention", [1]),
        ("T1\tPS 3 8\t시장 서울", "a mention that crosses a line end", [1, 2]),
        (
            "T1\tLC 0 2\t서울",
            "offsets that do not give the mention that the annotation names",
            [1, 2],
        ),
        ("T1\tLC 60 62\t서울", "a span outside its text", [2]),
    ],
)
def test_what_cannot_be_placed_rejects_each_sentence_it_may_belong_to(entity, reason, lines):
    """A sentence without its entity would teach that it has none."""
    parsed, sentences = read(a_txt="대전 시장\n서울로\n비가 온다\n", a_ann=f"{entity}\n")
    assert reasons(parsed) == [(reason, line) for line in lines]
    assert len(sentences) == 3 - len(lines)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a_txt": "가\n", "b_txt": "나\n", "b_ann": ""}, "a.txt has no a.ann beside it"),
        ({"a_txt": "가\n", "a_ann": "", "b_ann": "T1\tPS 0 1\t나\n"}, "b.ann has no b.txt"),
        ({"a_txt": "가\n", "a_ann": "T1 PS 0 1 가\n"}, "a.ann:1: `T1 PS 0 1 가` is no annotation"),
    ],
)
def test_a_text_without_its_annotations_is_refused_by_name(files, says):
    """It would be read as sentences without entities."""
    with pytest.raises(DataError, match=says):
        read(**files)


FILES_OF_TWO = ("a/doc.txt", "b/doc.txt")


def read_of_two(a, b, text="홍길동은\n서울로\n비가 와\n", other=None, names=FILES_OF_TWO):
    """Two annotators' folders."""
    texts = dict(zip(names, (text, other or text), strict=True))
    answers = {name.replace(".txt", ".ann"): ann for name, ann in zip(names, (a, b), strict=True)}
    files = {name: each.encode() for name, each in (texts | answers).items()}
    return parse([CorpusFile(p, d, frozenset(files)) for p, d in files.items()], Options())


PERSON, PLACE = "T1\tPS 0 3\t홍길동\n", "T2\tLC 5 7\t서울\n"
OF_BOTH = [("홍길동은", [(0, 3, "PS")]), ("서울로", [(0, 2, "LC")]), ("비가 와", [])]


def test_what_two_annotators_say_alike_is_one_sentence():
    """In whatever order; the note says how many were left out."""
    parsed = read_of_two(PERSON + PLACE, PLACE + PERSON)
    assert said(parsed) == OF_BOTH
    assert {sentence.file for sentence in parsed.sentences} == {"a/doc.txt"}
    assert not parsed.rejected
    [note] = parsed.notes
    assert note == "3 annotations were equal to another of the same task, left out"


def test_a_sentence_of_which_two_annotators_differ_is_rejected_once():
    """Neither is believed; the other sentences of the text stay."""
    parsed = read_of_two(PERSON + PLACE, PERSON)
    assert said(parsed) == [OF_BOTH[0], OF_BOTH[2]]
    [rejected] = parsed.rejected
    assert (rejected.reason, rejected.place) == ("annotators disagree", "a/doc.txt:2")
    assert rejected.detail == "2 annotations of one task"


def test_what_cannot_be_read_of_one_annotator_is_not_taken_from_the_other():
    """The other may lack the very entity; it is rejected once, by the reason of the first."""
    for a, b, file in (("", "T1\tPS 0 1;2 3\t홍 동\n", "b"), ("T1\tPS 0 2\t길동\n", "", "a")):
        parsed = read_of_two(a, b)
        assert said(parsed) == [("서울로", []), ("비가 와", [])]
        [rejected] = parsed.rejected
        assert rejected.place == f"{file}/doc.txt:1"


def test_what_cannot_be_read_of_each_annotator_is_rejected():
    """Another sentence of each: neither is taken from the other."""
    parsed = read_of_two("T1\tPS 0 1;2 3\t홍 동\n", "T1\tLC 5 6;6 7\t서 울\n")
    assert said(parsed) == [("비가 와", [])]
    places = {rejected.place for rejected in parsed.rejected}
    assert places == {"a/doc.txt:1", "b/doc.txt:2"}


@pytest.mark.parametrize(
    "changed",
    [{"names": ("a/doc.txt", "b/doc2.txt")}, {"other": "홍길동은\n서울로\n비가 옴\n"}],
    ids=["name", "text"],
)
def test_texts_of_another_name_or_wording_are_texts_of_their_own(changed):
    """Every sentence of both is read."""
    parsed = read_of_two(PERSON + PLACE, PERSON, **changed)
    assert len(parsed.sentences) == 6
    assert not parsed.rejected


# WebAnno

HEAD = (
    "#FORMAT=WebAnno TSV 3.3\n#T_SP=custom.Pos|PosValue\n#T_SP=ner.NamedEntity|identifier|value\n"
)


def webanno(body, head=HEAD, **fields):
    return parse_one(f"{head}\n\n{body}".encode(), "doc.tsv", fields=fields)


def row(id_, place, token, value, identifier="_"):
    return f"{id_}\t{place}\t{token}\t_\t{identifier}\t{value}\t\n"


SEOUL = "\n#Text=서울로\n2-1\t9-12\t서울로\t_\t_\t_\t\n2-1.1\t9-11\t서울\t_\t*\tLC\t\n"


def test_parts_of_tokens_numbers_and_escapes_are_read():
    """Offsets count UTF-16 and go on from sentence to sentence."""
    body = "#Text=😀 김 구는\n" + row("1-1", "0-2", "😀", "_")
    body += row("1-2", "3-4", "김", "a\\_b[1]", "*[1]") + row("1-3", "5-7", "구는", "_")
    parsed = webanno(body + row("1-3.1", "5-6", "구", "a\\_b[1]", "*[1]") + SEOUL)
    assert said(parsed) == [("😀 김 구는", [(2, 5, "a_b")]), ("서울로", [(0, 2, "LC")])]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (("1-1", "0-2", "대전", "LC"), "a text that its rows do not cover"),
        (("1-2", "0-2", "대전", "LC"), "a row whose number does not go on from that before it"),
        (("1-1", "0-1", "대전", "LC"), "offsets that do not give the row's token"),
        (("1-1", "0-2", "대전", "*"), "an entity without a type"),
    ],
)
def test_rows_that_do_not_prove_their_sentence_reject_it(rows, reason):
    """A row that is missing may have held an entity."""
    text = "대전 시" if "cover" in reason else "대전"
    parsed = webanno(f"#Text={text}\n{row(*rows)}{SEOUL}")
    assert [row.reason for row in parsed.rejected] == [reason]
    assert said(parsed) == [("서울로", [(0, 2, "LC")])]


def test_a_layer_of_entities_is_chosen_by_name_where_two_could_be():
    """Of two features with values, the user says which."""
    head = "#FORMAT=WebAnno TSV 3.2\n#T_SP=my.Person|kind\n#T_SP=my.Place|sort\n"
    body = "#Text=김 시\n1-1\t0-1\t김\tA\t_\t\n1-2\t2-3\t시\t_\tB\t\n"
    with pytest.raises(DataError, match=r"CORPUS_FIELDS=type=Person\.kind"):
        webanno(body, head)
    assert said(webanno(body, head, type="Place.sort")) == [("김 시", [(2, 3, "B")])]


def test_another_version_is_refused():
    """Version 2 has other columns."""
    with pytest.raises(DataError, match="export it as WebAnno TSV 3"):
        webanno("", "#FORMAT=WebAnno TSV 2.0\n")
