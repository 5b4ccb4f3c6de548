"""The report: four files whose numbers agree, and a page that any browser shows, offline."""

import dataclasses
import json
import math
import re

import pytest

from job.errors import OutputError
from job.evaluation.report.files import write_report
from job.evaluation.report.wrong_sentences import OPEN, WORST, show_characters
from job.evaluation.results import EpochRecord, Exported, SplitResult
from job.evaluation.scores import Counts, Scores, score_spans
from job.sentence import Sentence, Span

TYPES = ("PER", "LOC", "ORG")
SCRIPT = "<script>document.title = 'owned'</script>"
ODD = "서울\u200b시청\x07 \u202e김철수\u2028는\u3000갔다\x00\x85\u2029."
LONG = "가나다라 " * 20_000


def result(name, rows, *, loss=0.25, types=TYPES):
    """A split of (text, gold, predicted) rows; wordpieces are scored as characters are."""
    sentences = [Sentence(text, tuple(gold), n) for n, (text, gold, _) in enumerate(rows, 1)]
    predicted = [tuple(spans) for _, _, spans in rows]
    scores = score_spans([s.spans for s in sentences], predicted, types)
    lost = {"starts_inside_wordpiece": 0, "ends_inside_wordpiece": 1}
    return SplitResult(name, sentences, predicted, scores, scores, loss, lost)


def epoch(number, **changed):
    values = {"epoch": number, "step": 10 * number, "train_loss": 1 / number, "val_loss": 0.5}
    values |= {"f1_characters": 0.6, "f1_wordpieces": 0.7, "sentences_per_s": 900.0}
    values |= {"seconds": 12.5, "learning_rate": 5e-5}
    return EpochRecord(**values | changed)


ROWS = [
    ("김환희는 서울에 산다", [Span(0, 3, "PER"), Span(5, 7, "LOC")], [Span(0, 3, "PER")]),
    (f"{SCRIPT} 서울 & <b>", [Span(42, 44, "LOC")], [Span(42, 44, "ORG"), Span(0, 8, "PER")]),
    (ODD, [Span(0, 3, "LOC"), Span(8, 11, "PER")], [Span(0, 2, "LOC")]),
    (LONG, [Span(40_000, 40_004, "ORG")], [Span(90_000, 90_004, "PER")]),
    ("모두 맞다: 부산", [Span(7, 9, "LOC")], [Span(7, 9, "LOC")]),
]


def write(folder, **changed):
    """A report in English of ROWS as val after three epochs, but for what is given."""
    values = {"title": "Run <7>", "facts": {"model": "a/b", "corpus sha256": "9f" * 32}}
    values |= {"history": [epoch(1), epoch(2), epoch(3)], "results": [result("val", ROWS)]}
    return write_report(folder, **values | {"types": TYPES, "language": "en"} | changed)


def page_of(folder, **changed):
    """The page of such a report."""
    write(folder, **changed)
    return (folder / "index.html").read_text("utf-8")


def lines_of(file):
    """The JSON values of a file, split as the strictest readers split lines."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_what_no_wordpiece_can_get_right_lowers_the_ceiling():
    """Entities behind a truncation do not: they are counted among the other reasons as well."""
    lost = {"starts_inside_wordpiece": 1, "ends_inside_wordpiece": 1, "truncated": 4}
    split = dataclasses.replace(result("val", ROWS), lost=lost)
    assert split.tags_ceiling == pytest.approx(5 / 7)
    assert result("val", [("부산", [], [])]).tags_ceiling is None


def test_a_sentence_with_nothing_but_a_spurious_entity_is_an_error(tmp_path):
    """Nothing of gold is missed there."""
    write(tmp_path, results=[result("val", [("부산에 갔다", [], [Span(0, 2, "LOC")])])])
    [error] = lines_of(tmp_path / "errors.jsonl")
    assert (error["missed"], error["spurious"]) == ([], [[0, 2, "LOC"]])


def test_predictions_hold_every_sentence_and_errors_only_the_wrong_ones(tmp_path):
    """In the corpus's order, with split, line, gold and predicted spans."""
    write(tmp_path, results=[result("val", ROWS), result("test", ROWS[:1])])
    predictions, errors = (
        lines_of(tmp_path / "predictions.jsonl"),
        lines_of(tmp_path / "errors.jsonl"),
    )
    assert [line["text"] for line in predictions] == [text for text, _, _ in [*ROWS, ROWS[0]]]
    assert predictions[0] == {
        "split": "val",
        "line": 1,
        "text": ROWS[0][0],
        "gold": [[0, 3, "PER"], [5, 7, "LOC"]],
        "predicted": [[0, 3, "PER"]],
    }
    assert [(line["split"], line["line"]) for line in errors] == [
        ("val", 1),
        ("val", 2),
        ("val", 3),
        ("val", 4),
        ("test", 1),
    ]
    assert errors[1]["missed"] == [[42, 44, "LOC"]]
    assert errors[1]["spurious"] == [[0, 8, "PER"], [42, 44, "ORG"]]


def test_metrics_are_all_numbers_in_a_fixed_order_without_nan(tmp_path):
    """The file is strict JSON, and the same run writes the same bytes."""
    history = [epoch(1, train_loss=math.nan, val_loss=math.inf), epoch(2)]
    results = [result("val", ROWS, loss=math.nan)]
    metrics = write(tmp_path / "a", history=history, results=results)
    write(tmp_path / "b", history=history, results=results)
    text = (tmp_path / "a/metrics.json").read_text("utf-8")

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    assert json.loads(text, parse_constant=refuse) == metrics
    for name in ("metrics.json", "index.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    val = metrics["splits"]["val"]
    assert (val["loss"], metrics["history"][0]["train_loss"]) == (None, None)
    assert val["characters"]["micro"]["gold"] == sum(len(gold) for _, gold, _ in ROWS)
    assert val["characters"]["per_type"]["LOC"]["true_positive"] == 1
    assert val["confusion"]["same_bounds"]["LOC"] == {"LOC": 1, "ORG": 1}
    assert val["confusion"]["boundary"] == {"PER": 0, "LOC": 1, "ORG": 0}
    assert val["lost"]["ends_inside_wordpiece"] == 1


EMPTY = [
    pytest.param({"results": [result("val", [(t, g, []) for t, g, _ in ROWS])]}, id="no-entity"),
    pytest.param({"history": [epoch(1)]}, id="one-epoch"),
    pytest.param({"history": []}, id="evaluation-only"),
    pytest.param({"history": [epoch(1, val_loss=math.nan, train_loss=math.nan)]}, id="all-nan"),
    pytest.param({"history": [epoch(n) for n in range(1, 201)]}, id="200-epochs"),
    pytest.param({"results": [result("val", ROWS), result("test", [])]}, id="empty-test"),
    pytest.param({"results": [result("val", [("없다", [], [])])]}, id="all-O"),
    pytest.param({"results": [result("val", [], types=())], "types": ()}, id="no-type"),
    pytest.param({"results": []}, id="no-split"),
    pytest.param({"facts": {}, "title": ""}, id="no-fact"),
    pytest.param(
        {"results": [result("val", [("서울", [Span(0, 2, "미래:X")], [])])]}, id="unseen-type"
    ),
]


@pytest.mark.parametrize("case", EMPTY)
def test_a_run_that_lacks_something_still_has_its_report(tmp_path, case):
    """No epoch, no entity, no type, no split or no number: the page is whole and says no `nan`."""
    metrics = write(tmp_path, **case)
    assert json.loads((tmp_path / "metrics.json").read_text("utf-8")) == metrics
    page = (tmp_path / "index.html").read_text("utf-8")
    assert page.rstrip().endswith("</html>")
    assert ("<svg" in page) == (case.get("history") != [])
    assert not re.search(r"\b(nan|inf|None|Undefined)\b", re.sub(r"<style.*?</style>", "", page))


def test_the_page_stays_small_whatever_the_errors(tmp_path):
    """Many sentences, each full of errors, some very long: still below one megabyte."""
    dense = "".join(chr(0xAC00 + n) for n in range(400))
    every = [Span(n, n + 1, TYPES[n % 3]) for n in range(400)]
    many = [Span(n, n + 4, "ORG") for n in range(0, 100_000, 50)]
    rows = [(dense, every, []), (LONG, many, []), ("\u200b\x07" * 50_000, many, [])] * 20
    results = [result("val", rows), result("test", rows)]
    write(tmp_path, results=results)
    assert (tmp_path / "index.html").stat().st_size < 1_000_000


def test_the_worst_sentences_come_first_and_not_too_many(tmp_path):
    """By the number of wrong entities, at most WORST of them."""
    rows = [("가" * 30, [Span(n, n + 1, "PER") for n in range(k % 20)], []) for k in range(200)]
    write(tmp_path, results=[result("val", rows)])
    page = (tmp_path / "index.html").read_text("utf-8")
    listed = [int(n) for n in re.findall(r"<b>line (\d+)</b>", page)]
    assert listed[:11] == [*range(20, 201, 20), 19]
    assert len(listed) == WORST


def test_invisible_characters_show_their_code_points():
    """And their number where one is repeated; markup of the text is escaped."""
    assert show_characters("가 <b>\u200b\u200b\u3000\x00") == (
        "가 &lt;b&gt;<i class=odd>U+200B×2</i><i class=odd>U+3000</i><i class=odd>U+0000</i>"
    )


def test_a_lone_surrogate_survives_in_json_and_shows_on_the_page(tmp_path):
    """Text that no encoding can hold does not end the report."""
    write(tmp_path, results=[result("val", [("가\ud800나", [Span(0, 1, "PER")], [])])])
    assert lines_of(tmp_path / "errors.jsonl")[0]["text"] == "가\ud800나"
    assert "U+D800" in (tmp_path / "index.html").read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path):
    """An OutputError names it."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="file"):
        write(tmp_path / "file")


def lead_of(folder, **changed):
    """The sentence below the scores, without its markup."""
    [lead] = re.findall(r'<p class="lead">(.*?)</p>', page_of(folder, **changed), flags=re.DOTALL)
    return " ".join(re.sub("<[^>]*>", "", lead).split())


def test_the_page_begins_with_the_answer(tmp_path):
    """What was found, what the ends gave and which epoch it is; silent on what is not known."""
    found = "Of 7 entities of val, the model returns 2 exactly; 4 of what it predicts is not in the"
    assert lead_of(tmp_path) == f"{found} corpus."
    split = dataclasses.replace(result("val", ROWS), tags_alone=Scores({"PER": Counts(1, 6, 7)}))
    exported = Exported(2, "the highest val F1", "val F1이 가장 높음")
    assert lead_of(tmp_path, results=[split], exported=exported) == (
        f"{found} corpus. Knowing where entities end inside a wordpiece gives +0.154: with the "
        "tags alone, F1 on exact characters is 0.154. The exported model is that of epoch 2: the "
        "highest val F1."
    )
    korean = lead_of(tmp_path, results=[split], exported=exported, language="ko")
    assert "F1 +0.154입니다(태그만 쓰면 0.154)" in korean
    assert korean.endswith("내보낸 모델은 2번째 에폭의 것입니다(val F1이 가장 높음).")


def test_the_score_stands_beside_its_interval(tmp_path):
    """On the page as in metrics.json, for all and for each type that has enough."""
    rows = [
        ("서울에", [Span(0, 2, "LOC")], [Span(0, 2, "LOC")] if n % 3 else []) for n in range(60)
    ]
    metrics = write(tmp_path, results=[result("val", rows)])
    characters = metrics["splits"]["val"]["characters"]
    low, high = characters["micro"]["f1_interval"]
    assert low < characters["micro"]["f1"] == 0.8 < high
    assert characters["per_type"]["LOC"]["f1_interval"] == [low, high]
    assert characters["per_type"]["PER"]["f1_interval"] is None
    page = (tmp_path / "index.html").read_text("utf-8")
    shown = f'0.800</b> <span class="range">({low:.3f}–{high:.3f})</span>'
    assert page.count(shown) == 2


def test_the_command_stands_apart_from_the_other_facts(tmp_path):
    """It is copied from there as it stands."""
    page = page_of(tmp_path, facts={"seed": "7", "command": "SEED=7 python -m job <x>"})
    assert "<pre><code>SEED=7 python -m job &lt;x&gt;</code></pre>" in page
    assert "<dt>command</dt>" not in page
    assert "<pre>" not in page_of(tmp_path)


def test_the_page_is_in_the_language_of_val_unless_told_otherwise(tmp_path):
    """Of all splits where there is no val."""
    english = result("val", [("Seoul", [], [])])
    korean = result("test", [("서울특별시에 갔다", [], [])])

    def language(**changed):
        return re.search('<html lang="(..)">', page_of(tmp_path, **changed)).group(1)

    assert language(results=[english, korean], language="auto") == "en"
    assert language(results=[korean], language="auto") == "ko"
    assert language(results=[korean], language="en") == "en"
    assert language(results=[english], language="ko") == "ko"


def test_ten_sentences_are_open_fewer_where_they_are_long(tmp_path):
    """And at least one; the rest is folded, and the number of all that are wrong is said."""

    def opened(text, gold):
        page = page_of(tmp_path, results=[result("val", [(text, gold, [])] * 150)])
        assert "<b>150</b> of 150 sentences are wrong" in page
        shown, folded = page.split("more sentences</summary>")
        listed = shown.count("data-errors") + folded.count("data-errors")
        assert f"; {listed} here" in page
        return shown.count("data-errors")

    assert opened("서울에 갔다", [Span(0, 2, "LOC")]) == OPEN
    far_apart = [Span(at, at + 2, "LOC") for at in range(0, 800, 100)]
    assert 1 < opened("서울에 갔다. " * 200, far_apart) < OPEN


def test_a_split_of_another_name_is_called_by_it(tmp_path):
    """Though it is a word of the page."""
    page = page_of(tmp_path, results=[result("loss", ROWS)], language="ko")
    assert '<a href="#split-1">loss</a>' in page


def test_the_numbers_say_which_epoch_was_exported(tmp_path):
    """And why, in both languages; null where nobody knows."""
    exported = Exported(2, "the highest val F1", "가장 높음")
    assert write(tmp_path / "known", exported=exported)["exported"] == {
        "epoch": 2,
        "reason": "the highest val F1",
        "reason_ko": "가장 높음",
    }
    assert write(tmp_path / "unknown")["exported"] is None
