"""The report: four files whose numbers agree, and a page that any browser shows, offline."""

import dataclasses
import json
import math
import os
import re
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from job.errors import OutputError
from job.evaluation.report import ceiling, write_report
from job.evaluation.results import EpochRecord, SplitResult
from job.evaluation.scores import score_spans
from job.evaluation.wrong_sentences import SHOWN, WORST, show_characters
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


def write(folder, *, results=None, history=None, types=TYPES, facts=None, title="Run <7>"):
    return write_report(
        folder,
        title=title,
        facts={"model": "a/b", "corpus sha256": "9f" * 32} if facts is None else facts,
        history=[epoch(1), epoch(2), epoch(3)] if history is None else history,
        results=[result("val", ROWS)] if results is None else results,
        types=types,
    )


def lines_of(file):
    """The JSON values of a file, split as the strictest readers split lines."""
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_what_no_wordpiece_can_get_right_lowers_the_ceiling():
    """Entities behind a truncation do not: they are counted among the other reasons as well."""
    lost = {"starts_inside_wordpiece": 1, "ends_inside_wordpiece": 1, "truncated": 4}
    split = dataclasses.replace(result("val", ROWS), lost=lost)
    assert ceiling(split) == pytest.approx(5 / 7)
    assert ceiling(result("val", [("부산", [], [])])) is None


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


def test_the_page_loads_nothing(tmp_path):
    """No address but SVG's namespace, no source, no link but to its own sections, no script."""
    write(tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert "<svg" in page
    page = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    forbidden = r"https?:|\bsrc\s*=|@import|url\(|<script|<link|<img|<iframe|\bon\w+\s*="
    assert re.findall(forbidden, page) == []
    assert all(href.startswith("#") for href in re.findall(r'href\s*=\s*"?([^">]*)', page))
    assert "default-src 'none'" in page


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
    rows = [("가" * 30, [Span(n, n + 1, "PER") for n in range(k % 20)], []) for k in range(100)]
    write(tmp_path, results=[result("val", rows)])
    page = (tmp_path / "index.html").read_text("utf-8")
    listed = [int(n) for n in re.findall(r"<b>line (\d+)</b>", page)]
    assert listed[:6] == [20, 40, 60, 80, 100, 19]
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


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium that resolves no host name and records every request and message."""
    binary = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not (binary and driver):
        reason = "NOT CHECKED: the report in a browser; install chromium and chromium-driver"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(flag)
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


def open_page(browser, file: Path, *, width, scheme="light"):
    """Opens a page offline at a width in CSS pixels; returns the addresses it requested."""
    for command, values in {
        "Network.enable": {},
        "Network.emulateNetworkConditions": {
            "offline": True,
            "latency": 0,
            "downloadThroughput": 0,
            "uploadThroughput": 0,
        },
        "Emulation.setDeviceMetricsOverride": {
            "width": width,
            "height": 800,
            "deviceScaleFactor": 1,
            "mobile": width < 600,
        },
        "Emulation.setEmulatedMedia": {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]
        },
    }.items():
        browser.execute_cdp_cmd(command, values)
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(file.as_uri())
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [
        event["params"]["request"]["url"]
        for event in events
        if event["method"] == "Network.requestWillBeSent"
    ]


def test_the_page_opens_offline_and_shows_what_was_marked(browser, tmp_path):
    """One request, its own; no message on the console; mentions exactly; scripts are inert."""
    title = f"Run </title>{SCRIPT}"
    types = (*TYPES, f"</style>{SCRIPT}")
    write(tmp_path, title=title, facts={SCRIPT: f'"{SCRIPT}'}, types=types)
    file = tmp_path / "index.html"
    assert open_page(browser, file, width=1200) == [file.as_uri()]
    assert browser.get_log("browser") == []
    assert browser.title == title  # had a script run, it would be "owned"
    assert browser.find_elements(By.CSS_SELECTOR, "script, .gold b, .predicted b") == []
    assert browser.execute_script(
        """const button = document.createElement('button');
        button.setAttribute('onclick', 'window.ran = true');
        button.click();
        return window.ran === undefined"""
    ), "the page's policy must forbid scripts that slipped through"

    plots = browser.find_elements(By.CSS_SELECTOR, "figure svg")
    assert len(plots) == 2
    for plot in plots:
        assert plot.size["width"] > 300
        assert plot.size["height"] > 150
        curves = plot.find_elements(By.CSS_SELECTOR, "path.line.reactive")
        assert [curve.size["width"] > 200 for curve in curves] == [True, True]

    marked = browser.execute_script(
        """return [...document.querySelectorAll('ol.worst li')].map(item =>
             ['gold', 'predicted'].map(side =>
               [...item.querySelectorAll('.' + side + ' mark')].map(mark =>
                 [mark.querySelector('.mention').textContent, mark.dataset.kind,
                  mark.querySelector('.mention').getBoundingClientRect().width > 5])))"""
    )
    in_order = {frozenset(map(tuple, gold)): gold for gold, _ in marked}
    assert len(in_order) == 4
    assert marked[0] == [  # the script's sentence: three wrong entities, as many as the next
        [["서울", "type", True]],
        [["<script>", "spurious", True], ["서울", "type", True]],
    ]
    assert marked[1] == [
        [["서울U+200B", "boundary", True], ["김철수", "missed", True]],
        [["서울", "boundary", True]],
    ]
    assert marked[2] == [[["가나다라", "missed", True]], [["가나다라", "spurious", True]]]
    assert marked[3] == [
        [["김환희", "correct", True], ["서울", "missed", True]],
        [["김환희", "correct", True]],
    ]
    items = browser.find_elements(By.CSS_SELECTOR, "ol.worst .gold")
    assert SCRIPT in items[0].text
    assert len(items[2].text) < SHOWN + 200
    assert "⋯ 39,960 characters ⋯" in items[2].text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(browser, tmp_path, scheme):
    """Nothing reaches beyond 400 pixels, however long a word; wide tables scroll by themselves."""
    long_type = "아주긴이름의개체유형" * 5
    text = "x" * 500
    rows = [*ROWS, (text, [Span(0, 300, long_type)], [Span(0, 300, "PER")])]
    many = [f"TYPE-{n}" for n in range(20)]
    types = (*TYPES, long_type, *many)
    facts = {"sha256 " + "y" * 90: "9f" * 100}
    write(tmp_path, results=[result("val", rows, types=types)], types=types, facts=facts)
    open_page(browser, tmp_path / "index.html", width=400, scheme=scheme)
    assert browser.execute_script("return document.documentElement.scrollWidth") == 400
    beyond = browser.execute_script(
        """return [...document.querySelectorAll('body *')].filter(element =>
             !element.closest('.scroll table') &&
             element.getBoundingClientRect().right > 400.5).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert beyond == []
    for plot in browser.find_elements(By.CSS_SELECTOR, "figure svg"):
        assert plot.size["width"] > 250
    assert contrast(browser, "body") > 7
    assert contrast(browser, "mark.wrong small") > 4
    assert contrast(browser, "mark .mention") > 7


def contrast(browser, selector):
    """WCAG contrast of an element's colour against the nearest background, as painted."""
    return browser.execute_script(
        """const canvas = document.createElement('canvas').getContext('2d');
        const light = colour => {
          canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
          const rgb = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255);
          const line = rgb.map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
          return .2126 * line[0] + .7152 * line[1] + .0722 * line[2]; };
        const element = document.querySelector(arguments[0]);
        let behind = element;
        while (/, 0\\)$/.test(getComputedStyle(behind).backgroundColor)) {
          behind = behind.parentElement; }
        const both = [light(getComputedStyle(element).color),
                      light(getComputedStyle(behind).backgroundColor)].sort((a, b) => b - a);
        return (both[0] + .05) / (both[1] + .05);""",
        selector,
    )
