"""The words of the page: each in both languages, each used, the language that of the corpus."""

import ast
import re
import string
from pathlib import Path

import pytest

from job.evaluation.report.fact_names import NAMES, named
from job.evaluation.report.texts import TEXTS, language_of, speak

JOB = Path(__file__).parents[2] / "job"
REPORT = JOB / "evaluation/report"
SOURCES = "".join(file.read_text("utf-8") for file in (*REPORT.glob("*.j2"), *REPORT.glob("*.py")))


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_has_both_languages_with_the_same_values(key):
    """The Korean one has Hangul but where it is a symbol, and markup is closed in both."""
    text = TEXTS[key]
    assert text.en.strip()
    assert re.search("[가-힣]", text.ko)
    assert not re.search("[가-힣]", text.en)
    for form in text.en.split("|"):
        assert fields(form) - {"n"} == fields(text.ko) - {"n"}
    for tag in ("b", "code"):
        for said in text:
            assert said.count(f"<{tag}>") == said.count(f"</{tag}>")


def test_every_text_is_used_and_every_one_used_is_there():
    """A text that the page does not show is dead; one that it lacks would cost the page."""
    called = set(re.findall(r"""\bsay\("(\w+)\"""", SOURCES))
    assert called <= TEXTS.keys()
    assert {key for key in TEXTS if SOURCES.count(f'"{key}"') < 2} - called <= {
        "train", "val", "test", "precision", "recall",  # names of splits and metrics
        "starts_inside_wordpiece", "ends_inside_wordpiece", "unseen_type", "truncated",
    }  # fmt: skip


def test_a_count_chooses_singular_or_plural_and_values_are_escaped():
    """In English; Korean has one form."""
    en, ko = speak("en"), speak("ko")
    assert [en("entities", n=n) for n in (0, 1, 1234)] == [
        "0 entities",
        "1 entity",
        "1,234 entities",
    ]
    assert [ko("entities", n=n) for n in (1, 2)] == ["개체명 1개", "개체명 2개"]
    assert en("macro", value="<b>") == "macro F1 &lt;b&gt;"


@pytest.mark.parametrize(
    ("texts", "language"),
    [
        (["이순신은 1545년 서울에서 태어났다."], "ko"),
        (["Mac에서는", "됩니다"], "ko"),
        (["The 서울 office opened."], "en"),
        (["\u1109\u1165\u110b\u116e\u11af Seoul"], "en"),  # 서울, decomposed: five letters of ten
        (["\u1109\u1165\u110b\u116e\u11af Busa"], "ko"),
        (["1234 !?"], "en"),
        ([], "en"),
    ],
)
def test_the_language_is_korean_where_most_letters_are_hangul(texts, language):
    """Digits and signs are no letters; decomposed Hangul counts as well."""
    assert language_of(texts) == language


def test_every_fact_of_a_run_has_a_korean_name():
    """One that a Korean page lacks would stand there in English."""
    tree = ast.parse((JOB / "training/facts.py").read_text("utf-8"))
    written = {
        key.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant)
    }
    assert "seed" in written
    assert written <= NAMES.keys()
    assert named({"seed": "7", "mine": "<x>"}, "ko") == {"시드": "7", "mine": "<x>"}
    assert named({"seed": "7"}, "en") == {"seed": "7"}
