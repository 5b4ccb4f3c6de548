"""Entity types as people name them, and the names under which they are learned."""

import json

import pytest

from job.corpus.formats import recognise
from job.corpus.formats.edges import LEFT_OUT, OVERLAP
from job.corpus.formats.format import CorpusFile, Options
from job.settings.settings import Settings

TYPES = ("Job Title", "date/time", "지명 (도시)", "B-Company", "a:b", "<i>", "O", "I", "_", "R&D|x")


def parse(text: str, **settings: str) -> recognise.Parsed:
    """The file read with TYPES_MAP, TYPES_ONLY or NESTED."""
    rule = Settings(**settings).types_rule
    return recognise.parse([CorpusFile("f", text.encode())], Options(types=rule))


def row(*spans: tuple[int, int, str], text: str = "가나다라마바사아") -> str:
    return json.dumps({"text": text, "spans": spans}, ensure_ascii=False) + "\n"


def spans_of(parsed: recognise.Parsed) -> list[list[tuple[int, int, str]]]:
    return [[tuple(span) for span in sentence.spans] for sentence in parsed.sentences]


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("form", ["spans", "tokens", "tabs"])
def test_a_type_is_read_as_it_is_written(form, type_):
    """Blanks, slashes, brackets, colons and a `B-` of its own are part of the name."""
    units, tags = ["가나", "다", "라"], [f"B-{type_}", f"I-{type_}", "O"]
    if form == "spans":
        text = row((0, 4, type_), text="가나 다 라")
    elif form == "tokens":
        text = json.dumps({"tokens": units, "ner_tags": tags}) + "\n"
    else:
        text = "".join(f"{u}\t{t}\n" for u, t in zip(units, tags, strict=True)) + "\n"
    parsed = parse(text * 2)
    assert spans_of(parsed) == [[(0, 4, type_)]] * 2
    assert not parsed.rejected


@pytest.mark.parametrize("type_", ["", " PS", "PS ", "P\nS", "P\u200bS", "P\tS", "\u3000PS"])
def test_a_type_that_cannot_be_seen_whole_is_rejected(type_):
    """It would be a second type beside the one that looks the same, or two lines of a label map."""
    parsed = parse(row((0, 1, type_)) + row((0, 1, "PS")))
    assert [(r.reason, r.line) for r in parsed.rejected] == [("unusable entity type", 1)]
    assert spans_of(parsed) == [[(0, 1, "PS")]]


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("PS_NAME", "PS"),
        ("PS_PET", "ANIMAL"),  # the longest beginning
        ("PS_PETER", "PS"),  # the exact name
        ("Job Title", "TITLE"),
        ("a,b", "c=d"),
        ("x*", "STAR"),
        ("PS", None),
        ("xx", None),
    ],
)
def test_a_map_decides_by_the_name_then_the_longest_beginning_then_the_rest(name, new):
    """A dash drops the type, and a backslash takes the meaning off the sign behind it."""
    written = r"*=-, PS_*=PS ,PS_PET*=ANIMAL,PS_PETER=PS,Job Title = TITLE,a\,b=c\=d,x\*=STAR"
    parsed = parse(row((0, 1, name)), types_map=written)
    assert spans_of(parsed) == [[(0, 1, new)] if new else []]


def test_a_map_renames_once():
    """Two types can change places."""
    parsed = parse(row((0, 1, "A"), (2, 3, "B"), (4, 5, "C")), types_map="A=B,B=A")
    assert spans_of(parsed) == [[(0, 1, "B"), (2, 3, "A"), (4, 5, "C")]]


def test_names_are_mapped_before_overlaps_are_judged():
    """A dropped mention overlaps none, and two that come to be equal are one."""
    text = row((0, 4, "DROP"), (0, 2, "PS_A"), (0, 2, "PS_B"), (3, 6, "ELSE"))
    parsed = parse(text, types_map="PS_*=PS,DROP=-")
    assert spans_of(parsed) == [[(0, 2, "PS"), (3, 6, "ELSE")]]
    parsed = parse(text, types_map="PS_*=PS", types_only="PS")
    assert spans_of(parsed) == [[(0, 2, "PS")]]
    assert parse(text).rejected


def test_what_was_renamed_dropped_and_left_out_is_counted():
    """By argument, of all spans that were read, with the names and how often each was met."""
    text = row((0, 1, "PS_A"), (1, 2, "PS_B"), (2, 3, "X"), (3, 4, "LC")) + row((0, 1, "PS_A"))
    parsed = parse(text, types_map="PS_*=PS,X=-", types_only="PS")
    assert parsed.type_notes == (
        "3 of 5 spans renamed by TYPES_MAP: PS_A → PS (2), PS_B → PS (1)",
        "1 of 5 spans dropped by TYPES_MAP: X (1)",
        "1 of 5 spans left out, because TYPES_ONLY does not name their type: LC (1)",
    )


NESTS = ((0, 8, "A"), (0, 3, "B"), (1, 2, "C"), (4, 6, "D"), (5, 6, "D"))


@pytest.mark.parametrize(
    ("nested", "kept"),
    [
        ("outer", [(0, 8, "A")]),
        ("inner", [(1, 2, "C"), (5, 6, "D")]),
    ],
)
def test_of_nested_mentions_one_level_stays(nested, kept):
    """The outermost or the innermost, at any depth; how many were left out is noted."""
    parsed = parse(row(*NESTS), nested=nested)
    assert spans_of(parsed) == [kept]
    assert LEFT_OUT[nested].counted(len(NESTS) - len(kept)) in parsed.type_notes


def test_nested_mentions_are_rejected_unless_the_user_chose():
    """Which of the two is meant is not guessed."""
    assert [r.reason for r in parse(row((0, 3, "A"), (1, 2, "B"))).rejected] == [OVERLAP]


@pytest.mark.parametrize("nested", ["reject", "outer", "inner"])
@pytest.mark.parametrize(
    "spans",
    [
        [(0, 3, "A"), (2, 5, "B")],
        [(0, 3, "A"), (0, 3, "B")],
        [(0, 8, "A"), (0, 3, "A"), (2, 5, "B")],
        [(0, 8, "A"), (1, 3, "A"), (1, 3, "B")],
        [(0, 4, "A"), (1, 2, "A"), (3, 6, "B")],
    ],
)
def test_mentions_that_contradict_each_other_are_rejected(nested, spans):
    """Those that share a part, and two types of the same characters, whatever lies around them."""
    assert [r.reason for r in parse(row(*spans), nested=nested).rejected] == [OVERLAP]
